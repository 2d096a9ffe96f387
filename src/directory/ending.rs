//! What will end: certificates, ours and others', and metadata. Nothing closes because of it (SAML
//! metadata interoperability profile, section 2.6.1); somebody should know in time.

use std::fmt;

use super::name::{KeyId, SpName};
use super::signing_key::KeyState;
use super::time::UnixTime;

/// Something that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Whose it is.
    pub whose: Whose,
    /// What ends.
    pub what: Ends,
    /// When.
    pub at: UnixTime,
}

/// Whose something is that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// A signing key of ours.
    Key(KeyId, KeyState),
    /// A service provider.
    Sp(SpName),
}

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ends {
    /// A certificate that signatures are checked with.
    SigningCertificate,
    /// A certificate whose key we encrypt to.
    EncryptionCertificate,
    /// The metadata that a registration was made from (`validUntil`).
    Metadata,
}

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// More than 60 days away.
    Far,
    /// Within 60 days.
    TwoMonths,
    /// Within 30 days.
    Month,
    /// Within 7 days.
    Week,
    /// It has ended.
    Over,
}

const DAY: i64 = 86_400_000;

impl Ending {
    /// How near it is at `now`. Metadata is often made anew for a week or two: its end is near only
    /// within seven days.
    #[must_use]
    pub fn nearness(&self, now: UnixTime) -> Nearness {
        let nearness = Nearness::of(self.at, now);
        match self.what {
            Ends::Metadata if nearness < Nearness::Week => Nearness::Far,
            _ => nearness,
        }
    }

    /// How many whole days are left at `now`; for how many it has been over, if negative.
    #[must_use]
    pub fn days_left(&self, now: UnixTime) -> i64 {
        (self.at.millis().saturating_sub(now.millis())).div_euclid(DAY)
    }

    /// When it ends, in words: `ends in 12 days (2026-12-03)`, `ended on 2026-11-20`.
    #[must_use]
    pub fn in_words(&self, now: UnixTime) -> String {
        let day: String = self.at.to_string().chars().take(10).collect();
        match self.days_left(now) {
            ..0 => format!("ended on {day}"),
            0 => format!("ends today ({day})"),
            1 => format!("ends tomorrow ({day})"),
            days => format!("ends in {days} days ({day})"),
        }
    }
}

impl Nearness {
    /// Of an instant at `now`.
    #[must_use]
    pub fn of(at: UnixTime, now: UnixTime) -> Self {
        let left = at.millis().saturating_sub(now.millis());
        let within = |days: i64| left <= days * DAY;
        match () {
            () if left <= 0 => Self::Over,
            () if within(7) => Self::Week,
            () if within(30) => Self::Month,
            () if within(60) => Self::TwoMonths,
            () => Self::Far,
        }
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SigningCertificate => "signing certificate",
            Self::EncryptionCertificate => "encryption certificate",
            Self::Metadata => "metadata",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Nearness::{Far, Month, Over, TwoMonths, Week};
    use super::*;

    const NOW: UnixTime = UnixTime::from_millis(1_795_265_101_007);

    fn ending(what: Ends, days: i64) -> Ending {
        Ending {
            whose: Whose::Sp(SpName::parse("store").unwrap()),
            what,
            at: UnixTime::from_millis(NOW.millis() + days * DAY),
        }
    }

    #[test]
    fn it_is_near_60_30_and_7_days_before_and_when_it_is_over() {
        let near = |days| ending(Ends::SigningCertificate, days).nearness(NOW);
        let far = [61, 60, 31, 30, 8, 7, 1, 0, -1].map(near);
        assert_eq!(
            far,
            [
                Far, TwoMonths, TwoMonths, Month, Month, Week, Week, Over, Over
            ]
        );
        let metadata = |days| ending(Ends::Metadata, days).nearness(NOW);
        assert_eq!([14, 7, -1].map(metadata), [Far, Week, Over]);
    }

    #[test]
    fn the_end_is_told_in_days() {
        let told = |days| ending(Ends::SigningCertificate, days).in_words(NOW);
        assert!(told(12).starts_with("ends in 12 days (20"), "{}", told(12));
        assert!(told(1).starts_with("ends tomorrow"), "{}", told(1));
        assert!(told(-1).starts_with("ended on "), "{}", told(-1));
    }
}
