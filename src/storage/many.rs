//! One statement for many rows. What a statement costs beside the rows (a trip to the server, or to
//! SQLite's thread) is paid once for a hundred of them.
//!
//! Each text is a literal like every other statement (decision 12): there is one for a hundred
//! rows, one for ten and one for a single row, and what is left over goes in smaller runs.

/// The texts of one INSERT.
#[derive(Debug, Clone, Copy)]
pub(super) struct Many {
    pub(super) hundred: &'static str,
    pub(super) ten: &'static str,
    pub(super) one: &'static str,
}

/// How many values a look-up by a list has room for; what is left over is filled with a value that
/// no row has.
pub(super) const LISTED: usize = 100;

/// Ten times a text, with a comma between.
macro_rules! ten {
    ($($row:tt)+) => {
        concat!(
            $($row)+, ",", $($row)+, ",", $($row)+, ",", $($row)+, ",", $($row)+, ",",
            $($row)+, ",", $($row)+, ",", $($row)+, ",", $($row)+, ",", $($row)+
        )
    };
}

/// A hundred times a text, with a comma between.
macro_rules! hundred {
    ($($row:tt)+) => {
        concat!(
            ten!($($row)+), ",", ten!($($row)+), ",", ten!($($row)+), ",", ten!($($row)+), ",",
            ten!($($row)+), ",", ten!($($row)+), ",", ten!($($row)+), ",", ten!($($row)+), ",",
            ten!($($row)+), ",", ten!($($row)+)
        )
    };
}

/// The texts of `INSERT INTO … VALUES` and what stands for one row.
macro_rules! insert_many {
    ($head:literal, $row:literal) => {
        $crate::storage::many::Many {
            hundred: concat!($head, " ", hundred!($row)),
            ten: concat!($head, " ", ten!($row)),
            one: concat!($head, " ", $row),
        }
    };
}

pub(super) use {hundred, insert_many, ten};

impl Many {
    /// The rows in runs, each with the text that takes just so many.
    pub(super) fn runs<T>(self, rows: &[T]) -> Vec<(&'static str, &[T])> {
        let (mut runs, mut rest) = (Vec::new(), rows);
        for (length, text) in [(100, self.hundred), (10, self.ten), (1, self.one)] {
            while let Some((run, after)) = rest.split_at_checked(length) {
                runs.push((text, run));
                rest = after;
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    const MANY: super::Many = insert_many!("INSERT INTO t (a) VALUES", "(?)");

    #[test]
    fn every_row_is_in_one_run_and_each_text_has_as_many_places() {
        for count in [0, 1, 9, 10, 99, 100, 101, 250] {
            let rows: Vec<_> = (0..count).collect();
            let runs = MANY.runs(&rows);
            let again: Vec<_> = runs
                .iter()
                .flat_map(|(_, run)| run.iter().copied())
                .collect();
            assert_eq!(again, rows);
            for (text, run) in runs {
                assert_eq!(text.matches('?').count(), run.len());
            }
        }
    }
}
