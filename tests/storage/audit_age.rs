//! Rows of the audit log go by their age, and what is left can still be walked.

use std::time::Duration;

use doorward::directory::audit::AuditKind;
use doorward::storage::{AuditFilter, Break, Verification};

use crate::home::{CHAIN_KEY, Home};

const DAY: Duration = Duration::from_hours(24);

async fn note(home: &Home, rows: usize) {
    for number in 0..rows {
        let mut event = home.event(AuditKind::Message);
        event.detail = Some(format!("row {number}"));
        home.store.record(event).await.unwrap();
    }
}

async fn verify(home: &Home) -> Verification {
    home.store.verify_audit(&CHAIN_KEY).await.unwrap()
}

async fn prune(home: &Home, days: u32) -> u64 {
    home.store
        .prune_audit(DAY * days, home.now())
        .await
        .unwrap()
}

/// Ten days with some rows each, by two processes.
async fn with_ten_days() -> Home {
    let home = Home::new().await;
    let other = home.another_process().await;
    for day in 0..10 {
        note(&home, 3).await;
        let event = home.event(AuditKind::Message);
        other.record(event).await.unwrap();
        home.clock.advance(DAY + Duration::from_secs(day));
    }
    other.shut_down().await;
    home
}

#[tokio::test]
async fn rows_go_by_their_age_and_the_chains_can_still_be_walked() {
    let home = with_ten_days().await;
    let all = verify(&home).await;
    assert_eq!(all.broken, []);
    let gone = prune(&home, 5).await;
    assert!(gone > 10, "{gone}");
    let left = verify(&home).await;
    assert_eq!(left.broken, []);
    // What is left, and the row that says what went (it begins a chain of its own).
    assert_eq!(left.rows, all.rows - gone + 2);
    let filter = AuditFilter {
        kind: Some(AuditKind::CleanedUp),
        ..AuditFilter::default()
    };
    let told = home.store.audit_events(&filter).await.unwrap();
    let told = told[0].event.detail.as_deref().unwrap();
    assert!(
        told.starts_with(&format!("{gone} audit rows from before ")),
        "{told}"
    );
    // Nothing is old enough any more.
    assert_eq!(prune(&home, 5).await, 0);
    // A day later some of them are, and so on until the log is all of today.
    for days in [4, 3, 2, 1] {
        home.clock.advance(Duration::from_hours(1));
        prune(&home, days).await;
        assert_eq!(verify(&home).await.broken, [], "after {days}");
    }
    note(&home, 2).await;
    assert_eq!(verify(&home).await.broken, []);
}

#[tokio::test]
async fn a_chain_goes_on_after_all_of_its_rows_have_gone() {
    let home = Home::new().await;
    note(&home, 4).await;
    home.clock.advance(Duration::from_secs(86_399));
    let gone = home
        .store
        .prune_audit(Duration::from_mins(1), home.now())
        .await;
    assert_eq!(gone.unwrap(), 5);
    note(&home, 1).await;
    let left = verify(&home).await;
    assert_eq!((left.rows, left.chains, left.broken), (2, 1, vec![]));
}

#[tokio::test]
async fn whoever_removes_more_than_went_by_its_age_is_found() {
    let home = with_ten_days().await;
    prune(&home, 5).await;
    let first = "SELECT MIN(position) FROM audit_events";
    let kept = home.count(first);
    home.by_hand(&format!("DELETE FROM audit_events WHERE position = {kept}"));
    let broken = verify(&home).await.broken;
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(
        matches!(broken[0], Break::Missing { .. } | Break::CutOff { .. }),
        "{broken:?}"
    );
}

