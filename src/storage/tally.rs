//! How often what has been written to the audit log since this process began, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::directory::audit::AuditEvent;

use super::Store;

/// What is counted apart: the words of kind, outcome and reason (empty where there is none). No
/// user, no SP.
pub type Counted = (&'static str, &'static str, &'static str);

/// Counters of what is committed.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<Counted, u64>>);

impl Tally {
    /// Counts an event whose row is committed.
    pub(super) fn count(&self, event: Counted) {
        *self.counters().entry(event).or_default() += 1;
    }

    fn counters(&self) -> MutexGuard<'_, BTreeMap<Counted, u64>> {
        // A counter is whole whatever happened to another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of an event is counted.
pub(super) fn counted(event: &AuditEvent) -> Counted {
    let reason = event.reason.map_or("", |reason| reason.word());
    (event.kind.word(), event.outcome.word(), reason)
}

impl Store {
    /// How many events of each kind, outcome and reason this process has written.
    #[must_use]
    pub fn tally(&self) -> Vec<(Counted, u64)> {
        let counters = self.0.tally.counters();
        counters.iter().map(|(key, count)| (*key, *count)).collect()
    }

    /// How many audit rows wait for the disk.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.started().map_or(0, |started| started.writer.queued())
    }
}
