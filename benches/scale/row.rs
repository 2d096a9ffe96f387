//! A node with a database of one size, and what was measured on it.

use std::io::Result;
use std::time::{Duration, Instant};

use super::database::{Database, Engine};
use super::load;
use super::server::{Server, Settings};

const CONCURRENCY: usize = 8;
const REQUESTS_EACH: usize = 120;
const SIGN_INS: usize = 40;

/// What one request cost, in microseconds of CPU time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) node: f64,
    pub(crate) database: f64,
}

/// A database of one size.
pub(crate) struct Row {
    pub(crate) settings: Settings,
    pub(crate) sign_on: Vec<Cost>,
    pub(crate) sign_in: Vec<Cost>,
    /// How many have signed in so far.
    seen: usize,
    // The node ends before its database does.
    server: Server,
    database: Database,
}

impl Cost {
    pub(crate) fn together(self) -> f64 {
        self.node + self.database
    }
}

impl Row {
    /// Fills a database with so many people and service providers, and starts a node on it.
    pub(crate) async fn prepare(engine: Engine, (crowd, others): (usize, u32)) -> Result<Self> {
        let settings = Settings {
            signing_algorithm: "rsa2048",
            sign: "assertion",
            durability: "normal",
            others,
            crowd,
            cheap_passwords: true,
        };
        let began = Instant::now();
        let database = Database::start(engine).await?;
        let url = database.url()?;
        let server = Server::start_on(settings, 0, url.as_deref()).await?;
        let all = began.elapsed();
        if let Some(import) = server.import {
            println!(
                "{crowd} people imported in {:.0?}, {:.1?} of CPU, {} KiB at its peak; \
                 with {others} service providers and the start {all:.0?}",
                import.wall, import.cpu, import.peak
            );
        }
        database.settle().await?;
        Ok(Self {
            settings,
            sign_on: Vec::new(),
            sign_in: Vec::new(),
            seen: 0,
            server,
            database,
        })
    }

    /// People whom nobody has seen yet sign in; then the last of them come and go.
    pub(crate) async fn round(&mut self) -> Result<()> {
        let process = self.server.process();
        let (node, database) = (process.cpu_time()?, self.database.cpu_time()?);
        let mut people = Vec::new();
        for _ in 0..SIGN_INS {
            let next = self.next();
            people.push(self.server.sign_in_from_crowd(next).await?);
        }
        self.sign_in.push(Cost {
            node: each(process.cpu_time()?.since(&node), SIGN_INS),
            database: each(self.database.cpu_time()?.since(&database), SIGN_INS),
        });
        people.drain(..SIGN_INS - CONCURRENCY);
        let database = self.database.cpu_time()?;
        let cost = load::run(&process, &mut people, REQUESTS_EACH).await?;
        let database = self.database.cpu_time()?.since(&database);
        self.sign_on.push(Cost {
            node: micros(cost.cpu),
            // One more of each is looked into behind the measurement of the node.
            database: each(database, CONCURRENCY * (REQUESTS_EACH + 1)),
        });
        Ok(())
    }

    /// What was measured so far was to warm up.
    pub(crate) async fn forget(&mut self) -> Result<()> {
        self.sign_on.clear();
        self.sign_in.clear();
        self.database.settle().await
    }

    /// Resident memory of the node, in KiB.
    pub(crate) fn resident(&self) -> Result<u64> {
        Ok(self.server.process().memory()?.now)
    }

    /// Somebody new, far from whoever came before: a step that has no divisor in common with the
    /// number of people meets all of them.
    fn next(&mut self) -> usize {
        let crowd = self.settings.crowd.max(1);
        self.seen += 1;
        self.seen.wrapping_mul(611_953) % crowd
    }
}

fn each(duration: Duration, count: usize) -> f64 {
    micros(duration) / f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