#[tokio::test]
async fn nobody_else_can_say_what_went_by_its_age() {
    let home = Home::new().await;
    note(&home, 5).await;
    home.by_hand("DELETE FROM audit_events WHERE seq < 3");
    home.by_hand(
        "INSERT INTO audit_checkpoints (chain, seq, at, link, code) \
         SELECT chain, seq - 1, at, link, link FROM audit_events WHERE seq = 3",
    );
    let broken = verify(&home).await.broken;
    assert!(
        broken
            .iter()
            .any(|broken| matches!(broken, Break::Forged { seq: 2, .. })),
        "{broken:?}"
    );
    assert!(
        broken
            .iter()
            .any(|broken| matches!(broken, Break::Missing { expected: 0, .. })),
        "{broken:?}"
    );
}

#[tokio::test]
async fn a_row_that_was_altered_does_not_take_the_evidence_with_it() {
    let home = Home::new().await;
    note(&home, 5).await;
    home.by_hand("UPDATE audit_events SET detail = 'nothing to see here' WHERE seq = 2");
    home.clock.advance(DAY * 3);
    assert_eq!(prune(&home, 1).await, 6);
    let rows = home
        .store
        .audit_events(&AuditFilter::default())
        .await
        .unwrap();
    let told = rows[0].event.detail.clone().unwrap();
    assert!(told.contains("row 2 was altered"), "{told}");
    assert_eq!(verify(&home).await.broken, []);
}

#[tokio::test]
async fn checkpoints_are_forgotten_when_nothing_can_need_them() {
    let home = Home::new().await;
    for _ in 0..30 {
        note(&home, 2).await;
        home.clock.advance(DAY);
        prune(&home, 3).await;
        assert_eq!(verify(&home).await.broken, []);
    }
    let kept = home.count("SELECT COUNT(*) FROM audit_checkpoints");
    assert!((1..=6).contains(&kept), "{kept}");
}

#[tokio::test]
async fn rows_from_the_future_do_not_keep_what_is_old() {
    let home = Home::new().await;
    // More of them than go at once, of somebody whose clock was ten years ahead.
    let now = home.clock.now();
    note(&home, 2).await;
    home.clock.advance(DAY * 3650);
    note(&home, 600).await;
    let later = home.another_clock(now.plus(Duration::from_mins(1))).await;
    note(&later, 3).await;
    let all = verify(&later).await;
    assert_eq!(all.broken, []);
    later.clock.advance(DAY * 2);
    note(&later, 1).await;
    // As old as what was written after them.
    let gone = prune(&later, 1).await;
    assert!(gone > 600, "{gone}");
    assert_eq!(verify(&later).await.broken, []);
    // With nothing after them they stay: nobody can tell how old they are.
    later.clock.advance(DAY * 3650);
    note(&later, 2).await;
    let early = later.another_clock(now.plus(DAY * 5)).await;
    let there = verify(&early).await.rows;
    prune(&early, 1).await;
    let left = verify(&early).await;
    assert_eq!(left.broken, []);
    assert!(left.rows >= 2 && left.rows <= there, "{left:?}");
    assert_eq!(
        early.count("SELECT COUNT(*) FROM audit_events WHERE detail = 'row 1'"),
        1
    );
}

#[tokio::test]
async fn what_was_found_altered_is_told_in_the_same_transaction() {
    let home = Home::new().await;
    note(&home, 700).await;
    home.by_hand("UPDATE audit_events SET detail = 'nothing to see here' WHERE seq = 7");
    home.clock.advance(DAY * 3);
    prune(&home, 1).await;
    let filter = AuditFilter {
        kind: Some(AuditKind::CleanedUp),
        ..AuditFilter::default()
    };
    let told = home.store.audit_events(&filter).await.unwrap();
    let details: Vec<_> = told
        .iter()
        .map(|row| row.event.detail.as_deref().unwrap())
        .collect();
    // The batch that it was in has an event of its own; the newest first.
    assert_eq!(details.len(), 2, "{details:?}");
    assert!(details[0].starts_with("201 audit rows"), "{details:?}");
    assert!(details[1].starts_with("500 audit rows"), "{details:?}");
    assert!(details[1].contains("row 7 was altered"), "{details:?}");
    assert_eq!(verify(&home).await.broken, []);
}
