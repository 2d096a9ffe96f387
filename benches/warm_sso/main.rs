//! What a warm SSO costs: somebody is signed in, a fresh AuthnRequest comes by HTTP-Redirect, the
//! page with the Response goes out, and its audit row is committed before.
//!
//! `make bench` runs it on a release build without the demo. It measures the CPU time of the whole
//! server process (user and system) against the bare signature of the same kind of key, in turns
//! within one run, so that the ratio does not depend on the machine. docs/speed.md says how to read
//! the table. It fails only if it cannot measure: bars that are missed are said, not enforced.
//!
//! `make bench ARGS="-- 40 1"` measures 40 rounds of the first variant alone.

mod http;
mod load;
mod person;
#[expect(dead_code, reason = "each benchmark uses its own part of it")]
mod process;
mod report;
#[expect(dead_code, reason = "each benchmark uses its own part of it")]
mod server;
mod signature;

use std::io::Result;
use std::time::Duration;

use process::Memory;
use report::Row;
use server::{Server, Settings};
use signature::BareKey;

const CONCURRENCY: usize = 8;
const REQUESTS_EACH: usize = 120;
const ROUNDS: usize = 15;
const STARTS: usize = 11;
const CLIENTS_FOR_MEMORY: usize = 32;

/// What is measured, the first one against the bars.
const VARIANTS: [(Settings, u32); 6] = [
    variant(2048, "rsa2048", "assertion", "full"),
    variant(2048, "rsa2048", "assertion", "normal"),
    among_many(variant(2048, "rsa2048", "assertion", "normal")),
    variant(2048, "rsa2048", "both", "full"),
    variant(3072, "rsa3072", "assertion", "full"),
    variant(3072, "rsa3072", "both", "full"),
];

const fn variant(
    bits: u32,
    signing_algorithm: &'static str,
    sign: &'static str,
    durability: &'static str,
) -> (Settings, u32) {
    (
        Settings {
            signing_algorithm,
            sign,
            durability,
            others: 0,
            crowd: 0,
            cheap_passwords: false,
        },
        bits,
    )
}

/// The same, where very many service providers are registered beside the one.
const fn among_many((settings, bits): (Settings, u32)) -> (Settings, u32) {
    let others = 10_000;
    (Settings { others, ..settings }, bits)
}

/// One thread sends everything, so that it is in the server's way as little as can be.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let (rounds, variants) = (numbers.next(), numbers.next().unwrap_or(VARIANTS.len()));
    let mut rows = Vec::new();
    for variant in VARIANTS.into_iter().take(variants) {
        rows.push(Row::prepare(variant).await?);
    }
    let mut keys = [BareKey::rsa(2048)?, BareKey::rsa(3072)?];
    for round in 0..=rounds.unwrap_or(ROUNDS) {
        for row in &mut rows {
            let key = keys.iter_mut().find(|key| key.bits() == row.bits);
            let key = key.ok_or_else(|| http::odd("no such bare key"))?;
            let before = key.cpu_time()?;
            let cost = load::run(&row.server.process(), &mut row.people, REQUESTS_EACH).await?;
            let bare = (before + key.cpu_time()?) / 2;
            // The first round only warms up.
            if round > 0 {
                row.note(cost, bare);
            }
        }
    }
    report::table(&mut rows)?;
    let starts = starts(&mut rows).await?;
    let memory = memory().await?;
    report::bars(&rows, &starts, memory);
    Ok(())
}

/// How long a process takes from its start on an existing database to the first Response, several
/// times over, the quickest first.
async fn starts(rows: &mut [Row]) -> Result<Vec<Duration>> {
    let Some(Row { server, people, .. }) = rows.first_mut() else {
        return Ok(Vec::new());
    };
    let person = people
        .first()
        .ok_or_else(|| http::odd("nobody is signed in"))?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(server.restart(person).await?);
    }
    starts.sort_unstable();
    Ok(starts)
}

/// The memory of a server in which so many people have signed in and send requests all at once.
async fn memory() -> Result<Memory> {
    let [(settings, _), ..] = VARIANTS;
    let server = Server::start(settings, CLIENTS_FOR_MEMORY).await?;
    let mut people = server.sign_in(CLIENTS_FOR_MEMORY).await?;
    load::run(&server.process(), &mut people, REQUESTS_EACH).await?;
    server.process().memory()
}
