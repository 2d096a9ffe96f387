//! What the operating system says about this process (Linux: `/proc/self`). What it does not say
//! is left out.

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Real, seconds};
use crate::directory::time::UnixTime;

/// Ticks of the clock that `/proc/PID/stat` counts in: the same on every architecture that Linux
/// shows to programs (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn register(registry: &mut Registry, started_at: UnixTime) {
    let build = Family::<[(&'static str, &'static str); 1], Gauge>::default();
    build
        .get_or_create(&[("version", env!("CARGO_PKG_VERSION"))])
        .set(1);
    registry.register("build_info", "Which version runs", build);
    let start: Gauge = Gauge::default();
    start.set(seconds(started_at));
    let about = "When the process began";
    registry.register("process_start_time_seconds", about, start);
    if let Some(spent) = cpu_seconds() {
        let about = "Processor time spent";
        registry.register("process_cpu_seconds", about, ConstCounter::new(spent));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kib) = field(&status, "VmRSS:") {
        let resident: Real = Gauge::default();
        resident.set(kib * 1024.0);
        let about = "Resident memory";
        registry.register("process_resident_memory_bytes", about, resident);
    }
    if let Some(count) = field(&status, "Threads:") {
        let threads: Real = Gauge::default();
        threads.set(count);
        registry.register("process_threads", "Threads", threads);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let files: Gauge = Gauge::default();
        files.set(i64::try_from(open.count()).unwrap_or(i64::MAX));
        registry.register("process_open_fds", "Open file descriptors", files);
    }
}

/// The number in a line of `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `/proc/self/stat`, counted behind the name, which may hold anything.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_has_memory_and_has_spent_time() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        assert!(field(&status, "VmRSS:").unwrap() > 1000.0);
        assert!(field(&status, "Threads:").unwrap() >= 1.0);
        assert!(cpu_seconds().unwrap() >= 0.0);
        assert_eq!(field(&status, "Nothing:"), None);
    }
}
