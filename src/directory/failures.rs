//! Failed sign-ins, as they are remembered for throttling.

use super::time::UnixTime;

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
