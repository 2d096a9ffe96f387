use super::*;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut source = Source::default();
    source.read_file(text, FILE_NAME);
    let variables = variables.iter();
    source.read_environment(variables.map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    Config::from_source(source, PathBuf::from("/etc/doorward"))
}

fn mistakes(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match load(text, variables) {
        Err(ConfigError::Mistakes(all)) => all.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_said_means_the_defaults_of_the_table() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.base_url, "http://127.0.0.1:8080");
    assert_eq!(
        config.entity_id.as_str(),
        "http://127.0.0.1:8080/saml/metadata"
    );
    assert_eq!(
        config.database_url,
        "sqlite:///etc/doorward/data/doorward.db"
    );
    assert_eq!(
        config.database_file(),
        Some(Path::new("/etc/doorward/data/doorward.db"))
    );
    assert_eq!(config.keys_dir, Path::new("/etc/doorward/keys"));
    assert_eq!(config.session.idle, Duration::from_hours(2));
    assert_eq!(config.argon2.memory_kib, 19_456);
    assert!(config.throttle && config.contact.is_none() && !config.allow_insecure_http);
    assert!(config.trusts_proxy("127.0.0.1".parse().unwrap()));
}

#[test]
fn the_environment_wins_over_the_file_and_dots_become_underscores() {
    let config = load(
        "base_url = \"https://file.example\"\nsession_idle = \"1h\"\n[argon2]\nmemory_kib = 64\n",
        &[
            ("DOORWARD_BASE_URL", "https://environment.example/"),
            ("DOORWARD_ARGON2_ITERATIONS", "1"),
            ("DOORWARD_TRUSTED_PROXIES", "10.0.0.0/8,192.168.0.1"),
            ("DOORWARD_TEST_ANYTHING", "left alone"),
            ("HOME", "/root"),
        ],
    )
    .unwrap();
    assert_eq!(config.base_url, "https://environment.example");
    assert_eq!(config.session.idle, Duration::from_hours(1));
    assert_eq!(
        (config.argon2.memory_kib, config.argon2.iterations),
        (64, 1)
    );
    assert!(config.trusts_proxy("10.1.1.1".parse().unwrap()));
    assert!(!config.trusts_proxy("127.0.0.1".parse().unwrap()));
}

