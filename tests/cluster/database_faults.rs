//! The database is gone for a while.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, figures};
use crate::crowd::PEOPLE;
use crate::engine::{Engine, own_database};
use crate::person::Person;

const SECOND: Duration = Duration::from_secs(1);
/// How soon whatever is asked says that there is no database.
const CLEAR_WITHIN: Duration = Duration::from_secs(5);

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
    let cluster = Cluster::start(&database.url, "", PEOPLE);
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
