//! How long a failed sign-in makes the next one wait. Pure: counts and instants in, a delay out.
//!
//! Delays grow and never lock. Three counts are kept:
//!
//! - account and source together: somebody guessing one account from one place. Grows fastest, to
//!   [`PAIR_CAP`], and nobody else feels it.
//! - the account from everywhere: guessing spread over many places. From a place that has not
//!   failed on this account it counts only when it is really under attack, and then only up to
//!   [`STRANGER_CAP`]: who comes from home with the right password is not kept out by an attacker
//!   elsewhere.
//! - the source over all accounts: one password tried on many people. Starts late and stays small,
//!   since whole offices share an address.

use std::time::Duration;

use crate::directory::failures::{FORGOTTEN_AFTER, Failures, History};
use crate::directory::time::UnixTime;

/// The longest delay for one source on one account.
pub const PAIR_CAP: Duration = Duration::from_mins(5);

/// The longest delay for an account, from a source that has failed on it.
pub const ACCOUNT_CAP: Duration = Duration::from_mins(1);

/// The longest delay for an account, from a source that has not failed on it.
pub const STRANGER_CAP: Duration = Duration::from_secs(5);

/// The longest delay for a source.
pub const SOURCE_CAP: Duration = Duration::from_secs(15);

/// So many trials are free before the first delay of a second, which then doubles.
const PAIR_FREE: u32 = 4;
const ACCOUNT_FREE: u32 = 10;
const STRANGER_FREE: u32 = 100;
const SOURCE_FREE: u32 = 50;

/// How long the next trial has to wait; `None` when it may be made now.
#[must_use]
pub fn delay(history: &History, now: UnixTime) -> Option<Duration> {
    let (free, cap) = if remembered(history.pair, now) == 0 {
        (STRANGER_FREE, STRANGER_CAP)
    } else {
        (ACCOUNT_FREE, ACCOUNT_CAP)
    };
    let waits = [
        wait(history.pair, PAIR_FREE, PAIR_CAP, now),
        wait(history.account, free, cap, now),
        wait(history.source, SOURCE_FREE, SOURCE_CAP, now),
    ];
    waits.into_iter().flatten().max()
}

fn remembered(failures: Failures, now: UnixTime) -> u32 {
    match failures.last_at {
        Some(last) if now.since(last) < FORGOTTEN_AFTER => failures.count,
        _ => 0,
    }
}

fn wait(failures: Failures, free: u32, cap: Duration, now: UnixTime) -> Option<Duration> {
    let doublings = remembered(failures, now).checked_sub(free)?;
    let length = Duration::from_secs(1_u64.checked_shl(doublings).unwrap_or(u64::MAX)).min(cap);
    // A clock that was set back must not stretch the wait beyond its length.
    let left = length.checked_sub(now.since(failures.last_at?))?;
    (!left.is_zero()).then_some(left)
}

/// The key under which an address is counted: an IPv4 address, or the /64 of an IPv6 address, since
/// one line has a whole /64 to choose from.
#[must_use]
pub fn source_key(address: std::net::IpAddr) -> String {
    match address.to_canonical() {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            format!("{}/64", std::net::Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixTime = UnixTime::from_millis(1_800_000_000_000);

    fn failed(count: u32) -> Failures {
        let last_at = (count > 0).then_some(NOW);
        Failures { count, last_at }
    }

    fn seconds(pair: u32, account: u32, source: u32) -> u64 {
        let history = History {
            pair: failed(pair),
            account: failed(account),
            source: failed(source),
        };
        delay(&history, NOW).map_or(0, |delay| delay.as_secs())
    }

    #[test]
    fn slips_of_the_finger_are_free_and_guessing_is_slowed_ever_more() {
        assert_eq!(seconds(3, 3, 3), 0);
        let grown: Vec<_> = (4..14).map(|n| seconds(n, n, n)).collect();
        assert_eq!(grown, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(seconds(u32::MAX, u32::MAX, u32::MAX), 300);
    }

    #[test]
    fn an_attacker_elsewhere_keeps_nobody_out() {
        assert_eq!(seconds(0, 99, 0), 0);
        assert_eq!(seconds(0, 1_000_000, 0), 5);
    }

    #[test]
    fn an_account_under_attack_from_many_places_is_slowed() {
        assert_eq!(seconds(1, 12, 1), 4);
        assert_eq!(seconds(1, 1_000, 1), 60);
    }

    #[test]
    fn one_password_tried_on_many_accounts_is_slowed() {
        assert_eq!(seconds(0, 0, 49), 0);
        assert_eq!(seconds(0, 0, 52), 4);
        assert_eq!(seconds(0, 0, 1_000), 15);
    }

    #[test]
    fn addresses_of_one_line_count_as_one_source() {
        let key = |text: &str| source_key(text.parse().unwrap());
        assert_eq!(key("192.0.2.7"), "192.0.2.7");
        assert_eq!(key("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1:2:3"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
    }

    proptest! {
        #[test]
        fn no_wait_is_ever_longer_than_the_cap_and_every_wait_ends(
            pair: u32, account: u32, source: u32, ago in -7_200_000_i64..7_200_000
        ) {
            let last_at = Some(UnixTime::from_millis(NOW.millis() - ago));
            let failures = |count| Failures { count, last_at };
            let history = History {
                pair: failures(pair), account: failures(account), source: failures(source),
            };
            if let Some(delay) = super::delay(&history, NOW) {
                prop_assert!(delay <= PAIR_CAP);
                let later = NOW.plus(delay).plus(Duration::from_hours(2));
                prop_assert_eq!(super::delay(&history, later), None);
            }
        }
    }
}
