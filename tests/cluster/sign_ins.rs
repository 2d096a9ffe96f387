//! A thousand sign-ins through nginx, each request to the next node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

use crate::cluster::{Cluster, Turn, account, figures};
use crate::engine::{Engine, own_database};
use crate::person::{Entered, Person};

const PEOPLE: usize = 200;
const ROUNDS: usize = 5;
/// How many browsers are at it at the same time: few enough that no answer takes the 5 s after which
/// nginx asks elsewhere, on a machine that has other things to do as well.
const AT_ONCE: usize = 6;

#[derive(Debug, Default)]
struct Tally {
    sign_ins: usize,
    visits: usize,
    refusals: usize,
    failures: Vec<String>,
    assertions: Vec<String>,
    milliseconds: Vec<u128>,
}

#[test]
fn a_thousand_sign_ins_with_each_request_to_the_next_node_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    a_thousand_sign_ins("SQLite, one file", &url);
}

#[test]
fn a_thousand_sign_ins_with_each_request_to_the_next_node_on_postgres() {
    let database = own_database(Engine::Postgres);
    a_thousand_sign_ins("PostgreSQL", &database.url);
}

#[test]
fn a_thousand_sign_ins_with_each_request_to_the_next_node_on_mariadb() {
    let database = own_database(Engine::MariaDb);
    a_thousand_sign_ins("MariaDB", &database.url);
}

fn a_thousand_sign_ins(engine: &str, database_url: &str) {
    let cluster = Cluster::start(Turn::Alone, database_url, "", PEOPLE);
    let tally = Mutex::new(Tally::default());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let (cluster, tally) = (&cluster, &tally);
            scope.spawn(move || {
                for number in (worker..PEOPLE).step_by(AT_ONCE) {
                    come_and_go(cluster, number, tally);
                }
            });
        }
    });
    let took = began.elapsed();
    let tally = tally.into_inner().unwrap();
    assert_eq!(
        tally.failures,
        Vec::<String>::new(),
        "of {} sign-ins",
        PEOPLE * ROUNDS
    );
    assert_eq!(tally.sign_ins, PEOPLE * ROUNDS);
    assert_eq!(
        tally.refusals,
        PEOPLE / 5 * ROUNDS,
        "one in five may not publish"
    );

    let audited: BTreeSet<String> = cluster.audited_assertions().into_iter().collect();
    let unaudited: Vec<_> = tally
        .assertions
        .iter()
        .filter(|id| !audited.contains(*id))
        .collect();
    assert_eq!(
        unaudited,
        Vec::<&String>::new(),
        "assertions without an audit row"
    );
    assert_eq!(audited.len(), tally.assertions.len());

    let both = both_nodes(&cluster);
    let mut times = tally.milliseconds;
    times.sort_unstable();
    figures(&format!(
        "{engine}: {} sign-ins and {} visits at the second app in {:.1} s ({:.0} sign-ins a second), \
         no failure; {} assertions, each with its audit row; {} refusals as the roles say; sign-in \
         p50 {} ms, p99 {} ms; requests by node: {both}",
        tally.sign_ins,
        tally.visits,
        took.as_secs_f64(),
        f64::from(u32::try_from(tally.sign_ins).unwrap()) / took.as_secs_f64(),
        tally.assertions.len(),
        tally.refusals,
        times[times.len() / 2],
        times[times.len() * 99 / 100],
    ));
    let said = cluster.cli(&["audit", "verify"]);
    assert!(!said.is_empty());
}

/// A new browser each time: the store with the password, then the publisher without.
fn come_and_go(cluster: &Cluster, number: usize, tally: &Mutex<Tally>) {
    let account = account(number);
    for _ in 0..ROUNDS {
        let mut person = Person::new(&account, &cluster.wire);
        let began = Instant::now();
        let store = person.enter(&cluster.url(1));
        let took = began.elapsed().as_millis();
        let publisher = person.enter(&cluster.url(2));
        let mut tally = tally.lock().unwrap();
        match store {
            Ok(Entered::In) if person.passwords_asked == 1 => tally.sign_ins += 1,
            other => tally
                .failures
                .push(format!("{}: store: {other:?}", account.name)),
        }
        match publisher {
            Ok(Entered::In) if account.may_publish => tally.visits += 1,
            Ok(Entered::Refused) if !account.may_publish => tally.refusals += 1,
            other => tally
                .failures
                .push(format!("{}: publisher: {other:?}", account.name)),
        }
        tally.assertions.append(&mut person.assertions);
        tally.milliseconds.push(took);
    }
}

/// Each of the six nodes had its share of what came to its app.
fn both_nodes(cluster: &Cluster) -> String {
    let asked: BTreeMap<String, usize> = cluster.asked();
    let mut words = Vec::new();
    for pair in cluster.topology.nodes {
        let counts = pair.map(|node| asked.get(&node.to_string()).copied().unwrap_or_default());
        let (less, more) = (counts[0].min(counts[1]), counts[0].max(counts[1]));
        assert!(less * 10 >= more * 9, "not in turn: {asked:?}");
        words.push(format!("{less}/{more}"));
    }
    words.join(", ")
}
