//! The audit log says what happened, and whether somebody has been at it.

use crate::database::Database;
use crate::home::{CHAIN_KEY, Home, name};
use doorward::directory::audit::{AuditEvent, AuditKind, Outcome};
use doorward::directory::name::{SpName, TraceId};
use doorward::directory::reason::ReasonCode;
use doorward::storage::{AuditFilter, Break, Verification};
use std::time::Duration;

async fn verify(home: &Home) -> Verification {
    home.store.verify_audit(&CHAIN_KEY).await.unwrap()
}

/// A log of one process with `rows` rows after the first one.
async fn with_rows(rows: usize) -> Home {
    let home = Home::new().await;
    for number in 0..rows {
        let mut event = home.event(AuditKind::Message);
        event.detail = Some(format!("row {number}"));
        home.store.record(event).await.unwrap();
    }
    home
}

#[tokio::test]
async fn an_event_is_read_back_as_written() {
    let home = Home::new().await;
    let event = AuditEvent {
        at: home.now(),
        kind: AuditKind::Assertion,
        outcome: Outcome::Refused,
        reason: Some(ReasonCode::MissingRole),
        actor: Some("cli:root".to_owned()),
        user: Some(name("Ada")),
        sp: Some(SpName::parse("store").unwrap()),
        source: Some("2001:db8::1".to_owned()),
        trace: Some(TraceId::from_stored("abc")),
        detail: Some("é".to_owned()),
    };
    home.store.record(event.clone()).await.unwrap();
    let rows = home
        .store
        .audit_events(&AuditFilter::default())
        .await
        .unwrap();
    assert_eq!(rows[0].event, event);
    assert_eq!(rows[1].event.kind, AuditKind::ChainStarted);
    assert_eq!((rows[0].seq, rows[1].seq), (1, 0));
    assert!(rows[0].chain.starts_with("test."), "{}", rows[0].chain);
    let verified = verify(&home).await;
    assert_eq!(
        (verified.rows, verified.chains, verified.broken),
        (2, 1, vec![])
    );
}

#[tokio::test]
async fn rows_are_found_by_time_user_sp_and_kind() {
    let home = Home::new().await;
    for (user, sp, kind) in [
        ("ada", "store", AuditKind::Assertion),
        ("bob", "store", AuditKind::SignIn),
        ("Ada", "publisher", AuditKind::Assertion),
    ] {
        let mut event = home.event(kind);
        event.user = Some(name(user));
        event.sp = Some(SpName::parse(sp).unwrap());
        home.store.record(event).await.unwrap();
        home.clock.advance(Duration::from_secs(1));
    }
    let count = async |filter: AuditFilter| home.store.audit_events(&filter).await.unwrap().len();
    let all = AuditFilter::default;
    let since = Some(home.now().minus(Duration::from_secs(2)));
    let of_ada = Some(name("ada"));
    let at_store = SpName::parse("store").ok();
    let assertions = Some(AuditKind::Assertion);
    assert_eq!(count(all()).await, 4);
    assert_eq!(count(AuditFilter { since, ..all() }).await, 2);
    assert_eq!(
        count(AuditFilter {
            until: since,
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(AuditFilter {
            user: of_ada,
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(AuditFilter {
            sp: at_store,
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(AuditFilter {
            kind: assertions,
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(AuditFilter {
            limit: Some(3),
            ..all()
        })
        .await,
        3
    );
}

#[tokio::test]
async fn an_altered_row_shows() {
    let no_link = format!("link = {}", Database::bytes("00"));
    for change in [
        "at = at + 1",
        "detail = 'row 9'",
        "detail = NULL",
        "outcome = 'refused'",
        "kind = 'sign-in'",
        "user_name = 'ada'",
        "chain = 'test.0'",
        &no_link,
    ] {
        let home = with_rows(4).await;
        home.by_hand(&format!("UPDATE audit_events SET {change} WHERE seq = 2"));
        assert!(!verify(&home).await.broken.is_empty(), "{change}");
    }
}

#[tokio::test]
async fn a_removed_row_shows() {
    let home = with_rows(4).await;
    home.by_hand("DELETE FROM audit_events WHERE seq = 2");
    let broken = verify(&home).await.broken;
    assert!(
        matches!(
            &broken[..],
            [Break::Missing {
                expected: 2,
                found: 3,
                ..
            }]
        ),
        "{broken:?}"
    );
    // Numbering the rest anew does not help.
    home.by_hand("UPDATE audit_events SET seq = seq - 1 WHERE seq > 2");
    assert!(!verify(&home).await.broken.is_empty());
}

#[tokio::test]
async fn rows_that_were_moved_show() {
    let home = with_rows(4).await;
    home.by_hand("UPDATE audit_events SET position = 100 WHERE seq = 2");
    assert!(!verify(&home).await.broken.is_empty());
    let home = with_rows(4).await;
    home.by_hand("UPDATE audit_events SET seq = 5 - seq WHERE seq IN (2, 3)");
    assert!(!verify(&home).await.broken.is_empty());
}

#[tokio::test]
async fn a_row_that_was_added_or_a_log_under_another_key_shows() {
    let home = with_rows(2).await;
    home.by_hand(
        "INSERT INTO audit_events (chain, seq, at, kind, outcome, link) \
         SELECT chain, 3, at, kind, outcome, link FROM audit_events WHERE seq = 2",
    );
    assert_eq!(verify(&home).await.broken.len(), 1);
    let other = home.store.verify_audit(&[1; 32]).await.unwrap();
    assert_eq!(other.broken.len(), 4);
}

#[tokio::test]
async fn an_end_that_was_cut_off_shows_once_a_later_chain_names_it() {
    let home = with_rows(4).await;
    let later = home.another_process().await;
    later.record(home.event(AuditKind::Message)).await.unwrap();
    assert_eq!(verify(&home).await.broken, []);
    home.by_hand("DELETE FROM audit_events WHERE chain = (SELECT chain FROM audit_events WHERE position = 1) AND seq >= 3");
    let broken = verify(&home).await.broken;
    assert!(
        matches!(&broken[..], [Break::CutOff { seq: 4, .. }]),
        "{broken:?}"
    );
    // So does a whole chain that is gone.
    home.by_hand("DELETE FROM audit_events WHERE chain = (SELECT chain FROM audit_events WHERE position = 1)");
    let broken = verify(&home).await.broken;
    assert!(
        matches!(&broken[..], [Break::CutOff { seq: 4, .. }]),
        "{broken:?}"
    );
}

#[tokio::test]
async fn a_long_chain_is_followed_by_another_that_names_its_head() {
    let home = with_rows(1).await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..5_100 {
        if running.len() >= 500 {
            running.join_next().await.unwrap().unwrap();
        }
        let (store, event) = (home.store.clone(), home.event(AuditKind::Message));
        running.spawn(async move { store.record(event).await.unwrap() });
    }
    running.join_all().await;
    let verified = verify(&home).await;
    assert_eq!((verified.chains, verified.broken), (2, vec![]));
    // Cutting off the end of the first one shows while its process still runs.
    home.by_hand("DELETE FROM audit_events WHERE seq >= 4990");
    let broken = verify(&home).await.broken;
    assert!(
        broken.iter().any(|one| matches!(one, Break::CutOff { .. })),
        "{broken:?}"
    );
}
