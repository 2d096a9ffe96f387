//! Time and randomness: the one place where they come from; everywhere else they are values.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::directory::time::UnixTime;

/// Where "now" comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// The machine's clock, corrected by what is the difference to the database's: nodes that
    /// share a database agree on the time (decision 43). Clones share the correction.
    Corrected(Arc<AtomicI64>),
    /// A clock that stands still until a test moves it; clones share it.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now` until it is moved.
    #[must_use]
    pub fn fixed(now: UnixTime) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(now.millis())))
    }

    /// The instant now.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        match self {
            Self::System => system_now(),
            Self::Corrected(by) => {
                let by = by.load(Ordering::Relaxed);
                UnixTime::from_millis(system_now().millis().saturating_add(by))
            }
            Self::Fixed(millis) => UnixTime::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// The machine's clock, to be corrected.
    #[must_use]
    pub fn to_be_corrected() -> Self {
        Self::Corrected(Arc::default())
    }

    /// Corrects it to be so many milliseconds ahead of the machine's; one that is no clock to be
    /// corrected stays as it is.
    pub fn correct(&self, by: i64) {
        if let Self::Corrected(correction) = self {
            correction.store(by, Ordering::Relaxed);
        }
    }

    /// How many milliseconds it is ahead of the machine's.
    #[must_use]
    pub fn correction(&self) -> i64 {
        match self {
            Self::Corrected(by) => by.load(Ordering::Relaxed),
            Self::System | Self::Fixed(_) => 0,
        }
    }

    /// Moves a fixed clock; the machine's clock is not ours to move.
    pub fn advance(&self, by: Duration) {
        if let Self::Fixed(millis) = self {
            let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            millis.fetch_add(by, Ordering::SeqCst);
        }
    }
}

/// So far apart two machines' clocks may be, in milliseconds, before somebody has to look at them.
const TOO_FAR: u64 = 5_000;

/// Whether a correction says that the clocks are not kept.
#[must_use]
pub fn is_too_far(correction: i64) -> bool {
    correction.unsigned_abs() > TOO_FAR
}

#[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
fn system_now() -> UnixTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock before 1970 is a machine without a clock: every window check then refuses.
    UnixTime::from_millis(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
}

/// There is no randomness to be had: nothing secret can be made.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// Fresh random bytes from the operating system's generator.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let [bytes] = random_each()?;
    Ok(bytes)
}

/// Several at once: the call costs more than the bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where randomness comes from"
)]
pub fn random_each<const LENGTH: usize, const N: usize>() -> Result<[[u8; LENGTH]; N], NoRandomness>
{
    let mut each = [[0; LENGTH]; N];
    getrandom::fill(each.as_flattened_mut())?;
    Ok(each)
}

/// A fresh random id of 128 bits in hex, for rows.
pub fn random_id() -> Result<String, NoRandomness> {
    Ok(hex(random::<16>()?))
}

/// An id for one of very many rows that are made one after the other: 48 bits of the instant in
/// milliseconds, and 80 random ones. Rows that come together stand together in every index that
/// begins with it; with ids of nothing but randomness each row of a million would touch a page of
/// its own.
pub fn ordered_id(at: UnixTime) -> Result<String, NoRandomness> {
    let [_, _, instant @ ..] = at.millis().to_be_bytes();
    Ok(hex(instant) + &hex(random::<10>()?))
}

fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    let digits = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
