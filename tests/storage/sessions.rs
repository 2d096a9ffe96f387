//! Signing in and out, what a release leaves behind, throttling, cleaning up.

use crate::home::{HASH, Home, LIMITS, new_session, release};
use doorward::directory::audit::AuditKind;
use doorward::directory::facts::Presence;
use doorward::directory::service_provider::ServiceProvider;
use doorward::directory::session::{Participant, Release, SentNameId};
use doorward::storage::{Cleaned, NewSession, Recorded, StoreError, TokenHash};
use std::time::Duration;

async fn participant(home: &Home, token: &str, sp: &ServiceProvider) -> Option<Participant> {
    match home.facts(token, sp).await.person?.presence {
        Presence::SignedIn { participant, .. } => participant,
        Presence::Supposed => None,
    }
}

async fn record(home: &Home, release: &Release, sp: &ServiceProvider) -> Recorded {
    let event = home.event(AuditKind::Assertion);
    home.store
        .release(release, &sp.id, true, event)
        .await
        .unwrap()
}

#[tokio::test]
async fn signing_in_again_keeps_the_row_and_the_sps_that_have_heard_of_it() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let first = home.sign_in(&ada, "one").await;
    assert_eq!(
        record(&home, &release(&first, "i"), &sp).await,
        Recorded::Done
    );
    home.clock.advance(Duration::from_mins(1));

    let new = NewSession {
        replaces: Some(TokenHash::of("one")),
        ..new_session(&ada, "two")
    };
    let second = home
        .store
        .sign_in(new, home.event(AuditKind::SignIn))
        .await
        .unwrap()
        .session;
    assert_eq!(second.id, first.id);
    assert_eq!(second.signed_in_at, home.now());
    assert!(home.facts("one", &sp).await.person.is_none());
    assert_eq!(
        participant(&home, "two", &sp).await.unwrap().session_index,
        "i"
    );
}

#[tokio::test]
async fn signing_in_as_somebody_else_ends_the_session_before() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let bob = home.user("bob", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let hers = home.sign_in(&ada, "one").await;
    record(&home, &release(&hers, "i"), &sp).await;

    let new = NewSession {
        replaces: Some(TokenHash::of("one")),
        ..new_session(&bob, "two")
    };
    let his = home
        .store
        .sign_in(new, home.event(AuditKind::SignIn))
        .await
        .unwrap()
        .session;
    assert_ne!(his.id, hers.id);
    assert!(home.store.sessions_of(&ada).await.unwrap().is_empty());
    assert_eq!(participant(&home, "two", &sp).await, None);
    assert_eq!(home.count("SELECT COUNT(*) FROM participants"), 0);
}

