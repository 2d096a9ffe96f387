//! Nodes take the time from their database. One whose machine is far from it says so.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cluster::{doorward, free_ports, get, signal, spawn};
use crate::database::Database;
use crate::engine::Engine;

/// The server's clock, as far as anybody who asks on this database can tell: of two functions of one
/// name the first on the path is taken, and by default that is the server's own.
struct WrongClock {
    database: Database,
}

impl WrongClock {
    fn new() -> Self {
        let database = Database::on(Engine::Postgres);
        let url = database.url();
        let (_, name) = url.rsplit_once('/').unwrap();
        database.by_hand(&format!(
            "ALTER DATABASE {name} SET search_path = public, pg_catalog"
        ));
        Self { database }
    }

    fn is_off_by(&self, seconds: i64) {
        self.database.by_hand(&format!(
            "CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql \
             AS $$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} s' $$"
        ));
    }
}

/// One node by itself.
struct Node {
    address: SocketAddr,
    config: PathBuf,
    process: Child,
}

impl Node {
    /// Serving, be it ready or not.
    fn start(folder: &Path, clock: &WrongClock) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_ports(1)));
        let config = folder.join("doorward.toml");
        let url = clock.database.url();
        let text = format!(
            "base_url = \"https://login.example.org\"\nlisten = \"{address}\"\n\
             database_url = \"{url}\"\nsigning_algorithm = \"p256\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let arguments = ["serve", "--config", config.to_str().unwrap()].map(str::to_owned);
        let process = spawn(&arguments, &folder.join("log"));
        let node = Self {
            address,
            config,
            process,
        };
        let since = Instant::now();
        while get(address, "/healthz").is_none() {
            let log = || std::fs::read_to_string(folder.join("log"));
            assert!(since.elapsed() < Duration::from_secs(90), "{:?}", log());
            sleep(Duration::from_millis(20));
        }
        node
    }

    fn get(&self, path: &str) -> (u16, String) {
        get(self.address, path).expect("an answer")
    }

    /// What `doorward check` says beside it.
    fn check(&self) -> String {
        let mut command = doorward();
        command.arg("--config").arg(&self.config).arg("check");
        let output = command.output().unwrap();
        let [said, errors] =
            [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
        said + &errors
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        signal(&self.process, "-TERM");
        let _ = self.process.wait();
    }
}

#[test]
fn a_node_whose_clock_is_more_than_five_seconds_off_is_not_ready_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let clock = WrongClock::new();
    for (seconds, ready) in [(0, true), (4, true), (7, false), (-7, false), (-4, true)] {
        clock.is_off_by(seconds);
        let node = Node::start(folder.path(), &clock);
        let (status, said) = node.get("/readyz");
        assert_eq!(status == 200, ready, "{seconds} s: {status} {said}");
        let checked = node.check();
        let complains = checked.contains("ahead of this machine's");
        assert_eq!(complains, !ready, "{seconds} s: {checked}");
        if !ready {
            assert_eq!((status, said.as_str()), (503, "clock\n"));
        }
        // It serves all the same: what it decides it decides by the database's time.
        assert_eq!(node.get("/healthz").0, 200);
    }
}

#[test]
fn a_node_is_ready_again_once_its_clock_is_right_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = WrongClock::new();
    clock.is_off_by(3600);
    let node = Node::start(folder.path(), &clock);
    assert_eq!(node.get("/readyz").0, 503);
    clock.is_off_by(0);
    let since = Instant::now();
    while node.get("/readyz").0 != 200 {
        // It looks every thirty seconds.
        assert!(
            since.elapsed() < Duration::from_secs(90),
            "it does not look again"
        );
        sleep(Duration::from_millis(500));
    }
}
