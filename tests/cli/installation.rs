use std::os::unix::fs::PermissionsExt;

use crate::support::Installation;

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_writes_a_configuration_and_an_administrator_once() {
    let here = Installation::new();
    let first = here.json(&[
        "init",
        "--base-url",
        "https://login.example.org/",
        "--admin",
        "root",
    ]);
    assert_eq!(first["config_written"], true);
    assert_eq!(first["base_url"], "https://login.example.org");
    assert_eq!(
        first["entity_id"],
        "https://login.example.org/saml/metadata"
    );
    assert_eq!(first["admin"], "root");
    assert_eq!(first["password"].as_str().unwrap().len(), 19);
    let file = std::fs::read_to_string(here.path().join("doorward.toml")).unwrap();

    let second = here.json(&["init"]);
    assert_eq!(second["config_written"], false);
    assert_eq!(
        (&second["admin"], &second["password"]),
        (&"root".into(), &().into())
    );
    let unchanged = std::fs::read_to_string(here.path().join("doorward.toml")).unwrap();
    assert_eq!(file, unchanged);

    let user = here.json(&["user", "show", "ROOT"]);
    assert_eq!(user["user"]["must_change_password"], true);
    assert_eq!(user["user"]["roles"], serde_json::json!(["doorward-admin"]));
    let other = here.refused(&["init", "--base-url", "https://other.example.org"]);
    assert!(
        other.contains("base_url") && other.contains("--base-url"),
        "{other}"
    );
}

#[test]
fn every_command_makes_what_is_missing_readable_by_its_owner_alone() {
    let here = Installation::in_a_file();
    here.done(&["user", "list"]);
    assert_eq!(mode(&here.path().join("keys")), 0o700);
    for entry in std::fs::read_dir(here.path().join("keys")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    assert_eq!(mode(&here.path().join("data/doorward.db")), 0o600);
    assert_eq!(
        here.json(&["key", "list"])["keys"]
            .as_array()
            .unwrap()
            .len(),
        2,
        "one to sign with, one to be encrypted to"
    );
}

#[test]
fn the_signing_key_is_made_once_and_keeps_its_name() {
    let here = Installation::new();
    let first = here.json(&["key", "list"]);
    assert_eq!(first["keys"][0]["state"], "active");
    assert_eq!(first["keys"][0]["algorithm"], "p256");
    assert_eq!(
        first["keys"][0]["fingerprint_sha256"]
            .as_str()
            .unwrap()
            .len(),
        95
    );
    assert!(
        first["keys"][0]["certificate"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN CERT")
    );
    assert_eq!(first, here.json(&["key", "list"]));
}

#[test]
fn a_database_whose_master_key_is_elsewhere_is_an_error() {
    let here = Installation::new();
    here.done(&["user", "list"]);
    std::fs::rename(here.path().join("keys"), here.path().join("elsewhere")).unwrap();
    let ended = here.run(&["user", "list"]);
    assert_eq!(ended.status, 1);
    assert!(
        ended.complained.contains("copy that key file here"),
        "{ended:?}"
    );
    assert_eq!(here.run(&["check", "--offline"]).status, 1);
}

#[test]
fn mistakes_in_the_configuration_name_the_key_and_the_fix_all_at_once() {
    let here = Installation::new();
    here.write(
        "doorward.toml",
        "base_ur = \"https://x.example\"\nlisten = \"8080\"\n",
    );
    let ended = here.run_with(&["user", "list"], "", &[("DOORWARD_SESSION_IDLE", "2")]);
    assert_eq!(ended.status, 1);
    let lines: Vec<_> = ended.complained.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].contains("base_ur:") && lines[0].contains("did you mean base_url?"));
    assert!(ended.complained.contains("listen: ") && ended.complained.contains("127.0.0.1:8080"));
    assert!(ended.complained.contains("session_idle: ") && ended.complained.contains("2h"));
}

#[test]
fn variables_of_the_environment_win_and_unknown_ones_are_mistakes() {
    let here = Installation::in_a_file();
    let away = here.path().join("away.db");
    let url = format!("sqlite://{}", away.display());
    let moved = [
        ("DOORWARD_DATABASE_URL", url.as_str()),
        ("DOORWARD_TEST_X", "1"),
    ];
    assert_eq!(here.run_with(&["user", "list"], "", &moved).status, 0);
    assert!(away.exists());
    let unknown = here.run_with(&["user", "list"], "", &[("DOORWARD_DATABASE", "x")]);
    assert_eq!(unknown.status, 1);
    assert!(
        unknown.complained.contains("DOORWARD_DATABASE_URL?"),
        "{unknown:?}"
    );
    let nowhere = [("DOORWARD_DATABASE_URL", "postgres://x")];
    let nowhere = here.run_with(&["user", "list"], "", &nowhere);
    assert!(
        nowhere
            .complained
            .contains("names a server, but no database"),
        "{nowhere:?}"
    );
}

