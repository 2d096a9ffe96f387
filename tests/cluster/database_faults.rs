//! The database restarts, goes away, lets nobody in, or does not say whether a commit was carried out.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::access_log::failed_lines;
use crate::cluster::{Cluster, Turn, figures};
use crate::crowd::{PEOPLE, hold, under_load};
use crate::cutter::Cutter;
use crate::database::Database;
use crate::engine::{Engine, lock_sessions, own_database};
use crate::person::Person;

const SECOND: Duration = Duration::from_secs(1);
/// How soon whatever is asked says that there is no database.
const CLEAR_WITHIN: Duration = Duration::from_secs(5);
/// How many commits are carried out without anybody hearing of it.
const COMMITS: usize = 12;
/// How long that may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn a_database_that_is_restarted_under_load_costs_no_session_on_postgres() {
    the_database_is_restarted(Engine::Postgres);
}

#[test]
fn a_database_that_is_restarted_under_load_costs_no_session_on_mariadb() {
    the_database_is_restarted(Engine::MariaDb);
}

fn the_database_is_restarted(engine: Engine) {
    let database = own_database(engine);
    let cluster = Cluster::start(Turn::BesideOthers, &database.url, "", PEOPLE);
    let mut away = Duration::ZERO;
    let report = under_load(&cluster, |_| {
        sleep(2 * SECOND);
        let began = Instant::now();
        database.server.stop();
        database.server.start();
        away = began.elapsed();
        sleep(6 * SECOND);
    });
    hold(&cluster, &report);
    figures(&format!(
        "{engine:?}, the database restarted under load (away for {:.1} s): {report}",
        away.as_secs_f64()
    ));
}

#[test]
fn a_database_that_is_gone_for_thirty_seconds_is_said_so_and_comes_back_on_postgres() {
    the_database_is_gone(Engine::Postgres);
}

#[test]
fn a_database_that_is_gone_for_thirty_seconds_is_said_so_and_comes_back_on_mariadb() {
    the_database_is_gone(Engine::MariaDb);
}

fn the_database_is_gone(engine: Engine) {
    let database = own_database(engine);
    let cluster = Cluster::start(Turn::BesideOthers, &database.url, "", PEOPLE);
    let mut person = Person::new(&crate::cluster::account(0), &cluster.wire);
    person.enter(&cluster.url(1)).unwrap();
    let before: Vec<u32> = pids(&cluster);
    let gone = Instant::now();
    database.server.stop();
    until(
        "both nodes say that they are not ready",
        CLEAR_WITHIN,
        || ready(&cluster) == [503; 2],
    );
    let mut pages = Vec::new();
    while gone.elapsed() < 30 * SECOND {
        let began = Instant::now();
        let page = person
            .visit(&format!("{}/account", cluster.url(0)))
            .unwrap()
            .answer;
        assert!(
            began.elapsed() < CLEAR_WITHIN,
            "it took {:?}",
            began.elapsed()
        );
        assert_eq!(page.status, 503, "{}", page.body);
        assert!(page.header("retry-after").is_some(), "{:?}", page.headers);
        assert!(
            page.body.contains("again") && page.body.contains("<h1>"),
            "{}",
            page.body
        );
        pages.push(began.elapsed());
        let entered = person.enter(&cluster.url(2));
        assert!(entered.is_err(), "in without a decision: {entered:?}");
        sleep(SECOND);
    }
    database.server.start();
    let back = Instant::now();
    until("both nodes are ready", 30 * SECOND, || {
        ready(&cluster) == [200; 2]
    });
    let ready_after = back.elapsed();
    let asked = person.passwords_asked;
    until("the session is still there", 10 * SECOND, || {
        person.enter(&cluster.url(2)).is_ok()
    });
    assert_eq!(
        person.passwords_asked, asked,
        "the password was asked again"
    );
    assert_eq!(pids(&cluster), before, "nobody was restarted");
    let audited = cluster.audited_assertions();
    assert!(person.assertions.iter().all(|id| audited.contains(id)));
    figures(&format!(
        "{engine:?}, no database for 30 s: {} pages with 503, the slowest after {:.1} s; ready again \
         {:.1} s after it came back, without a restart; the session was still there",
        pages.len(),
        pages.iter().max().unwrap().as_secs_f64(),
        ready_after.as_secs_f64(),
    ));
}

