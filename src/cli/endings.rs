//! Warnings before certificates end: once a day in the log, by whichever node comes first.

use std::time::Duration;

use tokio::sync::watch;

use super::boot::Booted;
use crate::directory::ending::{Ending, Nearness, Whose};
use crate::directory::time::UnixTime;
use crate::keystore::endings::endings;
use crate::storage::StoreError;

/// How often is asked whether it is time again.
const EVERY: Duration = Duration::from_mins(30);
/// How often each end is told about.
const ONCE_IN: Duration = Duration::from_hours(24);
const LEASE: &str = "endings";

/// Tells the log about everything that is about to end, until told to stop.
pub(super) async fn warn(booted: Booted, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = tell(&booted).await {
            tracing::warn!(%error, "could not look for certificates that end; trying again later");
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn tell(booted: &Booted) -> Result<(), StoreError> {
    let now = booted.clock.now();
    if booted.store.take_lease(LEASE, ONCE_IN, now).await? {
        for ending in endings(&booted.store).await? {
            log(&ending, now);
        }
    }
    Ok(())
}

/// One line, the louder the nearer. An SP's end is its owners' business, and closes nothing here.
fn log(ending: &Ending, now: UnixTime) {
    let nearness = ending.nearness(now);
    if nearness == Nearness::Far {
        return;
    }
    let (days, at, what) = (ending.days_left(now), ending.at, ending.what);
    match (&ending.whose, nearness) {
        (Whose::Key(id, state), Nearness::Over | Nearness::Week) => {
            let (key, state) = (id.as_str(), state.word());
            tracing::error!(key, state, days, %at, "a certificate of ours ends: docs/keys.md");
        }
        (Whose::Key(id, state), Nearness::Month) => {
            let (key, state) = (id.as_str(), state.word());
            tracing::warn!(key, state, days, %at, "a certificate of ours ends: docs/keys.md");
        }
        (Whose::Key(id, state), _) => {
            let (key, state) = (id.as_str(), state.word());
            tracing::info!(key, state, days, %at, "a certificate of ours ends: docs/keys.md");
        }
        (Whose::Sp(sp), Nearness::TwoMonths) => {
            tracing::info!(sp = sp.as_str(), %what, days, %at, "something of a service provider ends");
        }
        (Whose::Sp(sp), _) => {
            tracing::warn!(sp = sp.as_str(), %what, days, %at, "something of a service provider ends");
        }
    }
}
