//! What the kernel says about a process: the time that its threads ran, and its memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::Result;
use std::path::PathBuf;
use std::time::Duration;

use super::http::odd;

/// A running process.
#[derive(Debug, Clone)]
pub(crate) struct Process(PathBuf);

/// The time that each thread has run, user and system together, to the nanosecond.
#[derive(Debug, Clone, Default)]
pub(crate) struct CpuTime(BTreeMap<String, u64>);

/// Memory in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

impl Process {
    pub(crate) fn of(id: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{id}")))
    }

    /// The CPU time of all threads so far.
    pub(crate) fn cpu_time(&self) -> Result<CpuTime> {
        let mut threads = BTreeMap::new();
        for thread in fs::read_dir(self.0.join("task"))? {
            let thread = thread?;
            // A thread that has just ended has taken its file along.
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            threads.insert(
                thread.file_name().to_string_lossy().into_owned(),
                nanoseconds(&text)?,
            );
        }
        Ok(CpuTime(threads))
    }

    /// How much of all CPU time so far was the kernel's.
    pub(crate) fn system_ticks(&self) -> Result<(u64, u64)> {
        let stat = fs::read_to_string(self.0.join("stat"))?;
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let mut ticks = fields.split_whitespace().skip(11).map(str::parse);
        match (ticks.next(), ticks.next()) {
            (Some(Ok(user)), Some(Ok(system))) => Ok((user, system)),
            _ => Err(odd("/proc/PID/stat is not what it used to be")),
        }
    }

    /// Resident memory now, and at its highest.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(self.0.join("status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
            number.ok_or_else(|| odd(format!("/proc/PID/status has no {name}")))
        };
        Ok(Memory {
            now: field("VmRSS")?,
            peak: field("VmHWM")?,
        })
    }
}

impl CpuTime {
    /// Together with that of another process.
    pub(crate) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How long threads ran since; those that have ended meanwhile were idle.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let ran = |(thread, now): (&String, &u64)| {
            now.saturating_sub(before.0.get(thread).copied().unwrap_or_default())
        };
        Duration::from_nanos(self.0.iter().map(ran).sum())
    }
}

/// The CPU time of the calling thread so far.
pub(crate) fn own_cpu_time() -> Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(nanoseconds(&text)?))
}

fn nanoseconds(schedstat: &str) -> Result<u64> {
    let first = schedstat.split_whitespace().next();
    first
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| odd("the kernel keeps no schedstat"))
}
