//! For how long: the windows of an assertion, and the end of the SP's own session.

use jiff::Timestamp;

use crate::home::{Home, Inside};
use crate::support::oracle::Message;

fn seconds_between(from: &str, to: &str) -> i64 {
    let [from, to]: [Timestamp; 2] = [from, to].map(|text| text.parse().expect("an instant"));
    to.duration_since(from).as_secs()
}

/// From the IssueInstant: NotBefore, NotOnOrAfter of both windows, SessionNotOnOrAfter.
fn windows(message: &Message) -> [i64; 4] {
    let issued = message.issue_instant.as_deref().expect("it has one");
    let assertion = message.assertion.as_ref().expect("an assertion");
    let of = |text: Option<&str>| seconds_between(issued, text.expect("it is there"));
    [
        of(assertion.not_before.as_deref()),
        of(Some(&assertion.not_on_or_after)),
        of(assertion.confirmation.not_on_or_after.as_deref()),
        of(assertion.session_not_on_or_after.as_deref()),
    ]
}

#[tokio::test]
async fn c_a9_c_a10_lifetimes_and_margins_are_those_of_the_registration() {
    let home = Home::with("session_absolute = \"10h\"").await;
    let sp = home.sp("app", &Inside::default(), &[]);
    let [before, after, confirmed, session] = windows(&home.message(&sp, "").await);
    assert_eq!([before, after, confirmed], [-60, 300, 300]);
    assert!((35_990..=36_000).contains(&session), "{session}");

    let options = ["--assertion-lifetime", "90s", "--not-before-margin", "3m"];
    home.update("app", &options);
    home.update("app", &["--session-lifetime", "1h"]);
    assert_eq!(windows(&home.message(&sp, "").await), [-180, 90, 90, 3600]);

    // Longer than the session here it cannot be.
    home.update(
        "app",
        &["--session-lifetime", "30d", "--not-before-margin", "0s"],
    );
    let [before, _, _, session] = windows(&home.message(&sp, "").await);
    assert_eq!(before, 0);
    assert!((35_990..=36_000).contains(&session), "{session}");

    home.update(
        "app",
        &["--assertion-lifetime", "", "--not-before-margin", ""],
    );
    let [before, after, confirmed, _] = windows(&home.message(&sp, "").await);
    assert_eq!([before, after, confirmed], [-60, 300, 300]);
}

#[tokio::test]
async fn lifetimes_without_sense_cannot_be_registered() {
    let home = Home::with("").await;
    home.sp("app", &Inside::default(), &[]);
    for options in [
        &["--assertion-lifetime", "29s"][..],
        &["--assertion-lifetime", "61m"],
        &["--assertion-lifetime", "soon"],
        &["--not-before-margin", "16m"],
        &["--session-lifetime", "59s"],
        &["--session-lifetime", "31d"],
        &["--session-lifetime", "2m"],
    ] {
        let line = [&["sp", "update", "app"], options].concat();
        let output = home.product.try_cli(&line, "");
        assert_eq!(output.status.code(), Some(2), "{options:?}");
    }
}
