//! Failed sign-ins, as they are remembered for throttling.

use std::time::Duration;

use super::time::UnixTime;

/// Counts that have not grown for this long are forgotten.
pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// Failed trials that are remembered under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one was; `None` when there was none.
    pub last_at: Option<UnixTime>,
}

/// What is remembered about one trial's account and source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// This account from this source.
    pub pair: Failures,
    /// This account from everywhere.
    pub account: Failures,
    /// This source on all accounts.
    pub source: Failures,
}
