//! Artifacts: one use, one SP, one minute, and no longer than their session.

use std::time::Duration;

use doorward::directory::name::SessionId;
use doorward::directory::service_provider::ServiceProvider;
use doorward::storage::{NewArtifact, StoreError, TokenHash};

use crate::home::{Home, LIMITS};

const LIFETIME: Duration = Duration::from_mins(1);

async fn put(
    home: &Home,
    sp: &ServiceProvider,
    handle: &str,
    session: Option<&SessionId>,
) -> Result<(), StoreError> {
    let new = NewArtifact {
        handle: TokenHash::of(handle),
        sp: sp.id.clone(),
        session: session.cloned(),
        pending: "what was asked".to_owned(),
        expires_at: home.now().plus(LIFETIME),
    };
    home.store.put_artifact(&new).await
}

/// What using it up gives: the token of its session, if it has one.
async fn used(home: &Home, sp: &ServiceProvider, handle: &str) -> Option<Option<TokenHash>> {
    let handle = TokenHash::of(handle);
    let used = home.store.use_up_artifact(&handle, &sp.id, home.now());
    let used = used.await.unwrap()?;
    assert_eq!(used.pending, "what was asked");
    Some(used.session)
}

#[tokio::test]
async fn c_ar2_an_artifact_is_used_up_by_its_own_sp_and_once() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let (store, other) = (
        home.sp("store", &["a"]).await,
        home.sp("other", &["a"]).await,
    );
    let session = home.sign_in(&ada, "token").await;
    put(&home, &store, "h", Some(&session.id)).await.unwrap();
    assert_eq!(used(&home, &other, "h").await, None);
    assert_eq!(used(&home, &store, "another").await, None);
    let token = Some(TokenHash::of("token"));
    assert_eq!(used(&home, &store, "h").await, Some(token));
    assert_eq!(used(&home, &store, "h").await, None);
    assert_eq!(home.count("SELECT COUNT(*) FROM artifacts"), 0);
}

#[tokio::test]
async fn t_replay_nodes_two_processes_use_an_artifact_up_once() {
    let home = Home::new().await;
    let sp = home.sp("store", &["a"]).await;
    let second = home.another_process().await;
    for turn in 0..20 {
        let handle = TokenHash::of(&turn.to_string());
        put(&home, &sp, &turn.to_string(), None).await.unwrap();
        let now = home.now();
        let (one, other) = tokio::join!(
            home.store.use_up_artifact(&handle, &sp.id, now),
            second.use_up_artifact(&handle, &sp.id, now),
        );
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(u8::from(one.is_some()) + u8::from(other.is_some()), 1);
    }
}

#[tokio::test]
async fn c_ar4_an_artifact_counts_for_a_minute_and_is_then_cleaned_up() {
    let home = Home::new().await;
    let sp = home.sp("store", &["a"]).await;
    put(&home, &sp, "early", None).await.unwrap();
    home.clock
        .advance(LIFETIME.saturating_sub(Duration::from_millis(1)));
    put(&home, &sp, "late", None).await.unwrap();
    assert_eq!(used(&home, &sp, "early").await, Some(None));
    put(&home, &sp, "never", None).await.unwrap();
    home.clock.advance(LIFETIME);
    assert_eq!(used(&home, &sp, "late").await, None);
    assert_eq!(home.count("SELECT COUNT(*) FROM artifacts"), 2);
    home.store.clean_up(LIMITS, home.now()).await.unwrap();
    assert_eq!(home.count("SELECT COUNT(*) FROM artifacts"), 0);
}

#[tokio::test]
async fn an_artifact_ends_with_its_session_and_follows_its_token() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "one").await;
    put(&home, &sp, "h", Some(&session.id)).await.unwrap();
    home.sign_out("one").await;
    assert_eq!(used(&home, &sp, "h").await, None);
    assert_eq!(home.count("SELECT COUNT(*) FROM artifacts"), 0);
}

#[tokio::test]
async fn the_handle_itself_is_not_in_the_database() {
    let home = Home::new().await;
    let sp = home.sp("store", &["a"]).await;
    put(&home, &sp, "artifact:secret", None).await.unwrap();
    let found = home.count("SELECT COUNT(*) FROM artifacts WHERE handle_hash LIKE '%secret%'");
    assert_eq!(found, 0);
    let hashed = home.count("SELECT COUNT(*) FROM artifacts WHERE LENGTH(handle_hash) = 64");
    assert_eq!(hashed, 1);
}

#[tokio::test]
async fn whoever_is_not_signed_in_cannot_fill_the_disk_with_artifacts() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "one").await;
    let (id, until) = (&sp.id, home.now().plus(LIFETIME).millis());
    let rows = (0..10_000).map(|n| format!("('h{n}', '{id}', NULL, 'x', {until})"));
    let rows: Vec<_> = rows.collect();
    let columns = "handle_hash, sp_id, session_id, pending, expires_at";
    let statement = format!(
        "INSERT INTO artifacts ({columns}) VALUES {}",
        rows.join(", ")
    );
    assert_eq!(home.by_hand(&statement), 10_000);
    let refused = put(&home, &sp, "h", None).await;
    assert!(matches!(refused, Err(StoreError::QueueFull)), "{refused:?}");
    put(&home, &sp, "h", Some(&session.id)).await.unwrap();
    home.clock.advance(LIFETIME);
    home.store.clean_up(LIMITS, home.now()).await.unwrap();
    put(&home, &sp, "i", None).await.unwrap();
}