#[test]
fn an_empty_list_trusts_nobody_and_an_empty_text_is_none() {
    let config = load("trusted_proxies = []\ncontact = \"\"", &[]).unwrap();
    assert!(config.trusted_proxies.is_empty() && config.contact.is_none());
    assert!(
        load("", &[("DOORWARD_TRUSTED_PROXIES", "")])
            .unwrap()
            .trusted_proxies
            .is_empty()
    );
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    let said = mistakes(
        "baseurl = \"x\"\n[argon2]\nmemory = 1\n[proxy]\nby = \"x\"",
        &[],
    );
    assert!(
        said[0].contains("argon2.memory") && said[0].contains("argon2.memory_kib?"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("baseurl:") && said[1].contains("base_url?"),
        "{said:?}"
    );
    assert!(said[2].starts_with("proxy: is no known key"), "{said:?}");
    let said = mistakes("", &[("DOORWARD_DATABASEURL", "x")]);
    assert!(said[0].contains("DOORWARD_DATABASE_URL?"), "{said:?}");
}

#[test]
fn all_mistakes_are_told_at_once_each_with_key_and_fix() {
    let said = mistakes(
        "base_url = \"ftp://x\"\nlisten = 8080\nsession_idle = \"2\"\ndurability = \"some\"\n\
         clock_skew = \"1h\"\ndatabase_url = \"oracle://x/y\"\nsigning_algorithm = \"rsa1024\"\n\
         entity_id = \"store\"\nlog = 1.5\ntrusted_proxies = [\"x\"]\nthrottle = \"maybe\"\n\
         allow_insecure_http = 7\n[argon2]\nmemory_kib = 1\niterations = 0\n",
        &[],
    );
    for key in [
        "base_url",
        "listen",
        "session_idle",
        "durability",
        "clock_skew",
        "database_url",
        "signing_algorithm",
        "entity_id",
        "log",
        "trusted_proxies",
        "throttle",
        "allow_insecure_http",
        "argon2.memory_kib",
        "argon2.iterations",
    ] {
        let told = said
            .iter()
            .any(|line| line.starts_with(&format!("{key}: ")) && line.contains("; "));
        assert!(told, "{key} in {said:#?}");
    }
    assert_eq!(said.len(), 14, "{said:#?}");
}

#[test]
fn a_server_has_the_database_under_its_url_and_no_mistake_shows_its_password() {
    for url in [
        "postgres://u:secret@db/doorward",
        "mysql://u:secret@db:3306/doorward?ssl-mode=REQUIRED",
    ] {
        let config = load("", &[("DOORWARD_DATABASE_URL", url)]).unwrap();
        assert_eq!(config.database_url, url);
        assert_eq!(config.database_file(), None);
        assert_eq!(config.database_connections, 8);
    }
    for url in [
        "postgres://u:secret@db",
        "mysql://u:secret@db/",
        "mssql://u:secret@db/doorward",
        "postgres://u:secret@db:x/doorward",
    ] {
        let said = mistakes("", &[("DOORWARD_DATABASE_URL", url)]);
        assert!(
            said[0].starts_with("database_url: ") && !said[0].contains("secret"),
            "{said:?}"
        );
    }
    assert!(mistakes("database_connections = 1", &[])[0].starts_with("database_connections: "));
}

#[test]
fn a_file_that_is_no_toml_names_the_line() {
    let said = mistakes("base_url = https://x", &[]);
    assert!(
        said[0].contains("line 1") && !said[0].contains('\n'),
        "{said:?}"
    );
}

#[test]
fn an_idle_limit_above_the_absolute_one_is_a_mistake() {
    assert!(mistakes("session_idle = \"13h\"", &[])[0].starts_with("session_idle: "));
}

#[test]
fn every_key_of_the_table_is_read() {
    // A key that nothing reads would be accepted and ignored.
    let wrong: String = KEYS
        .iter()
        .map(|key| format!("{} = \"\\u0001\"\n", key.name))
        .collect::<Vec<_>>()
        .concat();
    let said = mistakes(&wrong, &[]);
    for key in KEYS.iter().filter(|key| key.name != "keys_dir") {
        let told = said
            .iter()
            .any(|line| line.starts_with(&format!("{}: ", key.name)));
        assert!(told, "{} in {said:#?}", key.name);
    }
}

#[test]
fn the_file_that_init_writes_is_read_back() {
    let text = template(&[("base_url", "https://login.example.org".to_owned())]);
    let config = load(&text, &[]).unwrap();
    assert_eq!(config.base_url, "https://login.example.org");
    let all_set: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("# ").filter(|l| l.contains(" = ")))
        .filter(|line| {
            KEYS.iter()
                .any(|key| line.starts_with(&format!("{} =", key.name)))
        })
        .filter(|line| !line.contains('…'))
        .map(|line| format!("{line}\n"))
        .collect::<Vec<_>>()
        .concat();
    assert!(load(&all_set, &[]).is_ok(), "{all_set}");
}

#[test]
fn docs_configuration_lists_every_key_as_the_table_says() {
    let document = std::fs::read_to_string("docs/configuration.md").unwrap();
    for row in as_markdown().lines().skip(2) {
        assert!(
            document.contains(row),
            "docs/configuration.md lacks this row:\n{row}"
        );
    }
}

#[test]
fn c_d1_the_common_domain_holds_the_base_url() {
    let read = |domain: &str| {
        let text =
            format!("base_url = \"https://login.example.org\"\ncommon_domain = \"{domain}\"");
        load(&text, &[])
    };
    for good in ["example.org", ".Example.org", "login.example.org"] {
        assert!(read(good).unwrap().common_domain.is_some(), "{good}");
    }
    for bad in [
        "org",
        "ample.org",
        "example.com",
        "example.org; Path=/",
        "a..org",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_certificate_stands_with_its_key_and_an_https_address() {
    let both = "base_url = \"https://x.example\"\n[tls]\ncert = \"a.pem\"\nkey = \"/b.pem\"";
    let files = load(both, &[]).unwrap().tls.unwrap();
    assert!(files.cert.is_absolute() && files.cert.ends_with("a.pem"));
    assert_eq!(files.key, std::path::Path::new("/b.pem"));
    let alone = mistakes(
        "base_url = \"https://x.example\"\n[tls]\nkey = \"b.pem\"",
        &[],
    );
    assert!(
        alone[0].starts_with("tls.key: stands without tls.cert"),
        "{alone:?}"
    );
    let plain = mistakes("[tls]\ncert = \"a.pem\"\nkey = \"b.pem\"", &[]);
    assert!(
        plain[0].starts_with("tls.cert: ") && plain[0].contains("base_url"),
        "{plain:?}"
    );
}

#[test]
fn draining_ends_before_a_service_manager_loses_patience() {
    assert_eq!(load("", &[]).unwrap().drain.as_secs(), 0);
    assert_eq!(load("drain = \"5s\"", &[]).unwrap().drain.as_secs(), 5);
    assert!(mistakes("drain = \"2m\"", &[])[0].contains("60s"));
}
