//! What stands in `deploy/` is true: nginx takes its configuration, the service manager its unit,
//! Doorward its keys, and what one file says about another is there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use doorward::config::{Config, KEYS};

use crate::nginx::{self, Topology, deploy};

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn nginx_takes_the_committed_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let node: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let topology = Topology {
        http: 8,
        https: 7,
        nodes: [[node; 2]; 3],
    };
    nginx::lay_out(folder.path(), &topology);
    let output = nginx::command(folder.path()).arg("-t").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("[warn]"), "{said}");
}

#[test]
fn nginx_logs_no_query_sends_no_post_twice_and_appends_to_no_forwarded_header() {
    let all: String = files_below(&deploy().join("nginx"))
        .iter()
        .map(|path| text(path))
        .collect();
    let lines: Vec<&str> = all
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .collect();
    for forbidden in [
        "$request ",
        "$request\"",
        "$request_uri'",
        "$query_string",
        "$args",
        "$http_referer",
        "$proxy_add_x_forwarded_for",
        "non_idempotent",
        "X-Frame-Options",
        "Strict-Transport-Security",
    ] {
        let found = lines.iter().find(|line| line.contains(forbidden));
        assert_eq!(found, None, "{forbidden}");
    }
    let formats: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("access_log"))
        .collect();
    assert!(
        formats
            .iter()
            .all(|line| line.ends_with("without_query;") || line.ends_with("off;"))
    );
    let nodes: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("server 10."))
        .collect();
    assert_eq!(nodes.len(), 6);
    for node in nodes {
        assert!(node.contains("max_fails=3 fail_timeout=5s"), "{node}");
    }
}

#[test]
fn every_key_of_the_configuration_that_a_file_sets_is_known() {
    let known: BTreeSet<String> = KEYS.iter().map(doorward::config::Key::variable).collect();
    let mut checked = 0;
    for path in files_below(&deploy()) {
        let text = text(&path);
        if path.extension().is_some_and(|end| end == "toml") {
            let none = std::iter::empty();
            let config = Config::check(&text, &path, none);
            config.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            checked += 1;
        }
        for (at, _) in text.match_indices("DOORWARD_") {
            let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let name: String = text[at..].chars().take_while(|c| is_part(*c)).collect();
            assert!(known.contains(&name), "{}: {name}", path.display());
        }
    }
    assert!(checked > 0, "no doorward.toml in deploy/");
}

#[test]
fn every_path_that_a_document_of_deploy_names_is_there() {
    for path in files_below(&deploy()) {
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        let text = text(&path);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let there = path.parent().unwrap().join(file);
            assert!(there.exists(), "{}: {target}", path.display());
        }
        // Paths from the top of the repository stand in backquotes.
        for named in text.split('`').skip(1).step_by(2) {
            let is_path = ["deploy/", "docs/", "scripts/", "tests/"]
                .iter()
                .any(|top| named.starts_with(top));
            if is_path && !named.contains([' ', '*', '…']) {
                let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(named);
                assert!(there.exists(), "{}: `{named}`", path.display());
            }
        }
    }
}

#[test]
fn the_unit_is_one_that_systemd_takes_and_finds_well_enclosed() {
    let analyze = Path::new("/usr/bin/systemd-analyze");
    if !analyze.exists() {
        eprintln!("not checked: this machine has no systemd-analyze");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("doorward.service");
    // The program stands where this test has it; the accounts of the machine are not asked.
    let committed = text(&deploy().join("systemd/doorward.service"));
    let here = committed.replace("/usr/local/bin/doorward", env!("CARGO_BIN_EXE_doorward"));
    std::fs::write(&unit, here).unwrap();
    let verified = Command::new(analyze)
        .args(["verify", "--man=no"])
        .arg(&unit)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let about_ours = said.lines().any(|line| line.contains("doorward.service"));
    assert!(verified.status.success() && !about_ours, "{said}");
    let security = Command::new(analyze)
        .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
        .arg(&unit)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&security.stdout).into_owned();
    let overall = said.lines().last().unwrap_or_default().to_owned();
    eprintln!("{overall}");
    assert!(security.status.success(), "{overall}");
}

#[test]
fn compose_file_and_manifests_are_what_their_schemas_demand() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/python/bin/python");
    let checked = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/cluster/check_yaml.py"
        ))
        .arg(deploy())
        .output()
        .expect("no Python of ours: run `make setup`");
    let said = String::from_utf8(checked.stdout).unwrap();
    let error = String::from_utf8_lossy(&checked.stderr);
    let (wrong, last) = said
        .trim_end()
        .rsplit_once('\n')
        .unwrap_or(("", said.trim_end()));
    assert_eq!(wrong, "", "{error}");
    let configurations: BTreeMap<String, String> =
        serde_json::from_str(last).unwrap_or_else(|problem| panic!("{problem}: {said}{error}"));
    assert!(!configurations.is_empty());
    for (place, text) in configurations {
        let config = Config::check(&text, Path::new("/etc/doorward.toml"), std::iter::empty());
        config.unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

#[test]
fn what_an_image_is_built_from_is_there_and_no_secret_is() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = text(&top.join(".dockerignore"));
    let taken: Vec<_> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert!(
        ignored.lines().any(|line| line == "*"),
        "everything else stays out"
    );
    for path in &taken {
        assert!(top.join(path).exists(), ".dockerignore: {path}");
    }
    let dockerfile = text(&deploy().join("docker/Dockerfile"));
    let copied = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "));
    for line in copied.filter(|line| !line.starts_with("--from") && !line.starts_with(". ")) {
        let source = line.split(' ').next().unwrap();
        assert!(
            taken.contains(&source),
            "COPY {source} is not let in by .dockerignore"
        );
    }
    // All that Cargo.toml names as a target is let in, else no build starts.
    let manifest: toml::Table = text(&top.join("Cargo.toml")).parse().unwrap();
    assert!(manifest.contains_key("bench") && taken.contains(&"benches"));
}
