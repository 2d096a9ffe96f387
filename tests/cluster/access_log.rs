//! What nginx says in its access log about requests that failed, and about nodes that did not answer.

use std::net::SocketAddr;

use serde_json::Value;

use crate::cluster::Cluster;

/// A request that got no answer of use.
pub(crate) struct FailedLine {
    /// When nginx had it, in seconds since 1970.
    pub(crate) handed: f64,
    /// The nodes that were asked.
    pub(crate) nodes: String,
    pub(crate) what: String,
}

/// A request that a node left unanswered until nginx asked elsewhere, or gave up.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) handed: f64,
    pub(crate) ended: f64,
}

/// What nginx answered because no node did, since then.
pub(crate) fn failed_lines(cluster: &Cluster, since: f64) -> Vec<FailedLine> {
    let lines = cluster.access_log().into_iter();
    let lines = lines.filter(|line| handed(line) >= since);
    // What Doorward itself answers is no business of nginx.
    let failed = lines.filter(|line| matches!(text(line, "status"), "499" | "502" | "504"));
    failed
        .map(|line| FailedLine {
            handed: handed(&line),
            nodes: text(&line, "nodes").to_owned(),
            what: format!(
                "{} {} {} by {}",
                text(&line, "status"),
                text(&line, "method"),
                text(&line, "path"),
                text(&line, "nodes")
            ),
        })
        .collect()
}

pub(crate) fn in_words(lines: &[FailedLine]) -> String {
    let words: Vec<_> = lines.iter().map(|line| line.what.as_str()).collect();
    words.join("; ")
}

/// In the order in which nginx gave them up: what was handed to this node between the two instants and
/// not answered by it.
pub(crate) fn unanswered(
    cluster: &Cluster,
    node: SocketAddr,
    from: f64,
    until: f64,
) -> Vec<Unanswered> {
    let node = node.to_string();
    let mut found = Vec::new();
    for line in cluster.access_log() {
        let each = |name: &str| -> Vec<String> {
            text(&line, name).split(", ").map(str::to_owned).collect()
        };
        let (nodes, statuses, seconds) =
            (each("nodes"), each("node_statuses"), each("node_seconds"));
        let mut at = handed(&line);
        for (asked, (status, took)) in nodes.iter().zip(statuses.iter().zip(&seconds)) {
            let ended = at + took.parse().unwrap_or(0.0);
            if *asked == node && status == "504" && (from..until).contains(&ended) {
                found.push(Unanswered { handed: at, ended });
            }
            at = ended;
        }
    }
    found.sort_by(|one, other| one.ended.total_cmp(&other.ended));
    found
}

/// How many requests this node has answered since then.
pub(crate) fn answered(cluster: &Cluster, node: SocketAddr, since: f64) -> usize {
    let node = node.to_string();
    let by_it = |line: &Value| {
        let last = text(line, "nodes").rsplit(", ").next();
        last == Some(&node) && text(line, "status") < "500" && handed(line) > since
    };
    cluster
        .access_log()
        .iter()
        .filter(|line| by_it(line))
        .count()
}

fn handed(line: &Value) -> f64 {
    let number = |name| text(line, name).parse::<f64>().unwrap();
    number("ended") - number("seconds")
}

fn text<'l>(line: &'l Value, name: &str) -> &'l str {
    line[name].as_str().unwrap_or_default()
}
