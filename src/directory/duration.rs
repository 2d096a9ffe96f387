//! `xs:duration` as metadata has it in `cacheDuration` (Metadata 2.3.1, 2.3.2).

use std::time::Duration;

use thiserror::Error;

/// Why a text is no `xs:duration` that can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DurationError {
    /// Not of the form `PnYnMnDTnHnMnS`.
    #[error("not an xs:duration")]
    Form,
    /// A negative one, which is valid XML Schema, but no time that anything may be kept for.
    #[error("a negative xs:duration")]
    Negative,
}

/// Longer than any metadata lives; keeps sums far from overflowing.
const LONGEST: f64 = 1000.0 * 366.0 * 86_400.0;

/// The designators in the order in which they may stand, with what each is worth in seconds. A year
/// counts as 365 days and a month as 30: a duration from metadata has no date that it begins at.
const DATE: [(char, f64); 3] = [('Y', 31_536_000.0), ('M', 2_592_000.0), ('D', 86_400.0)];
const TIME: [(char, f64); 3] = [('H', 3600.0), ('M', 60.0), ('S', 1.0)];

/// Reads an `xs:duration` (XML Schema part 2, section 3.2.6).
pub fn parse_xs_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text.strip_prefix('P').ok_or(DurationError::Form)?;
    let (date, time) = match text.split_once('T') {
        Some((_, "")) => return Err(DurationError::Form),
        Some((date, time)) => (date, time),
        None => (text, ""),
    };
    if date.is_empty() && time.is_empty() {
        return Err(DurationError::Form);
    }
    let seconds = sum(date, &DATE)? + sum(time, &TIME)?;
    if negative && seconds > 0.0 {
        return Err(DurationError::Negative);
    }
    Ok(Duration::from_secs_f64(seconds.min(LONGEST)))
}

fn sum(mut text: &str, designators: &[(char, f64)]) -> Result<f64, DurationError> {
    let mut seconds = 0.0;
    let mut designators = designators.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let (number, rest) = text.split_at(end.ok_or(DurationError::Form)?);
        let designator = rest.chars().next().ok_or(DurationError::Form)?;
        let worth = designators.find(|(known, _)| *known == designator);
        let (_, worth) = worth.ok_or(DurationError::Form)?;
        // Only seconds have a fraction, with digits on both sides of the point.
        let whole = number.split_once('.').filter(|_| designator == 'S');
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let fits = whole.map_or(digits(number), |(whole, part)| {
            digits(whole) && digits(part)
        });
        if !fits {
            return Err(DurationError::Form);
        }
        seconds += number.parse::<f64>().map_err(|_| DurationError::Form)? * worth;
        text = rest.get(1..).unwrap_or_default();
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_mc10_cache_durations_of_every_form_are_read() {
        let seconds = |text| parse_xs_duration(text).map(|d| d.as_secs_f64());
        for (text, expected) in [
            ("PT1H", 3600.0),
            ("P7DT0H0M0.000S", 604_800.0),
            ("P1D", 86_400.0),
            ("PT0.5S", 0.5),
            (
                "P1Y2M3DT4H5M6S",
                31_536_000.0 + 5_184_000.0 + 259_200.0 + 14_706.0,
            ),
            (" PT90M\n", 5400.0),
            ("-PT0S", 0.0),
            ("P999999999999999999999999Y", LONGEST),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn c_mc10_what_is_no_duration_is_refused() {
        for text in [
            "", "P", "PT", "1H", "PT1", "P1H", "PT1D", "P1DT", "P-1D", "PT.5S", "PT5.S", "P1.5D",
            "PT1S1H", "P1D1D", "pt1h", "PT 1H", "PT1é",
        ] {
            let read = parse_xs_duration(text);
            assert!(read.is_err(), "{text}: {read:?}");
        }
        assert_eq!(parse_xs_duration("-P1D"), Err(DurationError::Negative));
    }
}
