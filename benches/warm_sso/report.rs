//! What was measured, as a table, and held against the bars.

use std::io::Result;
use std::time::Duration;

use super::load::Cost;
use super::person::Person;
use super::process::Memory;
use super::server::{Server, Settings};
use super::{CLIENTS_FOR_MEMORY, CONCURRENCY};

/// The bars. The first two hold for the first variant.
const TIMES_BARE: f64 = 1.5;
const MICROSECONDS_ABOVE: f64 = 140.0;
const FIRST_ANSWER: Duration = Duration::from_millis(300);
const RESIDENT_KIB: u64 = 60 * 1024;

/// One variant with all that was measured of it; times in microseconds.
pub(crate) struct Row {
    pub(crate) bits: u32,
    pub(crate) server: Server,
    pub(crate) people: Vec<Person>,
    settings: Settings,
    bare: Vec<f64>,
    cpu: Vec<f64>,
    ratio: Vec<f64>,
    rate: Vec<f64>,
    waits: Vec<Duration>,
}

impl Row {
    /// A server with people who are signed in.
    pub(crate) async fn prepare((settings, bits): (Settings, u32)) -> Result<Self> {
        let server = Server::start(settings, CONCURRENCY).await?;
        let people = server.sign_in(CONCURRENCY).await?;
        let [bare, cpu, ratio, rate] = [const { Vec::new() }; 4];
        let waits = Vec::new();
        Ok(Self {
            bits,
            server,
            people,
            settings,
            bare,
            cpu,
            ratio,
            rate,
            waits,
        })
    }

    /// Takes down one round, and what the bare signature cost around it.
    pub(crate) fn note(&mut self, cost: Cost, bare: Duration) {
        self.bare.push(micros(bare));
        self.cpu.push(micros(cost.cpu));
        self.ratio.push(micros(cost.cpu) / micros(bare));
        self.rate.push(cost.rate);
        self.waits.extend(cost.waits);
    }

    fn above_bare(&self) -> f64 {
        let above = self
            .cpu
            .iter()
            .zip(&self.bare)
            .map(|(whole, bare)| whole - bare);
        median(&above.collect::<Vec<_>>())
    }
}

/// One line per variant: medians of the rounds.
pub(crate) fn table(rows: &mut [Row]) -> Result<()> {
    println!("\nWarm SSO, {CONCURRENCY} people at once, CPU time of the server per request\n");
    println!(
        "key      signed     durability  other SPs  bare us  whole us  times bare  (least)  above us  system  req/s  p50 ms  p99 ms"
    );
    for row in rows {
        row.waits.sort_unstable();
        let (user, system) = row.server.process().system_ticks()?;
        let Settings {
            signing_algorithm,
            sign,
            durability,
            others,
            ..
        } = row.settings;
        println!(
            "{signing_algorithm:8} {sign:10} {durability:10} {others:10} {:8.0} {:9.0} {:11.2} {:8.2} {:9.0} {:6}% {:6.0} {:7.2} {:7.2}",
            median(&row.bare),
            median(&row.cpu),
            median(&row.ratio),
            row.ratio.iter().copied().fold(f64::INFINITY, f64::min),
            row.above_bare(),
            100 * system / (user + system).max(1),
            median(&row.rate),
            percentile(&row.waits, 50),
            percentile(&row.waits, 99),
        );
    }
    Ok(())
}

/// The bars, met or not.
pub(crate) fn bars(rows: &[Row], starts: &[Duration], memory: Memory) {
    println!();
    if let Some(first) = rows.first() {
        let (times, above) = (median(&first.ratio), first.above_bare());
        let durability = first.settings.durability;
        say(
            times <= TIMES_BARE,
            &format!(
                "whole warm SSO: {times:.2} times the bare RSA-2048 signature (bar {TIMES_BARE}), durability {durability}"
            ),
        );
        say(
            above <= MICROSECONDS_ABOVE,
            &format!(
                "whole warm SSO: {above:.0} us above the bare signature (bar {MICROSECONDS_ABOVE}); in place the signature costs no less, so above it there is no more"
            ),
        );
    }
    let worst = starts.last().copied().unwrap_or(Duration::MAX);
    let (middle, last) = (percentile(starts, 50), percentile(starts, 100));
    say(
        worst <= FIRST_ANSWER,
        &format!(
            "first Response {middle:.0} ms after the start of the process, at worst {last:.0} (bar {})",
            FIRST_ANSWER.as_millis()
        ),
    );
    let Memory { now, peak } = memory;
    say(
        peak < RESIDENT_KIB,
        &format!(
            "resident {now} KiB, at its peak {peak} (bar {RESIDENT_KIB}), {CLIENTS_FOR_MEMORY} people signed in and sending"
        ),
    );
}

fn say(met: bool, what: &str) {
    println!("{} {what}", if met { "met    " } else { "NOT MET" });
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Of sorted times, in milliseconds.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted
        .get(at)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}
