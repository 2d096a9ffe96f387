//! A node dies, hangs, or is replaced, while two hundred people come and go through nginx.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::access_log::{FailedLine, answered, failed_lines, in_words, unanswered};
use crate::cluster::{Cluster, Turn, figures};
use crate::crowd::{Failure, PEOPLE, Report, epoch, hold, under_load};
use crate::database::Database;
use crate::engine::Engine;

const SECOND: Duration = Duration::from_secs(1);
/// How long nginx may hand requests to a node that does not answer, in seconds.
const TAKEN_OUT_WITHIN: f64 = 5.0;
/// After so many unanswered requests it is out (`max_fails`).
const MOST_FAILS: usize = 3;

#[test]
fn a_node_that_is_killed_takes_nothing_with_it_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    a_node_is_killed("SQLite", &url);
}

#[test]
fn a_node_that_is_killed_takes_nothing_with_it_on_postgres() {
    let database = Database::on(Engine::Postgres);
    a_node_is_killed("PostgreSQL", &database.url());
}

#[test]
fn a_node_that_is_killed_takes_nothing_with_it_on_mariadb() {
    let database = Database::on(Engine::MariaDb);
    a_node_is_killed("MariaDB", &database.url());
}

fn a_node_is_killed(engine: &str, database_url: &str) {
    let cluster = Cluster::start(Turn::BesideOthers, database_url, "", PEOPLE);
    let victim = cluster.topology.nodes[0][1];
    let mut killed = 0.0;
    let report = under_load(&cluster, |load| {
        sleep(2 * SECOND);
        killed = epoch();
        let mut node = cluster.idp[1].lock().unwrap();
        node.signal("-KILL");
        node.await_end();
        sleep(SECOND);
        load.revoke(&cluster, 0..3);
        sleep(5 * SECOND);
        node.start_again();
        sleep(4 * SECOND);
    });
    let until = killed + TAKEN_OUT_WITHIN + report.stood_still.as_secs_f64();
    let failed = only_on(&cluster, victim, killed, until, &report);
    hold(&cluster, &report);
    figures(&format!(
        "{engine}, one node killed and started again 6 s later: {report}; {failed}"
    ));
}

#[test]
fn a_node_that_hangs_is_taken_out_and_loses_nothing_on_postgres() {
    let database = Database::on(Engine::Postgres);
    a_node_hangs("PostgreSQL", &database.url());
}

#[test]
fn a_node_that_hangs_is_taken_out_and_loses_nothing_on_mariadb() {
    let database = Database::on(Engine::MariaDb);
    a_node_hangs("MariaDB", &database.url());
}

/// Not on SQLite: a process that is stopped in the middle of a write keeps the file's lock.
fn a_node_hangs(engine: &str, database_url: &str) {
    let cluster = Cluster::start(Turn::BesideOthers, database_url, "", PEOPLE);
    let victim = cluster.topology.nodes[0][1];
    let (mut stopped, mut went_on) = (0.0, 0.0);
    let report = under_load(&cluster, |load| {
        sleep(2 * SECOND);
        stopped = epoch();
        let node = cluster.idp[1].lock().unwrap();
        node.signal("-STOP");
        sleep(2 * SECOND);
        load.revoke(&cluster, 0..3);
        sleep(8 * SECOND);
        went_on = epoch();
        node.signal("-CONT");
        sleep(4 * SECOND);
    });
    let late = report.stood_still.as_secs_f64();
    let hung = unanswered(&cluster, victim, stopped, went_on);
    let third = hung.get(MOST_FAILS - 1);
    let third = third.unwrap_or_else(|| panic!("never taken out: {hung:?}"));
    assert!(
        third.ended - third.handed < TAKEN_OUT_WITHIN + late,
        "nginx waited too long: {hung:?}"
    );
    // Out, it is tried with one request every five seconds.
    let tried = hung.iter().filter(|one| one.handed > third.ended + late);
    let tried = tried.count();
    assert!(tried <= 2, "it was not taken out: {hung:?}");
    let failed = only_on(&cluster, victim, stopped, third.ended + late, &report);
    hold(&cluster, &report);
    figures(&format!(
        "{engine}, one node stopped for {:.0} s, taken out {:.1} s after that and then tried {tried} \
         times: {report}; {failed}",
        went_on - stopped,
        third.ended - stopped,
    ));
}

#[test]
fn nodes_are_replaced_one_by_one_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    nodes_are_replaced("SQLite", &url);
}

#[test]
fn nodes_are_replaced_one_by_one_on_postgres() {
    let database = Database::on(Engine::Postgres);
    nodes_are_replaced("PostgreSQL", &database.url());
}

#[test]
fn nodes_are_replaced_one_by_one_on_mariadb() {
    let database = Database::on(Engine::MariaDb);
    nodes_are_replaced("MariaDB", &database.url());
}

fn nodes_are_replaced(engine: &str, database_url: &str) {
    let cluster = Cluster::start(Turn::BesideOthers, database_url, "drain = \"2s\"", PEOPLE);
    let began = epoch();
    let report = under_load(&cluster, |_| {
        sleep(2 * SECOND);
        for node in &cluster.idp {
            let mut node = node.lock().unwrap();
            node.signal("-TERM");
            let told = Instant::now();
            // On a machine that is busy it may be over before anybody asked.
            while node.readyz() != Some(503) && !node.has_ended() {
                assert!(
                    told.elapsed() < 30 * SECOND,
                    "it does not say that it leaves"
                );
                sleep(SECOND / 50);
            }
            assert!(node.await_end().success());
            node.start_again();
            // Only now may the other one go: nginx leaves out for some seconds who was gone.
            await_requests(&cluster, node.address);
        }
    });
    hold(&cluster, &report);
    let lines = failed_lines(&cluster, report.began);
    assert!(
        lines.len() <= 2,
        "more than what was just being handed over: {}",
        in_words(&lines)
    );
    figures(&format!(
        "{engine}, both nodes replaced one by one in {:.0} s: {report}; {} requests failed at nginx",
        epoch() - began,
        lines.len()
    ));
}

fn await_requests(cluster: &Cluster, node: SocketAddr) {
    let since = epoch();
    while answered(cluster, node, since) < 5 {
        let waited = epoch() - since;
        assert!(waited < 60.0, "{node} gets no requests");
        sleep(SECOND / 5);
    }
}

/// What failed had been handed to the node that broke, before nginx took it out.
fn only_on(
    cluster: &Cluster,
    victim: SocketAddr,
    since: f64,
    until: f64,
    report: &Report,
) -> String {
    let lines = failed_lines(cluster, report.began);
    for line in &lines {
        assert!(
            line.nodes.contains(&victim.to_string()),
            "not on the node that broke: {}",
            line.what
        );
        assert!(
            line.handed < until,
            "{:.1} s after it broke: {}",
            line.handed - since,
            line.what
        );
    }
    assert!(
        report.failures.len() <= lines.len(),
        "nginx: {}\npeople: {:#?}",
        in_words(&lines),
        report
            .failures
            .iter()
            .map(Failure::in_words)
            .collect::<Vec<_>>()
    );
    let after = |line: &FailedLine| line.handed - since;
    match lines.iter().map(after).reduce(f64::max) {
        None => "no request failed".to_owned(),
        Some(last) => format!(
            "{} requests failed, all handed to that node, the last one {last:.1} s after it broke",
            lines.len()
        ),
    }
}
