use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use doorward::storage::{Durability, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::imports::SETTINGS;
use crate::support::app::Product;
use crate::support::database::Database;
use crate::support::server::Engine;
use crate::support::sp::Sp;

const PASSWORD: &str = "correct horse battery";

/// One of everything, and somebody who is signed in.
async fn product() -> Product {
    let product = Product::serve(SETTINGS).await;
    product.add_user("ada", PASSWORD, &["consumer"]);
    product.add_user("grace", PASSWORD, &["consumer", "publisher"]);
    product.cli(["user", "update", "ada", "--attribute", "team=alpha"]);
    let sp = Sp::new("https://store.example/saml", "https://store.example/acs");
    let metadata = product.file("sp.xml", &sp.metadata(""));
    product.cli([
        "sp",
        "add",
        "--name",
        "store",
        "--metadata",
        &metadata,
        "--require-role",
        "consumer",
    ]);
    product
}

fn run(product: &Product, database: &str, line: &[&str], stdin: &str) -> Output {
    run_with(product, line, stdin, &[("DOORWARD_DATABASE_URL", database)])
}

fn run_with(product: &Product, line: &[&str], stdin: &str, set: &[(&str, &str)]) -> Output {
    let input = product.file("input", stdin);
    product
        .command(line)
        .envs(set.iter().copied())
        .stdin(std::fs::File::open(input).unwrap())
        .output()
        .unwrap()
}

fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn done(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Everything that commands show of a database.
fn seen(product: &Product, database: &str) -> Vec<String> {
    let lines: [&[&str]; 5] = [
        &["user", "list", "--json"],
        &["sp", "list", "--json"],
        &["role", "list", "--json"],
        &["key", "list", "--json"],
        &["access", "matrix", "--json"],
    ];
    let show = |line: &&[&str]| done(run(product, database, line, ""));
    lines.iter().map(show).collect()
}

/// An empty database of the engine that this run is about.
fn empty() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::fresh(folder.path());
    (folder, database)
}

#[tokio::test]
async fn every_table_and_every_column_is_carried() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::file(folder.path().join("doorward.db"));
    let store = Store::open(&database.url(), Durability::Full)
        .await
        .unwrap();
    store.shut_down().await;
    let columns = database.texts(
        "SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE '%sqlx%' AND m.name NOT LIKE 'sqlite%'",
    );
    let mut there: BTreeSet<_> = columns.into_iter().collect();
    for (table, columns) in doorward::storage::shape() {
        for column in columns.split(", ") {
            let place = format!("{table}.{column}");
            assert!(there.remove(&place), "{place} is carried and is not there");
        }
    }
    // Who does what just now, and what the migrations keep about themselves.
    there.retain(|place| !place.starts_with("leases.") && !place.starts_with("schema_"));
    assert!(there.is_empty(), "these are not carried: {there:?}");
}

#[tokio::test]
async fn a_copy_has_every_row_and_nobody_has_to_sign_in_again() {
    let mut product = product().await;
    let browser = product.browser();
    let page = browser.visit(&product.idp("/login")).await;
    browser.sign_in(&page, "ada", PASSWORD).await;
    let from = product.database().url();
    let (_folder, to) = empty();
    let to = to.url();
    product.stop();
    let said = done(run(
        &product,
        &from,
        &["database", "copy", "--from", &from, "--to", &to],
        "",
    ));
    assert!(said.contains("the same on both sides"), "{said}");
    assert_eq!(seen(&product, &to), seen(&product, &from));
    done(run(&product, &to, &["audit", "verify"], ""));
    for database in [&from, &to] {
        let log = ["audit", "list", "--kind", "copied", "--json"];
        let log = done(run(&product, database, &log, ""));
        let log: Value = serde_json::from_str(&log).unwrap();
        assert_eq!(log["events"].as_array().unwrap().len(), 1, "{database}");
    }
    product.use_database(&to);
    product.restart().await;
    let page = browser.visit(&product.idp("/account")).await;
    assert!(!page.asks_to_sign_in(), "{}", page.in_short());
    // What is written to the copy stays there.
    product.add_user("mary", PASSWORD, &[]);
    let list = done(run(&product, &from, &["user", "list"], ""));
    assert!(!list.contains("mary"), "{list}");
}