#[tokio::test]
async fn whoever_was_disabled_or_got_another_password_meanwhile_does_not_sign_in() {
    let home = Home::new().await;
    let ada = home.user("ada", &[]).await;
    let event = || home.event(AuditKind::SignIn);
    let change = home.store.set_password(&ada, "new", false, event());
    assert!(change.await.unwrap().changed);
    // The old password was right, but is no more; nor may its better hash come back.
    let late = NewSession {
        rehash: Some("better hash of the old".to_owned()),
        ..new_session(&ada, "t")
    };
    let refused = home.store.sign_in(late, event()).await;
    assert!(matches!(refused, Err(StoreError::SignInRefused)));
    let credential = home.store.credential("ada").await.unwrap().unwrap();
    assert_eq!(credential.password_hash.as_deref(), Some("new"));

    home.store.set_disabled(&ada, true, event()).await.unwrap();
    let right = NewSession {
        checked_hash: "new".to_owned(),
        ..new_session(&ada, "t")
    };
    let refused = home.store.sign_in(right, event()).await;
    assert!(matches!(refused, Err(StoreError::SignInRefused)));
    assert!(home.store.sessions().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_password_is_hashed_anew_at_sign_in_and_a_change_ends_other_sessions() {
    let home = Home::new().await;
    let ada = home.user("ada", &[]).await;
    let new = NewSession {
        rehash: Some("better".to_owned()),
        user_agent: Some("é".repeat(1000)),
        ..new_session(&ada, "t")
    };
    let kept = home
        .store
        .sign_in(new, home.event(AuditKind::SignIn))
        .await
        .unwrap()
        .session;
    assert!(kept.user_agent.unwrap().len() <= 200);
    let credential = home.store.credential("ada").await.unwrap().unwrap();
    assert_eq!(credential.password_hash.as_deref(), Some("better"));
    let again = NewSession {
        checked_hash: "better".to_owned(),
        ..new_session(&ada, "elsewhere")
    };
    home.store
        .sign_in(again, home.event(AuditKind::SignIn))
        .await
        .unwrap();
    let event = home.event(AuditKind::PasswordChanged);
    let change = |proved| {
        home.store
            .change_password(&ada, proved, HASH, &kept.id, event.clone())
    };
    // What was proved is the password no more: somebody set another one meanwhile.
    assert!(!change("another").await.unwrap().changed);
    assert_eq!(home.store.sessions_of(&ada).await.unwrap().len(), 2);
    assert!(change("better").await.unwrap().changed);
    let left = home.store.sessions_of(&ada).await.unwrap();
    assert_eq!(
        left.into_iter().map(|s| s.id).collect::<Vec<_>>(),
        [kept.id]
    );
}

#[tokio::test]
async fn signing_out_deletes_the_row_so_that_nothing_can_follow() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    assert!(home.sign_out("t").await.is_some());
    assert!(home.sign_out("t").await.is_none());
    let before = home.count("SELECT COUNT(*) FROM audit_events");
    assert_eq!(
        record(&home, &release(&session, "i"), &sp).await,
        Recorded::SessionGone
    );
    assert_eq!(home.count("SELECT COUNT(*) FROM participants"), 0);
    assert_eq!(home.count("SELECT COUNT(*) FROM audit_events"), before);
}

#[tokio::test]
async fn a_release_leaves_a_participant_and_a_first_release_once() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    let first = release(&session, "i");
    assert_eq!(record(&home, &first, &sp).await, Recorded::Done);
    let later = Release {
        first_visit: false,
        ..first.clone()
    };
    assert_eq!(record(&home, &later, &sp).await, Recorded::Done);
    let racing = release(&session, "another");
    assert_eq!(
        record(&home, &racing, &sp).await,
        Recorded::VisitedMeanwhile
    );
    assert_eq!(home.count("SELECT COUNT(*) FROM participants"), 1);
    assert_eq!(home.count("SELECT COUNT(*) FROM persistent_ids"), 1);
    let person = home.facts("t", &sp).await.person.unwrap();
    assert!(matches!(
        person.presence,
        Presence::SignedIn {
            known_to_sp: true,
            ..
        }
    ));
}

#[tokio::test]
async fn c_l6_each_name_id_that_an_sp_gets_is_remembered_once_and_as_it_was_sent() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    let named = |value: &str, first_visit| {
        let name_id = SentNameId {
            format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned(),
            value: value.to_owned(),
            name_qualifier: Some("https://idp.example".to_owned()),
            sp_name_qualifier: None,
            is_encrypted: true,
        };
        let comparable = name_id.comparable("https://idp.example", "https://store.example");
        Release {
            first_visit,
            name_id: Some((name_id, comparable)),
            ..release(&session, "i")
        }
    };
    let last = || {
        home.count(
            "SELECT COUNT(*) FROM participants p JOIN participant_name_ids n \
             ON n.name_id_key = p.name_id_key WHERE n.value = 'two'",
        )
    };
    record(&home, &named("one", true), &sp).await;
    record(&home, &named("two", false), &sp).await;
    record(&home, &named("two", false), &sp).await;
    assert_eq!(home.count("SELECT COUNT(*) FROM participant_name_ids"), 2);
    assert_eq!(last(), 1);
    record(&home, &named("one", false), &sp).await;
    assert_eq!(home.count("SELECT COUNT(*) FROM participant_name_ids"), 2);
    assert_eq!(last(), 0);
    home.sign_out("t").await;
    assert_eq!(home.count("SELECT COUNT(*) FROM participant_name_ids"), 0);
}

#[tokio::test]
async fn a_session_is_seen_again_every_five_minutes_at_most() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    let seen = async || home.store.sessions_of(&ada).await.unwrap()[0].last_seen_at;
    home.clock.advance(Duration::from_secs(299));
    record(&home, &release(&session, "i"), &sp).await;
    assert_eq!(seen().await, session.last_seen_at);
    home.clock.advance(Duration::from_secs(1));
    record(&home, &release(&session, "i"), &sp).await;
    assert_eq!(seen().await, home.now());
}