#[test]
fn a_named_configuration_has_to_be_there_and_paths_count_from_its_folder() {
    let here = Installation::in_a_file();
    let told = here.refused(&["user", "list", "--config", "etc/doorward.toml"]);
    assert!(
        told.contains("etc/doorward.toml") && told.contains("doorward init"),
        "{told}"
    );
    std::fs::create_dir(here.path().join("etc")).unwrap();
    here.done(&["--config", "etc/doorward.toml", "init"]);
    assert!(here.path().join("etc/data/doorward.db").exists());
    assert!(here.path().join("etc/keys").exists());
    assert!(!here.path().join("keys").exists());
}

#[test]
fn wrong_usage_ends_with_2_and_what_is_not_built_yet_is_unknown() {
    let here = Installation::new();
    for line in [
        &["frobnicate"][..],
        &["user", "add"],
        &["user", "add", ""],
        &["user", "list", "--frobnicate"],
        &[
            "sp",
            "add",
            "--name",
            "a",
            "--metadata",
            "x",
            "--require-role",
            "r",
            "--encrypt",
            "sometimes",
        ],
        &[
            "sp",
            "add",
            "--name",
            "a",
            "--metadata",
            "x",
            "--require-role",
            "r",
            "--require-mfa",
        ],
        &["sp", "snippet", "store", "--for", "nginx"],
        &["key", "rotate", "--algorithm", "rsa1024"],
        &["metadata", "add", "x"],
        &["export"],
        &["audit", "list", "--kind", "nonsense"],
        &["audit", "list", "--since", "yesterday"],
        &["session", "revoke"],
        &["user", "update", "ada"],
        &["sp", "update", "store"],
    ] {
        let ended = here.run(line);
        assert_eq!(ended.status, 2, "{line:?}: {ended:?}");
        assert!(
            !ended.complained.is_empty() && ended.said.is_empty(),
            "{line:?}"
        );
    }
}

#[test]
fn every_help_has_an_example() {
    let here = Installation::new();
    let mut lines: Vec<Vec<String>> = vec![vec![]];
    let mut seen = 0;
    while let Some(line) = lines.pop() {
        let mut arguments: Vec<&str> = line.iter().map(String::as_str).collect();
        arguments.push("--help");
        let said = here.done(&arguments);
        assert!(said.contains("Example:\n  "), "{line:?}:\n{said}");
        seen += 1;
        let listed = said.split("\nCommands:\n").nth(1).unwrap_or("");
        for name in listed
            .lines()
            .take_while(|line| line.starts_with("  "))
            .filter(|line| !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
        {
            let mut deeper = line.clone();
            deeper.push(name.to_owned());
            lines.push(deeper);
        }
    }
    assert!(seen > 35, "only {seen} helps were found");
    assert!(!here.path().join("data").exists(), "help touches nothing");
}

#[test]
fn check_tells_of_a_sound_installation_and_warns_without_failing() {
    let here = Installation::new();
    here.done(&["init"]);
    let report = here.json(&["check", "--offline"]);
    assert_eq!(
        (&report["ok"], &report["errors"]),
        (&true.into(), &0.into())
    );
    assert!(report["warnings"].as_u64().unwrap() > 0);
    for found in report["checks"].as_array().unwrap() {
        let mends = found["fix"].is_string();
        assert_eq!(mends, found["status"] != "ok", "{found}");
    }
    let text = here.done(&["check", "--offline"]);
    assert!(
        text.contains('✓') && text.contains("!  ") && text.contains('→'),
        "{text}"
    );
}

#[test]
fn check_finds_mistakes_and_says_how_to_mend_them() {
    let here = Installation::in_a_file();
    here.done(&["init"]);
    here.add_sp("store", &["consumer"]);
    let warned = here.json(&["check", "--offline"]);
    assert!(
        warned
            .to_string()
            .contains("doorward user grant NAME consumer"),
        "{warned}"
    );

    std::fs::set_permissions(
        here.path().join("data/doorward.db"),
        std::fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let ended = here.run(&["check", "--offline", "--json"]);
    assert_eq!((ended.status, &ended.json()["errors"]), (1, &1.into()));
    assert!(ended.said.contains("chmod 600"), "{ended:?}");

    let typo = here.run_with(&["check", "--json"], "", &[("DOORWARD_LISTEN", "nowhere")]);
    assert_eq!(typo.status, 1);
    assert_eq!(typo.json()["checks"][0]["name"], "listen");
    assert_eq!(typo.json()["ok"], false);
}

#[test]
fn check_asks_the_public_address() {
    let here = Installation::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    here.write("doorward.toml", &format!("base_url = \"http://{free}\"\n"));
    let nobody = here.json(&["check"]);
    assert!(nobody.to_string().contains("does not answer"), "{nobody}");
}
