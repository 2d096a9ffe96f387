//! The table of service providers and cases, kept as docs/interop.md.

use std::fmt::Write as _;

use crate::case::Case;
use crate::cases::Outcome;
use crate::site::Kind;

const INTRODUCTION: &str = "# Service providers that were seen to work

Each row is a real service provider in processes of its own, configured by exactly what
`doorward sp snippet NAME --for KIND` prints; each column is a case that a browser goes through
with it. `tests/interop` runs them all (`make test ARGS=\"--test interop\"`) and holds this table
against what it saw.
";

/// Why these are not in the table of a machine that reaches only Debian's packages, npm and the like.
const SKIPPED: [(&str, &str); 3] = [
    ("java-saml", "comes from Maven Central"),
    ("keycloak", "comes from Maven Central"),
    ("crewjam", "comes as a Go module"),
];

/// A row: the cases that were run, or why none was.
pub(crate) type Row = (Kind, Result<Vec<(Case, Outcome)>, String>);

/// The document, and what failed.
pub(crate) fn document(rows: &[Row]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut notes: Vec<&str> = Vec::new();
    text.push_str("\n| |");
    for case in Case::ALL {
        let _ = write!(text, " {} |", case.title());
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(Case::ALL.len()));
    text.push('\n');
    for (kind, row) in rows {
        let _ = write!(text, "| {} |", kind.word());
        for case in Case::ALL {
            let cell = match row {
                Err(_) => "skipped".to_owned(),
                Ok(outcomes) => cell(outcomes, case, &mut notes),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text.push_str("\nAll sign-ins are answered by HTTP-POST.\n\n");
    for (number, note) in notes.iter().enumerate() {
        let _ = writeln!(text, "{}. {note}", number + 1);
    }
    text
}

fn cell(outcomes: &[(Case, Outcome)], case: Case, notes: &mut Vec<&'static str>) -> String {
    match outcomes.iter().find(|(tried, _)| *tried == case) {
        Some((_, Outcome::Works)) => "yes".to_owned(),
        Some((_, Outcome::Within(limit))) => format!("yes ({})", numbered(limit, notes)),
        Some((_, Outcome::Cannot(why))) => format!("- ({})", numbered(why, notes)),
        Some((_, Outcome::Failed(_))) => "FAILED".to_owned(),
        None => "not run".to_owned(),
    }
}

/// The number of a footnote.
fn numbered(note: &'static str, notes: &mut Vec<&'static str>) -> usize {
    let at = notes.iter().position(|known| *known == note);
    let at = at.unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    });
    at + 1
}

/// What failed, in full.
pub(crate) fn failures(rows: &[Row]) -> Vec<String> {
    let mut failures = Vec::new();
    for (kind, row) in rows {
        for (case, outcome) in row.iter().flatten() {
            if let Outcome::Failed(why) = outcome {
                failures.push(format!("{}, {}: {why}", kind.word(), case.title()));
            }
        }
    }
    failures
}

/// Says loudly what was not run, and why.
pub(crate) fn skipped(rows: &[Row]) -> String {
    let mut text = String::new();
    for (kind, row) in rows {
        if let Err(why) = row {
            let _ = writeln!(text, "SKIPPED: {}: {why}", kind.word());
        }
    }
    for (name, why) in SKIPPED {
        let _ = writeln!(
            text,
            "SKIPPED: {name}: it {why}, which the set-up does not reach"
        );
    }
    text
}
