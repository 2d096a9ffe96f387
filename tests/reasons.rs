//! docs/reasons.md says what the program says: it is written from the reason codes themselves.

use std::fmt::Write as _;

use doorward::directory::reason::ReasonCode;

const INTRODUCTION: &str = "# Reason codes

Every refusal has a reason code: a stable word on the page, in the log, in the audit trail and at
`/reasons/CODE`. It says nothing about anybody. A word that was released is never renamed.

This file is written from `src/directory/reason.rs`; `tests/reasons.rs` holds the two together.
";

#[test]
fn the_document_says_what_the_program_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reasons.md");
    let wanted = document();
    if std::env::var_os("DOORWARD_TEST_WRITE_DOCS").is_some() {
        std::fs::write(path, &wanted).expect("docs/reasons.md can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/reasons.md is not up to date: DOORWARD_TEST_WRITE_DOCS=1 cargo test --test reasons"
    );
}

#[test]
fn every_word_is_its_own_and_finds_its_code() {
    for code in ReasonCode::ALL {
        assert_eq!(ReasonCode::parse(code.word()), Some(*code));
        assert!(
            code.word()
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '-'),
            "{} is no word in lower case",
            code.word()
        );
    }
}

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for code in ReasonCode::ALL {
        let said = code.explanation();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\n- For the person: {}\n- For the administrator: {}\n",
            code.word(),
            said.meaning,
            said.person,
            said.administrator
        );
    }
    text
}
