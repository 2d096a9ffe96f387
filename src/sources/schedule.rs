//! When a source is asked next, and the node that asks.

use std::time::Duration;

use tokio::sync::watch;

use super::Sources;
use super::refresh::RefreshError;
use crate::clock::{NoRandomness, random};
use crate::directory::metadata_source::Place;
use crate::directory::time::UnixTime;
use crate::storage::StoreError;

/// How often it is looked what is due.
pub const TICK: Duration = Duration::from_secs(15);

/// How long a node is alone with refreshing, also if it dies over it: longer than one source takes.
const LEASE: Duration = Duration::from_mins(10);
const LEASE_NAME: &str = "metadata";

/// How often a source is asked that does not say for how long its answer may be kept.
const USUAL: Duration = Duration::from_hours(1);
/// The bounds within which a source is believed about that.
const SHORTEST: Duration = Duration::from_mins(5);
const LONGEST: Duration = Duration::from_hours(24);

/// The first pause after a failure; each further one is twice as long, up to [`USUAL`].
const RETRY: Duration = Duration::from_mins(1);

/// When a source is asked again after a good answer: when its cacheDuration is over, within bounds,
/// and early enough before its validUntil for another try. `jitter` between 0 and 1 spreads the
/// sources of many installations by a tenth.
#[must_use]
pub fn next_refresh(
    now: UnixTime,
    cache_duration: Option<Duration>,
    valid_until: Option<UnixTime>,
    jitter: f64,
) -> UnixTime {
    let kept = cache_duration.map_or(USUAL, |kept| kept.clamp(SHORTEST, LONGEST));
    let half = valid_until.map_or(LONGEST, |until| until.since(now) / 2);
    now.plus(spread(kept.min(half.max(RETRY)), jitter))
}

/// When a source is asked again after so many failures.
#[must_use]
pub fn next_try(now: UnixTime, failures: u32, jitter: f64) -> UnixTime {
    let doublings = failures.saturating_sub(1).min(10);
    now.plus(spread(
        RETRY.saturating_mul(1 << doublings).min(USUAL),
        jitter,
    ))
}

/// Between nine tenths and the whole.
fn spread(pause: Duration, jitter: f64) -> Duration {
    pause.mul_f64(0.9 + 0.1 * jitter.clamp(0.0, 1.0))
}

/// A random number between 0 and 1.
pub(super) fn jitter() -> Result<f64, NoRandomness> {
    let [byte] = random::<1>()?;
    Ok(f64::from(byte) / 255.0)
}

impl Sources {
    /// Refreshes what is due, until told to stop; of several nodes one at a time does it.
    pub async fn keep_fresh(&self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.refresh_due().await {
                tracing::warn!(%error, "could not look for metadata to refresh; trying again later");
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Refreshes the sources that are due. Does nothing where another node is at it. How many were
    /// asked?
    pub async fn refresh_due(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let sources = self.store.metadata_sources().await?;
        let is_query = |place: &Place| matches!(place, Place::Mdq(_));
        let due = |next: UnixTime, place: &Place| next <= now || is_query(place);
        let due: Vec<_> = sources
            .into_iter()
            .filter(|source| due(source.state.next_at, &source.place))
            .collect();
        let mut followed = self.store.followed().await?;
        followed.retain(|followed| followed.state.next_at <= now);
        let nothing = due.is_empty() && followed.is_empty();
        if nothing || !self.store.take_lease(LEASE_NAME, LEASE, now).await? {
            return Ok(0);
        }
        let mut asked = 0;
        for source in due {
            let refreshed = if is_query(&source.place) {
                self.refresh_entities(&source, true).await
            } else {
                self.refresh(&source, |_| {}).await
            };
            match refreshed {
                // The source's own row and the log say what was wrong with it.
                Ok(_) | Err(RefreshError::Obtain(_) | RefreshError::Nothing) => asked += 1,
                Err(error) => {
                    let source = source.name.as_str();
                    tracing::warn!(source, %error, "metadata not refreshed");
                }
            }
        }
        for one in followed {
            match self.refresh_sp(&one).await {
                Err(RefreshError::Store(error)) => {
                    tracing::warn!(url = one.url, %error, "metadata not refreshed");
                }
                // Its own row and the log say what was wrong with it.
                _ => asked += 1,
            }
        }
        self.store.give_lease_back(LEASE_NAME).await?;
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_millis(1_000_000_000_000);

    fn wait(next: UnixTime) -> Duration {
        next.since(NOW)
    }

    #[test]
    fn c_mc5_cache_durations_are_believed_within_bounds() {
        let minutes = |cache: Option<u64>| {
            let cache = cache.map(|m| Duration::from_secs(60 * m));
            wait(next_refresh(NOW, cache, None, 1.0)).as_secs() / 60
        };
        assert_eq!(minutes(None), 60);
        assert_eq!(minutes(Some(90)), 90);
        assert_eq!(minutes(Some(1)), 5);
        assert_eq!(minutes(Some(60 * 24 * 30)), 60 * 24);
        // In time before the last good copy expires.
        let soon = Some(NOW.plus(Duration::from_mins(30)));
        assert_eq!(wait(next_refresh(NOW, None, soon, 1.0)).as_secs(), 900);
        assert_eq!(wait(next_refresh(NOW, None, Some(NOW), 1.0)).as_secs(), 60);
        assert_eq!(wait(next_refresh(NOW, None, None, 0.0)).as_secs(), 3240);
    }

    #[test]
    fn failures_are_retried_ever_more_seldom() {
        let pauses: Vec<_> = [1, 2, 3, 6, 7, 100, u32::MAX]
            .map(|failures| wait(next_try(NOW, failures, 1.0)).as_secs() / 60)
            .into();
        assert_eq!(pauses, [1, 2, 4, 32, 60, 60, 60]);
    }
}
