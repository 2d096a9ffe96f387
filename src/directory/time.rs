//! Instants and durations, in milliseconds since 1970, UTC (decision 12).

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// An instant: milliseconds since 1970-01-01T00:00:00Z. SAML asks for no finer resolution
/// (Core 1.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

/// Why a text is no `xs:dateTime` as SAML wants it (Core 1.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Not of the form `YYYY-MM-DDThh:mm:ss[.f]Z`: another form, another zone, or too long.
    #[error("not an xs:dateTime in UTC that ends in Z")]
    Form,
    /// The form is right, but no such day, hour or second exists; a leap second counts as none.
    #[error("no such instant")]
    Value,
}

impl UnixTime {
    /// From milliseconds since 1970, UTC.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970, UTC.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Days since 1970, UTC: names the key of the day (decision 9).
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }

    /// This instant moved into the future; the far end of time stays the far end.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// This instant moved into the past.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }

    /// How long ago `earlier` was; nothing if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads an `xs:dateTime` in UTC with up to nine fraction digits (Core 1.3.3).
    pub fn parse_xs_date_time(text: &str) -> Result<Self, TimeError> {
        if !(20..=30).contains(&text.len()) || !has_utc_form(text.as_bytes()) {
            return Err(TimeError::Form);
        }
        if text.get(17..19) == Some("60") {
            return Err(TimeError::Value);
        }
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| TimeError::Value)?;
        Ok(Self(timestamp.as_millisecond()))
    }
}

/// `YYYY-MM-DDThh:mm:ssZ` or the same with a fraction of one to nine digits.
fn has_utc_form(text: &[u8]) -> bool {
    let (head, rest) = text.split_at(19.min(text.len()));
    let head_fits = head
        .iter()
        .zip(b"dddd-dd-ddTdd:dd:dd")
        .all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        });
    let fraction_fits = match rest {
        [b'Z'] => true,
        [b'.', digits @ .., b'Z'] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    head_fits && fraction_fits
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for UnixTime {
    /// The `xs:dateTime` form that SAML demands: UTC, `Z`, milliseconds (Core 1.3.3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, of_day) = (self.day(), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
        if !(0..=9999).contains(&year) {
            return write!(
                f,
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
            );
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let date = [(0, 4, year), (5, 2, month), (8, 2, day)];
        let time = [
            (11, 2, hour),
            (14, 2, minute),
            (17, 2, second),
            (20, 3, milli),
        ];
        for (place, width, mut number) in date.into_iter().chain(time) {
            for digit in text.iter_mut().skip(place).take(width).rev() {
                *digit += u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// The proleptic Gregorian date of a day number. Written out, as the digits above are, because every
/// Response prints five instants, and a formatter costs more than the digest of the assertion.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_instant_prints_as_xs_date_time_in_utc() {
        assert_eq!(
            UnixTime::from_millis(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            UnixTime::from_millis(1_795_265_101_007).to_string(),
            "2026-11-21T12:45:01.007Z"
        );
    }

    #[test]
    fn c_g3_offsets_leap_seconds_and_other_forms_are_refused() {
        for text in [
            "2026-11-21T12:45:01",
            "2026-11-21T12:45:01+00:00",
            "2026-11-21T12:45:01z",
            "2026-11-21 12:45:01Z",
            "2026-11-21T12:45:01.Z",
            "2026-11-21T12:45:01.1234567890Z",
            "26-11-21T12:45:01Z",
            "",
        ] {
            assert_eq!(
                UnixTime::parse_xs_date_time(text),
                Err(TimeError::Form),
                "{text}"
            );
        }
        for text in [
            "2026-02-30T12:45:01Z",
            "2026-11-21T25:45:01Z",
            "2026-12-31T23:59:60Z",
        ] {
            assert_eq!(
                UnixTime::parse_xs_date_time(text),
                Err(TimeError::Value),
                "{text}"
            );
        }
        assert_eq!(
            UnixTime::parse_xs_date_time(&"9".repeat(65_536)),
            Err(TimeError::Form)
        );
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(millis in 0_i64..250_000_000_000_000) {
            let instant = UnixTime::from_millis(millis);
            prop_assert_eq!(UnixTime::parse_xs_date_time(&instant.to_string()), Ok(instant));
        }
    }
}
