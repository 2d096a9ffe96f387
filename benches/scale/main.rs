//! Whether what a sign-on costs grows with the number of people and of service providers: a database
//! with few of them beside one with very many, in turns within one run, on each engine.
//!
//! `make bench ARGS=scale` runs it on a release build. It says what the import took, then measures
//! the CPU time of the node and of the database server behind it, together, for a warm single
//! sign-on and for a sign-in with a password (hashed as cheaply as argon2 goes, so that the look-ups
//! show), and the node's resident memory. Whoever signs in is somebody else each time, and somewhere
//! else in the crowd. docs/scaling.md says how to read it.
//!
//! `make bench ARGS="scale -- 15 100000 1000 postgres"`: rounds, people, service providers, engines.

mod database;
#[path = "../warm_sso/http.rs"]
mod http;
#[path = "../warm_sso/load.rs"]
#[expect(dead_code, reason = "each benchmark uses its own part of it")]
mod load;
#[path = "../warm_sso/person.rs"]
mod person;
#[path = "../warm_sso/process.rs"]
#[expect(dead_code, reason = "each benchmark uses its own part of it")]
mod process;
mod row;
#[path = "../warm_sso/server.rs"]
#[expect(dead_code, reason = "each benchmark uses its own part of it")]
mod server;

use std::io::Result;

use database::Engine;
use row::{Cost, Row};

const ROUNDS: usize = 15;
/// The small database.
const FEW: (usize, u32) = (1_000, 10);
/// The large one, unless told otherwise.
const MANY: (usize, u32) = (1_000_000, 10_000);

/// What the large one may cost, in times of the small one.
const BAR: f64 = 1.15;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let mut numbers = words.iter().filter_map(|word| word.parse::<u32>().ok());
    let rounds = numbers.next().map_or(ROUNDS, as_size);
    let people = numbers.next().map_or(MANY.0, as_size);
    let many = (people, numbers.next().unwrap_or(MANY.1));
    let named = |engine: &Engine| words.iter().any(|word| word == engine.name());
    let mut engines: Vec<_> = Engine::ALL.into_iter().filter(named).collect();
    if engines.is_empty() {
        engines.extend(Engine::ALL);
    }
    for engine in engines {
        measure(engine, rounds, many).await?;
    }
    Ok(())
}

/// One engine: both databases side by side, in turns.
async fn measure(engine: Engine, rounds: usize, many: (usize, u32)) -> Result<()> {
    println!("\n{}\n", engine.name());
    let mut small = Row::prepare(engine, FEW).await?;
    let mut large = Row::prepare(engine, many).await?;
    for round in 0..=rounds {
        // Neither is always the one that comes first.
        if round % 2 == 0 {
            small.round().await?;
            large.round().await?;
        } else {
            large.round().await?;
            small.round().await?;
        }
        if round == 0 {
            // The first round only warms up; after it there are sessions to know the number of.
            small.forget().await?;
            large.forget().await?;
        }
    }
    println!("\nCPU time in us, node + database, medians of {rounds} rounds; resident memory\n");
    println!("people    SPs     sign-on             sign-in             node KiB");
    for row in [&small, &large] {
        println!(
            "{:<9} {:<7} {:<19} {:<19} {:8}",
            row.settings.crowd,
            row.settings.others,
            told(&row.sign_on),
            told(&row.sign_in),
            row.resident()?,
        );
    }
    println!();
    say("warm sign-on", ratio(&large.sign_on, &small.sign_on));
    say("sign-in", ratio(&large.sign_in, &small.sign_in));
    say(
        "memory of the node",
        in_kib(large.resident()?) / in_kib(small.resident()?),
    );
    Ok(())
}

/// The two parts of what something costs.
fn told(costs: &[Cost]) -> String {
    let node: Vec<_> = costs.iter().map(|cost| cost.node).collect();
    let database: Vec<_> = costs.iter().map(|cost| cost.database).collect();
    format!("{:.0} + {:.0}", median(&node), median(&database))
}

/// The median of the rounds' ratios, node and database together.
fn ratio(large: &[Cost], small: &[Cost]) -> f64 {
    let pairs = large.iter().zip(small);
    let ratios: Vec<_> = pairs.map(|(l, s)| l.together() / s.together()).collect();
    median(&ratios)
}

fn say(what: &str, ratio: f64) {
    let word = if ratio <= BAR { "met    " } else { "NOT MET" };
    println!("{word} {what}: {ratio:.2} times the small one (bar {BAR})");
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn in_kib(kib: u64) -> f64 {
    u32::try_from(kib).map_or(f64::INFINITY, f64::from)
}

fn as_size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
