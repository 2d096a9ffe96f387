//! Whether what a sign-on costs grows with the number of people and of service providers: a database
//! with few of them beside one with very many, in turns within one run.
//!
//! `make bench ARGS=scale` runs it on a release build. It says how long the import took and what it
//! kept in memory, then measures the CPU time of the server for a warm single sign-on and for a sign-in
//! with a password (hashed as cheaply as argon2 goes, so that the look-ups show), and its resident
//! memory. docs/scaling.md says how to read it.
//!
//! `make bench ARGS="scale -- 15 100000 1000"`: rounds, people, service providers.

#[path = "../warm_sso/http.rs"]
mod http;
#[path = "../warm_sso/load.rs"]
#[expect(dead_code, reason = "the other benchmark uses all of it")]
mod load;
#[path = "../warm_sso/person.rs"]
mod person;
#[path = "../warm_sso/process.rs"]
#[expect(dead_code, reason = "the other benchmark uses all of it")]
mod process;
#[path = "../warm_sso/server.rs"]
#[expect(dead_code, reason = "the other benchmark uses all of it")]
mod server;

use std::io::Result;
use std::time::{Duration, Instant};

use person::Person;
use server::{Server, Settings};

const CONCURRENCY: usize = 8;
const REQUESTS_EACH: usize = 120;
const SIGN_INS: usize = 5;
const ROUNDS: usize = 15;

/// What the large one may cost, in times of the small one.
const BAR: f64 = 1.15;

/// A database of one size, and what was measured on it; times in microseconds.
struct Row {
    settings: Settings,
    server: Server,
    people: Vec<Person>,
    sign_on: Vec<f64>,
    sign_in: Vec<f64>,
}

impl Row {
    async fn prepare(crowd: usize, others: usize) -> Result<Self> {
        let settings = Settings {
            signing_algorithm: "rsa2048",
            sign: "assertion",
            durability: "normal",
            others: u32::try_from(others).unwrap_or(u32::MAX),
            crowd,
            cheap_passwords: true,
        };
        let began = Instant::now();
        let server = Server::start(settings, CONCURRENCY).await?;
        println!(
            "{crowd} people and {others} service providers: {:.0?} to prepare",
            began.elapsed()
        );
        let people = server.sign_in(CONCURRENCY).await?;
        let [warm, with_password] = [const { Vec::new() }; 2];
        Ok(Self {
            settings,
            server,
            people,
            sign_on: warm,
            sign_in: with_password,
        })
    }

    async fn round(&mut self) -> Result<()> {
        let process = self.server.process();
        let cost = load::run(&process, &mut self.people, REQUESTS_EACH).await?;
        self.sign_on.push(micros(cost.cpu));
        let before = process.cpu_time()?;
        for _ in 0..SIGN_INS {
            self.server.sign_in(CONCURRENCY).await?;
        }
        let took = process.cpu_time()?.since(&before);
        let count = u32::try_from(SIGN_INS * CONCURRENCY).unwrap_or(1);
        self.sign_in.push(micros(took / count));
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let rounds = numbers.next().unwrap_or(ROUNDS);
    let people = numbers.next().unwrap_or(1_000_000);
    let sps = numbers.next().unwrap_or(10_000);
    let mut small = Row::prepare(1_000, 10).await?;
    let mut large = Row::prepare(people, sps).await?;
    for round in 0..=rounds {
        small.round().await?;
        large.round().await?;
        if round == 0 {
            // The first round only warms up.
            for row in [&mut small, &mut large] {
                row.sign_on.clear();
                row.sign_in.clear();
            }
        }
    }
    println!("\nCPU time of the server, medians of {rounds} rounds\n");
    println!("people    SPs     sign-on us  sign-in us  resident KiB");
    for row in [&small, &large] {
        println!(
            "{:<9} {:<7} {:10.0} {:11.0} {:13}",
            row.settings.crowd,
            row.settings.others,
            median(&row.sign_on),
            median(&row.sign_in),
            row.server.process().memory()?.now,
        );
    }
    println!();
    say("warm sign-on", &large.sign_on, &small.sign_on);
    say("sign-in", &large.sign_in, &small.sign_in);
    Ok(())
}

/// The median of the rounds' ratios.
fn say(what: &str, large: &[f64], small: &[f64]) {
    let ratios: Vec<_> = large.iter().zip(small).map(|(l, s)| l / s).collect();
    let ratio = median(&ratios);
    let word = if ratio <= BAR { "met    " } else { "NOT MET" };
    println!("{word} {what}: {ratio:.2} times the small one (bar {BAR})");
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