#[tokio::test]
async fn only_an_empty_database_is_filled_and_only_a_used_one_is_copied() {
    let product = product().await;
    let from = product.database().url();
    let (_folder, other) = empty();
    let other = other.url();
    done(run(&product, &other, &["user", "add", "joan"], ""));
    let copy = ["database", "copy", "--from", &from, "--to", &other];
    let refused = run(&product, &from, &copy, "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(complained(&refused).contains("is not empty"), "{refused:?}");
    let list = done(run(&product, &other, &["user", "list"], ""));
    assert!(list.contains("joan") && !list.contains("ada"), "{list}");
    let missing = product.keys_dir().with_file_name("missing.db");
    let missing = format!("sqlite://{}", missing.display());
    let copy = ["database", "copy", "--from", &missing, "--to", &other];
    let refused = run(&product, &from, &copy, "");
    assert!(
        complained(&refused).contains("there is no database"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_copy_that_is_killed_is_begun_anew_and_nothing_works_on_it_before() {
    let product = product().await;
    let mut people = "name,email,display_name,roles\n".to_owned();
    for number in 0..6000 {
        let _ = writeln!(people, "user{number:05},,User {number},consumer;publisher");
    }
    let file = product.file("people.csv", &people);
    product.cli(["import", "users", &file]);
    let (_folder, target) = empty();
    let (from, to) = (product.database().url(), target.url());
    let store = Store::open(&to, Durability::Full).await.unwrap();
    store.shut_down().await;
    let line = ["database", "copy", "--from", &from, "--to", &to];
    let mut interrupted = 0;
    for round in 1..=3 {
        let mut child = product
            .command(&line)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while rows_in(&target) < 500 * round && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break;
        }
        interrupted += 1;
        let refused = run(&product, &to, &["user", "list"], "");
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(complained(&refused).contains("half filled"), "{refused:?}");
    }
    assert!(interrupted > 0, "it was never interrupted");
    done(run(&product, &from, &line, ""));
    assert_eq!(rows_in(&target), 6002);
    assert_eq!(seen(&product, &to), seen(&product, &from));
    done(run(&product, &to, &["audit", "verify"], ""));
}

fn rows_in(database: &Database) -> i64 {
    database.number("SELECT COUNT(*) FROM users")
}

#[tokio::test]
async fn a_backup_is_restored_and_people_sign_in_anew() {
    let mut product = product().await;
    let browser = product.browser();
    let page = browser.visit(&product.idp("/login")).await;
    browser.sign_in(&page, "ada", PASSWORD).await;
    let from = product.database().url();
    let backup = product.keys_dir().with_file_name("doorward.backup");
    let file = backup.to_str().unwrap();
    let said = product.cli(["database", "backup", file]);
    assert!(said.contains("keep a copy of that too"), "{said}");
    let mode = std::fs::metadata(&backup).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let bytes = std::fs::read(&backup).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(!holds(b"argon2id$") && !holds(b"grace"), "it can be read");
    let again = product.try_cli(&["database", "backup", file], "");
    assert!(complained(&again).contains("is there already"), "{again:?}");

    let (_folder, to) = empty();
    let to = to.url();
    let said = done(run(&product, &to, &["database", "restore", file], ""));
    assert!(said.contains("nobody is signed in"), "{said}");
    assert_eq!(seen(&product, &to), seen(&product, &from));
    done(run(&product, &to, &["audit", "verify"], ""));
    let log = done(run(
        &product,
        &to,
        &["audit", "list", "--kind", "restored", "--json"],
        "",
    ));
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["events"].as_array().unwrap().len(), 1);
    product.use_database(&to);
    product.restart().await;
    let page = browser.visit(&product.idp("/account")).await;
    assert!(
        page.asks_to_sign_in(),
        "her session came back: {}",
        page.in_short()
    );
    let page = browser.sign_in(&page, "ada", PASSWORD).await;
    assert!(!page.asks_to_sign_in(), "{}", page.in_short());
}

#[tokio::test]
async fn a_backup_that_was_cut_off_or_altered_is_refused_before_anything_is_written() {
    let product = product().await;
    let backup = product.keys_dir().with_file_name("doorward.backup");
    let file = backup.to_str().unwrap();
    product.cli(["database", "backup", file]);
    let whole = std::fs::read(&backup).unwrap();
    let middle = whole.len() / 2;
    let mut altered = whole.clone();
    altered[middle] ^= 1;
    let longer = [whole.as_slice(), b"x"].concat();
    for (what, bytes) in [
        ("altered", altered.as_slice()),
        ("cut in the middle", &whole[..middle]),
        ("cut at the end", &whole[..whole.len() - 1]),
        ("cut in the head", &whole[..20]),
        ("nothing", &[]),
        ("longer", &longer),
    ] {
        let bad = product.keys_dir().with_file_name("bad.backup");
        std::fs::write(&bad, bytes).unwrap();
        let target = product.keys_dir().with_file_name("never.db");
        let line = ["database", "restore", bad.to_str().unwrap()];
        let refused = run(
            &product,
            &format!("sqlite://{}", target.display()),
            &line,
            "",
        );
        assert_eq!(refused.status.code(), Some(1), "{what}: {refused:?}");
        assert!(!target.exists(), "{what}: something was written");
    }
    let refused = product.try_cli(&["database", "restore", file], "");
    assert!(complained(&refused).contains("is not empty"), "{refused:?}");
}

#[tokio::test]
async fn under_a_passphrase_the_master_keys_go_along() {
    let product = product().await;
    let backup = product.keys_dir().with_file_name("doorward.backup");
    let file = backup.to_str().unwrap();
    let (seal, passphrase) = (
        ["database", "backup", file, "--passphrase-stdin"],
        "open sesame, please\n",
    );
    let short = product.try_cli(&seal, "short\n");
    assert!(
        complained(&short).contains("at least 12 characters"),
        "{short:?}"
    );
    done(product.try_cli(&seal, passphrase));
    let (_folder, to) = empty();
    let to = to.url();
    let elsewhere = product.keys_dir().with_file_name("other-keys");
    let set = [
        ("DOORWARD_DATABASE_URL", to.as_str()),
        ("DOORWARD_KEYS_DIR", elsewhere.to_str().unwrap()),
    ];
    let line = ["database", "restore", file, "--passphrase-stdin"];
    let wrong = run_with(&product, &line, "open sesame, pleasf\n", &set);
    assert!(complained(&wrong).contains("passphrase"), "{wrong:?}");
    let none = run_with(&product, &["database", "restore", file], "", &set);
    assert!(complained(&none).contains("--passphrase-stdin"), "{none:?}");
    done(run_with(&product, &line, passphrase, &set));
    let list = done(run_with(&product, &["user", "list"], "", &set));
    assert!(list.contains("grace"), "{list}");
    let key = elsewhere.join("master-1.key");
    assert_eq!(
        std::fs::metadata(key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // Where another installation has its keys, they stay.
    let (_third, third) = empty();
    let third = third.url();
    let other = product.keys_dir().with_file_name("keys-of-others");
    let set = [
        ("DOORWARD_DATABASE_URL", third.as_str()),
        ("DOORWARD_KEYS_DIR", other.to_str().unwrap()),
    ];
    let (_fourth, fourth) = empty();
    let fourth = fourth.url();
    let first = [("DOORWARD_DATABASE_URL", fourth.as_str()), set[1]];
    done(run_with(&product, &["user", "list"], "", &first));
    let refused = run_with(&product, &line, passphrase, &set);
    assert!(
        complained(&refused).contains("holds another key"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_database_moves_from_engine_to_engine_and_stays_the_same() {
    let mut product = product().await;
    let first = product.database().url();
    product.stop();
    let folder = tempfile::tempdir().unwrap();
    let places = [
        Database::on(Engine::Postgres),
        Database::on(Engine::MariaDb),
        Database::file(folder.path().join("last.db")),
    ];
    let mut from = first.clone();
    for (round, place) in places.iter().enumerate() {
        let to = place.url();
        let copy = ["database", "copy", "--from", &from, "--to", &to];
        let said = done(run(&product, &from, &copy, ""));
        assert!(said.contains("the same on both sides"), "{said}");
        assert_eq!(seen(&product, &to), seen(&product, &from), "{place:?}");
        // What comes from now on follows what was carried.
        let name = format!("new{round}");
        done(run(&product, &to, &["user", "add", &name], ""));
        done(run(&product, &to, &["audit", "verify"], ""));
        from = to;
    }
    // A backup of one engine is restored into another.
    let backup = product.keys_dir().with_file_name("doorward.backup");
    let file = backup.to_str().unwrap();
    let maria = places[1].url();
    done(run(&product, &maria, &["database", "backup", file], ""));
    let restored = Database::on(Engine::Postgres);
    let target = restored.url();
    done(run(&product, &target, &["database", "restore", file], ""));
    assert_eq!(seen(&product, &target), seen(&product, &maria));
    done(run(&product, &target, &["audit", "verify"], ""));
    product.use_database(&target);
    product.restart().await;
    let browser = product.browser();
    let page = browser.visit(&product.idp("/login")).await;
    let page = browser.sign_in(&page, "grace", PASSWORD).await;
    assert!(!page.asks_to_sign_in(), "{}", page.in_short());
}