#[tokio::test]
async fn failures_are_counted_per_account_source_and_pair_and_cleared_by_a_sign_in() {
    let home = Home::new().await;
    let ada = home.user("ada", &[]).await;
    let counts = async |account: &str, source: &str| {
        let known = home
            .store
            .throttle(account, source, home.now())
            .await
            .unwrap();
        (known.account.count, known.source.count, known.pair.count)
    };
    let fail = async |account: &str, source: &str| {
        let event = home.event(AuditKind::SignIn);
        home.store
            .sign_in_failed(account, source, event)
            .await
            .unwrap();
    };
    fail("ada", "192.0.2.1").await;
    fail("ada", "192.0.2.1").await;
    fail("ada", "198.51.100.9").await;
    assert_eq!(counts("ada", "192.0.2.1").await, (3, 2, 2));
    assert_eq!(counts("bob", "192.0.2.1").await, (0, 2, 0));

    let new = NewSession {
        account_key: "ada".to_owned(),
        ..new_session(&ada, "t")
    };
    let event = home.event(AuditKind::SignIn);
    home.store.sign_in(new, event).await.unwrap();
    assert_eq!(counts("ada", "192.0.2.1").await, (0, 2, 0));
    assert_eq!(counts("ada", "198.51.100.9").await, (0, 1, 1));
    assert!(
        home.store
            .unlock("ada", home.event(AuditKind::UserUnlocked))
            .await
            .unwrap()
    );
    assert_eq!(counts("ada", "198.51.100.9").await, (0, 1, 0));
    home.clock.advance(Duration::from_hours(25));
    assert_eq!(counts("ada", "192.0.2.1").await, (0, 0, 0));
    fail("eve", "192.0.2.1").await;
    assert_eq!(counts("eve", "192.0.2.1").await, (1, 1, 1));
}

#[tokio::test]
async fn what_has_expired_is_cleaned_up_in_batches() {
    let home = Home::new().await;
    let ada = home.user("ada", &[]).await;
    home.sign_in(&ada, "old").await;
    let rows: Vec<_> = (0..1200)
        .map(|n| format!("('x{n}', 'x{n}', '{ada}', 0, 0, 0)"))
        .collect();
    let columns = "id, token_hash, user_id, signed_in_at, started_at, last_seen_at";
    let rows = rows.join(", ");
    home.by_hand(&format!("INSERT INTO sessions ({columns}) VALUES {rows}"));
    home.store
        .sign_in_failed("bob", "192.0.2.1", home.event(AuditKind::SignIn))
        .await
        .unwrap();
    let clean = async || home.store.clean_up(LIMITS, home.now()).await.unwrap();
    let row = |sessions, failures| Cleaned {
        sessions,
        failures,
        logouts: 0,
    };
    assert_eq!(clean().await, row(1200, 0));
    assert_eq!(clean().await, Cleaned::default());
    home.clock.advance(Duration::from_secs(3599));
    assert_eq!(clean().await, Cleaned::default());
    home.clock.advance(Duration::from_secs(1));
    assert_eq!(clean().await, row(0, 3));
    home.clock.advance(Duration::from_secs(3599));
    assert_eq!(clean().await, Cleaned::default());
    home.clock.advance(Duration::from_secs(1));
    assert_eq!(clean().await, row(1, 0));
    let batches = home.count("SELECT COUNT(*) FROM audit_events WHERE kind = 'cleaned-up'");
    // A hundred sessions at a time, since each takes its participants along.
    assert_eq!(batches, 14);
}

#[tokio::test]
async fn one_node_at_a_time_cleans_up() {
    let home = Home::new().await;
    let ada = home.user("ada", &[]).await;
    home.sign_in(&ada, "t").await;
    home.clock.advance(Duration::from_hours(13));
    let held = home.now().plus(Duration::from_secs(30)).millis();
    home.by_hand(&format!("UPDATE leases SET held_until = {held}"));
    let cleaned = home.store.clean_up(LIMITS, home.now()).await.unwrap();
    assert_eq!(cleaned, Cleaned::default());
    home.clock.advance(Duration::from_secs(31));
    let cleaned = home.store.clean_up(LIMITS, home.now()).await.unwrap();
    assert_eq!(cleaned.sessions, 1);
}
