//! What is about servers: their clock, what they are, and what becomes of us while they are gone.

use std::process::Command;
use std::time::{Duration, Instant};

use doorward::clock::{Clock, is_too_far};
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::directory::name::RoleName;
use doorward::directory::time::UnixTime;
use doorward::storage::{Durability, Settings, Store, StoreError};

use crate::database::{Database, as_administrator};
use crate::home::CHAIN_KEY;
use crate::server::{Commits, Engine, Server};

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::MariaDb];

async fn open(url: &str) -> Store {
    Store::open(url, Durability::Full).await.unwrap()
}

#[tokio::test]
async fn a_server_says_what_it_is_and_what_its_settings_may_lose() {
    for engine in ENGINES {
        let database = Database::on(engine);
        let store = open(&database.url()).await;
        let said = store.engine();
        let name = match engine {
            Engine::Postgres => "PostgreSQL ",
            Engine::MariaDb => "MariaDB ",
        };
        assert!(said.starts_with(name), "{said}");
        assert!(store.is_shared());
        // The tests' own servers wait for no disk.
        let worries = store.worries().await.unwrap();
        assert!(!worries.is_empty(), "{said} worries nobody");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_set_by_the_databases() {
    for engine in ENGINES {
        let database = Database::on(engine);
        let store = open(&database.url()).await;
        for off in [-3_600_000, -7_000, 0, 7_000, 86_400_000] {
            // This machine's clock, put wrong by so much.
            let wrong = UnixTime::from_millis(Clock::System.now().millis() + off);
            let ahead = store.ahead(&Clock::fixed(wrong)).await.unwrap().unwrap();
            assert!((ahead + off).abs() < 2_000, "{engine:?} {off}: {ahead}");
            assert_eq!(is_too_far(ahead), off != 0, "{ahead}");
        }
        let clock = Clock::to_be_corrected();
        clock.correct(50_000);
        // What was corrected before does not count twice.
        let ahead = store.ahead(&clock).await.unwrap().unwrap();
        assert!(ahead.abs() < 2_000, "{engine:?}: {ahead}");
        assert!(clock.now().since(Clock::System.now()) > Duration::from_secs(49));
    }
}

#[tokio::test]
async fn a_file_has_the_machines_clock_and_nobody_else_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&Database::file(folder.path().join("doorward.db")).url()).await;
    assert_eq!(store.ahead(&Clock::System).await.unwrap(), None);
    assert!(!store.is_shared() && store.engine() == "SQLite");
    assert_eq!(store.worries().await.unwrap(), []);
}

/// Reads, and writes by both ways; how long it took until the first refusal.
async fn refused(store: &Store) -> (StoreError, Duration) {
    let begun = Instant::now();
    let read = store.signing_key_version().await.unwrap_err();
    let took = begun.elapsed();
    let event = || AuditEvent::new(Clock::System.now(), AuditKind::RoleAdded);
    store.record(event()).await.unwrap_err();
    let role = RoleName::parse("a").unwrap();
    store.add_role(&role, "", event()).await.unwrap_err();
    (read, took)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_told_soon_and_used_again_when_it_is_back() {
    for engine in ENGINES {
        let server = Server::own(engine, Commits::AreQuick);
        let store = open(&server.home_url()).await;
        let started = store.start(CHAIN_KEY, "test".to_owned(), Clock::System);
        started.await.unwrap();
        let event = || AuditEvent::new(Clock::System.now(), AuditKind::CleanedUp);
        store.record(event()).await.unwrap();
        let head = store.audit_head().await.unwrap();
        server.stop();
        let (error, took) = refused(&store).await;
        assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
        assert!(took < Duration::from_secs(3), "{engine:?}: {took:?}");
        server.start();
        // Nothing is begun anew by us: the same store goes on, and so does its chain.
        assert!(store.signing_key_version().await.is_ok());
        store.record(event()).await.unwrap();
        assert_ne!(store.audit_head().await.unwrap(), head);
        let walked = store.verify_audit(&CHAIN_KEY).await.unwrap();
        assert!(walked.broken.is_empty(), "{walked:?}");
        store.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_not_waited_for() {
    let server = Server::own(Engine::MariaDb, Commits::AreQuick);
    let store = open(&server.home_url()).await;
    // So many connections rest.
    let reads = (0..7).map(|_| store.signing_key_version());
    futures_util::future::try_join_all(reads).await.unwrap();
    let signal = |signal: &str| {
        let pid = server.pid().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    // Each of its threads stops when it comes to it.
    let is_stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
        let (_, after) = stat.rsplit_once(") ").unwrap();
        after.starts_with('T')
    };
    while !is_stopped() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let ask = || async {
        let begun = Instant::now();
        let read = store.signing_key_version().await;
        assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
        begun.elapsed()
    };
    // At once, and when what rests has to be asked first: all of it is given up together.
    let at_once = ask().await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let later = ask().await;
    signal("-CONT");
    // A proxy gives up on us after four seconds.
    assert!(at_once < Duration::from_secs(4), "{at_once:?}");
    assert!(later < Duration::from_secs(4), "{later:?}");
    assert!(store.signing_key_version().await.is_ok());
    store.shut_down().await;
}

/// Until when a store goes on reading from a server that takes no writes any more.
async fn left_after(server: &Server, store: &Store) -> Duration {
    match server.engine {
        Engine::Postgres => {
            as_administrator(
                server,
                "ALTER SYSTEM SET default_transaction_read_only = on",
            );
            as_administrator(server, "SELECT pg_reload_conf()");
        }
        Engine::MariaDb => as_administrator(server, "SET GLOBAL read_only = 1"),
    }
    let begun = Instant::now();
    loop {
        match store.signing_key_version().await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => {
                assert!(error.to_string().contains("takes no writes"), "{error}");
                return begun.elapsed();
            }
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it is still read"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_no_longer_the_primary_is_left() {
    for engine in ENGINES {
        let server = Server::own(engine, Commits::AreQuick);
        let settings = Settings {
            oldest_connection: Duration::from_secs(3),
            ..Settings::default()
        };
        let opened = Store::open_with(&server.home_url(), settings).await;
        let store = opened.unwrap();
        // Used all the time, so that it never rests long enough to be closed for that.
        let took = left_after(&server, &store).await;
        assert!(took < Duration::from_secs(6), "{engine:?}: {took:?}");
        // It is a standby that became one, and becomes the primary again.
        match engine {
            Engine::Postgres => {
                as_administrator(&server, "ALTER SYSTEM RESET default_transaction_read_only");
                as_administrator(&server, "SELECT pg_reload_conf()");
            }
            Engine::MariaDb => as_administrator(&server, "SET GLOBAL read_only = 0"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(store.signing_key_version().await.is_ok());
        store.shut_down().await;
    }
}
