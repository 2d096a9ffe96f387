//! The document: counts, what may be claimed, the comparison, and every row.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::listing::Listing;
use crate::requirements::{Profile, Requirements, Row, Standing};

const INTRODUCTION: &str = "# Conformance

What SAML 2.0 asks of an identity provider, how Doorward meets it, and the tests that show it. Levels:
M must, S should, O may. The ids are ours; the source stands beside them. Those of the Kantara
implementation profile (IIP) and of its test suite are at the end.

A test shows a row when its name carries the row's id (`c_r3_…` shows C-R3), or when the row names it.
This file is written from `tests/conformance/requirements.toml` and from the names of the tests;
`make conformance` runs the tests first and refuses to write it unless each of them has passed. It says
what was tested, by us, on the date of the commit; nobody has certified it.

\"Open\" is not met yet, \"not offered\" is left out on purpose.
";

const ELEVEN: &str = "
## Eleven points on which others fail

Each of these is failed by at least one of three well-known identity providers in a published comparison
of September 2026. The ids are those of its test suite. Here a test of its own shows each.
";

/// What the mode `IdP Lite` of saml-conformance-2.0-os (section 3) consists of.
const IDP_LITE: &[(&str, &[&str])] = &[
    (
        "Web SSO, AuthnRequest by HTTP-Redirect",
        &["C-B1", "C-B2", "C-R1"],
    ),
    ("Web SSO, Response by HTTP-POST", &["C-B5", "C-A5"]),
    (
        "Web SSO, Response by HTTP-Artifact",
        &["C-B10", "C-AR2", "C-AR5"],
    ),
    (
        "Artifact resolution, SOAP",
        &["C-AR1", "C-AR3", "C-AR6", "C-B11"],
    ),
    ("Enhanced client, PAOS", &["C-P1", "C-P2"]),
    (
        "Single logout, started by the SP, HTTP-Redirect",
        &["C-L1", "C-L2", "C-L5"],
    ),
    (
        "Single logout, started here, HTTP-Redirect",
        &["C-L6", "C-L4", "C-B3"],
    ),
    ("Discovery cookie", &["C-D1"]),
    ("XML Signature", &["C-S3", "C-ALG1"]),
    ("XML Encryption", &["C-E1", "C-E2", "C-E3"]),
];

pub(crate) fn document(requirements: &Requirements, listing: &Listing) -> String {
    let mut text = INTRODUCTION.to_owned();
    counts(&mut text, requirements, listing);
    lite(&mut text, requirements, listing);
    text.push_str(ELEVEN);
    profiles(&mut text, &requirements.points, requirements, listing);
    for section in &requirements.sections {
        let _ = write!(text, "\n## {} ({})\n\n", section.title, section.id);
        text.push_str("| id | level | requirement | source | how, and shown by |\n");
        text.push_str("| --- | --- | --- | --- | --- |\n");
        for row in &section.rows {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                row.id,
                row.level,
                row.requirement,
                row.source,
                answer(row, listing)
            );
        }
    }
    text.push_str("\n## Kantara implementation profile (IIP)\n");
    profiles(&mut text, &requirements.profiles, requirements, listing);
    text
}

fn counts(text: &mut String, requirements: &Requirements, listing: &Listing) {
    text.push_str("\n| level | rows | shown | not offered | open |\n");
    text.push_str("| --- | --- | --- | --- | --- |\n");
    for (level, name) in [("M", "must"), ("S", "should"), ("O", "may")] {
        let of = |wanted: Standing| {
            let rows = requirements.rows().filter(|row| row.level == level);
            rows.filter(|row| row.standing(listing) == wanted).count()
        };
        let all = requirements.rows().filter(|row| row.level == level).count();
        let _ = writeln!(
            text,
            "| {name} | {all} | {} | {} | {} |",
            of(Standing::Shown),
            of(Standing::NotOffered),
            of(Standing::Open) + of(Standing::Nothing)
        );
    }
}

fn lite(text: &mut String, requirements: &Requirements, listing: &Listing) {
    text.push_str("\n## The mode \"IdP Lite\"\n\n| feature | rows | |\n| --- | --- | --- |\n");
    let mut all = true;
    for (feature, rows) in IDP_LITE {
        let rows: Vec<_> = rows.iter().map(|id| (*id).to_owned()).collect();
        let standing = requirements.standing(&rows, listing);
        all &= standing == Standing::Shown;
        let _ = writeln!(
            text,
            "| {feature} | {} | {} |",
            rows.join(", "),
            word(standing)
        );
    }
    text.push_str(if all {
        "\nEvery feature of the mode is there: Doorward may be said to implement SAML 2.0 \"IdP Lite\".\n"
    } else {
        "\nThe mode may not be claimed yet: what is open above is missing.\n"
    });
}

fn profiles(
    text: &mut String,
    profiles: &[Profile],
    requirements: &Requirements,
    listing: &Listing,
) {
    text.push_str("\n| id | what | rows | |\n| --- | --- | --- | --- |\n");
    for profile in profiles {
        let tests = links(&profile.tests(listing), listing);
        let mut standing = requirements.standing(&profile.rows, listing);
        // A point of the comparison is shown by a test of its own, not by its row alone.
        if profile.needs_a_test && tests.is_empty() {
            standing = Standing::Open;
        }
        let rows = profile.rows.join(", ");
        let separator = if tests.is_empty() { "" } else { ": " };
        let _ = writeln!(
            text,
            "| {} | {} | {rows} | {}{separator}{tests} |",
            profile.id,
            profile.what,
            word(standing)
        );
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Shown => "shown",
        Standing::NotOffered => "not offered",
        Standing::Open | Standing::Nothing => "open",
    }
}

/// How a row is met, and by which tests that shows.
fn answer(row: &Row, listing: &Listing) -> String {
    let mut parts = Vec::new();
    if let Some(why) = &row.not_offered {
        parts.push(format!("Not offered, because {why}."));
    }
    if !row.how.is_empty() {
        parts.push(row.how.clone());
    }
    if let Some(evidence) = &row.evidence {
        parts.push(format!("Shown: {evidence}."));
    }
    let tests = links(&row.tests(listing), listing);
    if row.standing(listing) == Standing::Open {
        let open = if tests.is_empty() {
            "**Open.**"
        } else {
            "**Open**, so far:"
        };
        parts.insert(0, open.to_owned());
    }
    if !tests.is_empty() {
        parts.push(tests);
    }
    parts.join("<br>")
}

fn links(tests: &BTreeSet<&str>, listing: &Listing) -> String {
    let link = |name: &&str| {
        let file = listing.file(name).unwrap_or_default();
        format!("[`{name}`](../{file})")
    };
    tests.iter().map(link).collect::<Vec<_>>().join("<br>")
}
