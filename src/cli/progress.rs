//! How far a long command has got: one line on stderr, where that is a terminal; else nothing.

use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(200);

/// The width of the bar.
const WIDTH: u64 = 24;

/// The line.
#[derive(Debug)]
pub(super) struct Progress {
    is_shown: bool,
    begun: Instant,
    written: Option<Instant>,
    noun: &'static str,
}

impl Progress {
    /// Begins to measure. `noun` is what is counted: "users".
    pub(super) fn new(noun: &'static str) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            is_shown: io::stderr().is_terminal() && !dumb,
            begun: Instant::now(),
            written: None,
            noun,
        }
    }

    /// `count` things are done, which are so many parts of the whole.
    pub(super) fn at(&mut self, count: u64, done: u64, whole: u64) {
        let due = self.written.is_none_or(|at| at.elapsed() >= EVERY);
        if self.is_shown && due {
            self.written = Some(Instant::now());
            let line = line(count, self.noun, (done, whole), self.begun.elapsed());
            // Back to the beginning of the line, and clear to its end.
            let _ = write!(io::stderr(), "\r{line}\u{1b}[K");
            let _ = io::stderr().flush();
        }
    }

    /// Takes the line away, before something else is said.
    pub(super) fn clear(&mut self) {
        if self.written.take().is_some() {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
            let _ = io::stderr().flush();
        }
    }

    /// How long it has taken so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `[######------] 43 %  431,000 users  12,400/s  46 s left`.
fn line(count: u64, noun: &str, (done, whole): (u64, u64), elapsed: Duration) -> String {
    let (done, whole) = (done.min(whole), whole.max(1));
    let filled = usize::try_from(share(done, whole, WIDTH)).unwrap_or(0);
    let width = usize::try_from(WIDTH).unwrap_or(filled);
    let bar = "#".repeat(filled) + &"-".repeat(width.saturating_sub(filled));
    let percent = share(done, whole, 100);
    let (count_text, rate) = (grouped(count), grouped(rate(count, elapsed)));
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let left = match done {
        0 => String::new(),
        _ => format!("  {} left", time(share(whole - done, done, millis) / 1000)),
    };
    format!("[{bar}] {percent} %  {count_text} {noun}  {rate}/s{left}")
}

/// How many in a second.
pub(super) fn rate(count: u64, elapsed: Duration) -> u64 {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    share(count, millis.max(1), 1000)
}

/// `of` times `part / whole`, rounded down.
fn share(part: u64, whole: u64, of: u64) -> u64 {
    let share = u128::from(part) * u128::from(of) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// A number with a comma between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time as people say it.
fn time(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long_it_will_take() {
        let text = line(250_000, "users", (25, 100), Duration::from_secs(20));
        assert_eq!(
            text,
            "[######------------------] 25 %  250,000 users  12,500/s  1 min 00 s left"
        );
        let text = line(0, "users", (0, 100), Duration::ZERO);
        assert_eq!(text, "[------------------------] 0 %  0 users  0/s");
        let text = line(7, "users", (200, 100), Duration::from_hours(2));
        assert_eq!(
            text,
            "[########################] 100 %  7 users  0/s  0 s left"
        );
        assert_eq!(time(3661), "1 h 01 min");
        assert_eq!(grouped(1_000_000), "1,000,000");
        assert_eq!(grouped(999), "999");
    }
}
