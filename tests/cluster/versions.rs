//! A newer version comes to a database on which this one runs: what it adds stops nobody, and what it
//! takes away is said to whoever cannot live without.

use std::thread::sleep;
use std::time::Duration;

use crate::access_log::{failed_lines, in_words};
use crate::cluster::{Cluster, Turn, account, figures};
use crate::crowd::{PEOPLE, hold, under_load};
use crate::database::Database;
use crate::engine::Engine;
use crate::person::Person;

const SECOND: Duration = Duration::from_secs(1);

/// What the first node of the version after this one does at its start, while nodes of this one run:
/// columns and indexes in the tables that every request meets, a table, and its number.
const NEXT: [&str; 6] = [
    "ALTER TABLE sessions ADD COLUMN later_text VARCHAR(64) NULL",
    "ALTER TABLE users ADD COLUMN later_number BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE audit_events ADD COLUMN later_text VARCHAR(64) NULL",
    "CREATE TABLE later (id BIGINT NOT NULL PRIMARY KEY, word VARCHAR(64) NOT NULL)",
    "CREATE INDEX sessions_by_later ON sessions (later_text)",
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
     SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
];
/// What the version after that one writes down when it takes away what this one needs.
const NO_LONGER: &str =
    "UPDATE schema_compatibility SET oldest_migration = 9999, oldest_program = '7.1.0'";

#[test]
fn nodes_go_on_while_the_next_version_migrates_on_postgres() {
    the_next_version_migrates(Engine::Postgres);
}

#[test]
fn nodes_go_on_while_the_next_version_migrates_on_mariadb() {
    the_next_version_migrates(Engine::MariaDb);
}

fn the_next_version_migrates(engine: Engine) {
    let database = Database::on(engine);
    let cluster = Cluster::start(
        Turn::BesideOthers,
        &database.url(),
        "drain = \"2s\"",
        PEOPLE,
    );
    let report = under_load(&cluster, |_| {
        sleep(2 * SECOND);
        for statement in NEXT {
            database.by_hand(statement);
        }
        sleep(3 * SECOND);
        // Whoever has to go back, or restarts a node in between, meets the newer schema at the start.
        let mut node = cluster.idp[1].lock().unwrap();
        node.signal("-TERM");
        assert!(node.await_end().success());
        node.start_again();
        sleep(3 * SECOND);
    });
    hold(&cluster, &report);
    let lines = failed_lines(&cluster, report.began);
    assert!(lines.is_empty(), "{}", in_words(&lines));

    database.by_hand(NO_LONGER);
    let mut node = cluster.idp[1].lock().unwrap();
    node.signal("-TERM");
    assert!(node.await_end().success());
    let said = node.refuses_to_start();
    assert!(
        said.contains("newer Doorward") && said.contains("7.1.0"),
        "{said}"
    );
    // Those that run are told before their time is over: nothing here stops them.
    let mut person = Person::new(&account(0), &cluster.wire);
    person.enter(&cluster.url(2)).unwrap();
    figures(&format!(
        "{engine:?}, the next version's migration under load, and a node restarted on it: {report}; \
         once that version says that this one cannot, no node starts, and the other one goes on"
    ));
}