#[test]
fn connections_that_are_all_taken_make_nobody_wait_for_long_on_postgres() {
    the_connections_are_taken(Engine::Postgres);
}

#[test]
fn connections_that_are_all_taken_make_nobody_wait_for_long_on_mariadb() {
    the_connections_are_taken(Engine::MariaDb);
}

/// Somebody holds a lock that every decision needs: soon all connections of both nodes wait for it.
fn the_connections_are_taken(engine: Engine) {
    let database = Database::on(engine);
    let cluster = Cluster::start(
        Turn::BesideOthers,
        &database.url(),
        "database_connections = 4",
        PEOPLE,
    );
    let mut held = Duration::ZERO;
    let mut alive = 0;
    let report = under_load(&cluster, |_| {
        sleep(2 * SECOND);
        let began = Instant::now();
        let lock = lock_sessions(engine, &database.url());
        while began.elapsed() < 7 * SECOND {
            let healthy = cluster
                .idp
                .iter()
                .all(|node| node.lock().unwrap().healthz() == Some(200));
            assert!(
                healthy,
                "a node does not answer although it needs no database for that"
            );
            alive += 1;
            sleep(SECOND / 2);
        }
        drop(lock);
        held = began.elapsed();
        sleep(6 * SECOND);
    });
    hold(&cluster, &report);
    assert!(!report.failures.is_empty(), "nothing was held up");
    assert_eq!(ready(&cluster), [200; 2]);
    figures(&format!(
        "{engine:?}, 4 connections a node, all waiting for a lock for {:.1} s, /healthz answered \
         {alive} times meanwhile, {} requests that nginx did not wait for: {report}",
        held.as_secs_f64(),
        failed_lines(&cluster, report.began).len()
    ));
}

#[test]
fn a_commit_whose_outcome_is_unknown_lets_nothing_leave_on_postgres() {
    the_outcome_is_unknown(Engine::Postgres);
}

#[test]
fn a_commit_whose_outcome_is_unknown_lets_nothing_leave_on_mariadb() {
    the_outcome_is_unknown(Engine::MariaDb);
}

/// Between the nodes and the database, every connection that has just carried a COMMIT there is cut
/// before the answer comes back, again and again.
fn the_outcome_is_unknown(engine: Engine) {
    let database = Database::on(engine);
    let cutter = Cutter::start(&database.url());
    let cluster = Cluster::start(Turn::BesideOthers, cutter.url(), "", PEOPLE);
    let report = under_load(&cluster, |load| {
        while cutter.cut() < COMMITS {
            assert!(load.now() < PATIENCE, "only {} were cut", cutter.cut());
            cutter.cut_next_commit();
            sleep(SECOND / 2);
        }
        cutter.leave_alone();
        sleep(4 * SECOND);
    });
    hold(&cluster, &report);
    let audited = cluster.audited_assertions().len();
    figures(&format!(
        "{engine:?}, {} commits carried out but never confirmed: {report}; {audited} audit rows, {} of \
         them for assertions that were held back",
        cutter.cut(),
        audited - report.assertions.len(),
    ));
}

fn ready(cluster: &Cluster) -> [u16; 2] {
    [0, 1].map(|number| cluster.idp[number].lock().unwrap().readyz().unwrap_or(0))
}

fn pids(cluster: &Cluster) -> Vec<u32> {
    cluster
        .idp
        .iter()
        .map(|node| node.lock().unwrap().process.id())
        .collect()
}

fn until(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        sleep(Duration::from_millis(100));
    }
}
