//! A node dies, or is replaced, while two hundred people come and go through nginx.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, figures};
use crate::crowd::{Failure, PEOPLE, Report, hold, under_load};
use crate::engine::{Engine, own_database};

const SECOND: Duration = Duration::from_secs(1);
/// How long nginx may hand requests to a node that does not answer.
const TAKEN_OUT_WITHIN: f64 = 5.0;

#[test]
fn a_node_that_is_killed_takes_nothing_with_it_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    a_node_is_killed("SQLite", &url);
}

#[test]
fn a_node_that_is_killed_takes_nothing_with_it_on_postgres() {
    let database = own_database(Engine::Postgres);
    a_node_is_killed("PostgreSQL", &database.url);
}

fn a_node_is_killed(engine: &str, database_url: &str) {
    let cluster = Cluster::start(database_url, "", PEOPLE);
    let victim = cluster.topology.nodes[0][1];
    let mut killed = 0.0;
    let report = under_load(&cluster, |load| {
        sleep(4 * SECOND);
        killed = epoch();
        let mut node = cluster.idp[1].lock().unwrap();
        node.signal("-KILL");
        node.await_end();
        sleep(2 * SECOND);
        for number in [0, 1, 2] {
            load.revoke(&cluster, number);
        }
        sleep(6 * SECOND);
        node.start_again();
        sleep(8 * SECOND);
    });
    let failed = only_on(&cluster, victim, killed, &report);
    hold(&cluster, &report);
    figures(&format!(
        "{engine}, one node killed and started again 8 s later: {report}; {failed}"
    ));
}

#[test]
fn nodes_are_replaced_one_by_one_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    nodes_are_replaced("SQLite", &url);
}

fn nodes_are_replaced(engine: &str, database_url: &str) {
    let cluster = Cluster::start(database_url, "drain = \"2s\"", PEOPLE);
    let began = epoch();
    let report = under_load(&cluster, |_| {
        sleep(2 * SECOND);
        for node in &cluster.idp {
            let mut node = node.lock().unwrap();
            node.signal("-TERM");
            let told = Instant::now();
            while node.readyz() != Some(503) {
                assert!(
                    told.elapsed() < 2 * SECOND,
                    "it does not say that it leaves"
                );
                sleep(SECOND / 50);
            }
            assert!(node.await_end().success());
            node.start_again();
            sleep(6 * SECOND);
        }
    });
    hold(&cluster, &report);
    let lines = failed_lines(&cluster);
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

/// A request that nginx answered for a node.
struct FailedLine {
    /// When nginx had it, in seconds since 1970.
    handed: f64,
    nodes: String,
    what: String,
}

fn failed_lines(cluster: &Cluster) -> Vec<FailedLine> {
    let number = |text: &serde_json::Value| text.as_str().unwrap().parse::<f64>().unwrap();
    let lines = cluster.access_log().into_iter();
    // What Doorward itself answers is no business of nginx.
    let failed =
        lines.filter(|line| matches!(line["status"].as_str(), Some("499" | "502" | "504")));
    failed
        .map(|line| FailedLine {
            handed: number(&line["ended"]) - number(&line["seconds"]),
            nodes: line["nodes"].as_str().unwrap().to_owned(),
            what: format!(
                "{} {} {} by {}",
                line["status"], line["method"], line["path"], line["nodes"]
            ),
        })
        .collect()
}

fn in_words(lines: &[FailedLine]) -> String {
    let words: Vec<_> = lines.iter().map(|line| line.what.as_str()).collect();
    words.join("; ")
}

/// What failed had been handed to the node that broke, before nginx took it out.
fn only_on(cluster: &Cluster, victim: SocketAddr, since: f64, report: &Report) -> String {
    let lines = failed_lines(cluster);
    for line in &lines {
        assert!(
            line.nodes.contains(&victim.to_string()),
            "not on the node that broke: {}",
            line.what
        );
        let after = line.handed - since;
        assert!(
            after < TAKEN_OUT_WITHIN,
            "{after:.1} s after it broke: {}",
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
    let last = lines
        .iter()
        .map(|line| line.handed - since)
        .fold(0.0, f64::max);
    format!(
        "{} requests failed, all handed to that node, the last one {last:.1} s after it broke",
        lines.len()
    )
}

fn epoch() -> f64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}
