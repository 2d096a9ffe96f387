//! Signing keys in the database: their states, their version, and who is held at which.

use crate::home::{Home, service_provider};
use doorward::clock::random_id;
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::directory::name::KeyId;
use doorward::directory::rule::{Quantifier, Rule};
use doorward::directory::service_provider::ServiceProvider;
use doorward::directory::signing_key::{KeyState, KeyUse};
use doorward::storage::{Activated, StoreError, StoredKey};
use std::time::Duration;

fn key(home: &Home, state: KeyState) -> StoredKey {
    StoredKey {
        id: KeyId::from_stored(random_id().unwrap()),
        key_use: KeyUse::Signing,
        state,
        state_since: home.now(),
        algorithm: "rsa3072".to_owned(),
        certificate: vec![1],
        sealed_private_key: vec![2],
        created_at: home.now(),
        not_after: home.now().plus(Duration::from_secs(1)),
    }
}

fn event(home: &Home) -> AuditEvent {
    home.event(AuditKind::KeyCreated)
}

async fn insert(home: &Home, state: KeyState) -> StoredKey {
    let key = key(home, state);
    let written = home.store.insert_key(&key, event(home)).await;
    assert!(written.unwrap());
    key
}

async fn states(home: &Home) -> Vec<(KeyId, KeyState)> {
    let keys = home.store.signing_keys().await.unwrap().keys;
    keys.into_iter().map(|key| (key.id, key.state)).collect()
}

async fn sp_held_at(home: &Home, name: &str, key: Option<&KeyId>) -> ServiceProvider {
    let rule = Rule::new(Quantifier::AnyOf, [home.role("r").await]).unwrap();
    let mut sp = service_provider(name, rule);
    sp.policy.signing_key = key.cloned();
    let added = home.store.add_sp(&sp, home.event(AuditKind::SpAdded)).await;
    added.unwrap();
    sp
}

#[tokio::test]
async fn there_is_one_active_signing_key() {
    let home = Home::new().await;
    let first = insert(&home, KeyState::Active).await;
    let second = key(&home, KeyState::Active);
    let written = home.store.insert_key(&second, event(&home)).await;
    assert!(!written.unwrap());
    assert_eq!(home.store.signing_keys().await.unwrap().keys, [first]);
}

#[tokio::test]
async fn activating_a_key_retires_the_one_before_and_can_be_taken_back() {
    let home = Home::new().await;
    let first = insert(&home, KeyState::Active).await;
    home.clock.advance(Duration::from_secs(1));
    let second = insert(&home, KeyState::Next).await;
    let activate = |id: KeyId| {
        let store = home.store.clone();
        let event = home.event(AuditKind::KeyActivated);
        async move {
            store
                .activate_key(KeyUse::Signing, &id, event)
                .await
                .unwrap()
        }
    };

    assert_eq!(activate(second.id.clone()).await, Activated::Done);
    assert_eq!(activate(second.id.clone()).await, Activated::WasSo);
    let (retiring, active) = (KeyState::Retiring, KeyState::Active);
    let after = [(first.id.clone(), retiring), (second.id.clone(), active)];
    assert_eq!(states(&home).await, after);

    assert_eq!(activate(first.id.clone()).await, Activated::Done);
    let back = [(first.id, active), (second.id, retiring)];
    assert_eq!(states(&home).await, back);
    let nobody = KeyId::from_stored("nobody");
    assert_eq!(activate(nobody).await, Activated::Unknown);
}

#[tokio::test]
async fn every_change_of_the_keys_shows_in_the_facts_of_the_next_decision() {
    let home = Home::new().await;
    let sp = sp_held_at(&home, "store", None).await;
    let mut seen = vec![home.facts("nobody", &sp).await.door.key_version];
    let first = insert(&home, KeyState::Active).await;
    seen.push(home.facts("nobody", &sp).await.door.key_version);
    let second = insert(&home, KeyState::Next).await;
    seen.push(home.facts("nobody", &sp).await.door.key_version);
    let activated = home
        .store
        .activate_key(KeyUse::Signing, &second.id, event(&home));
    assert_eq!(activated.await.unwrap(), Activated::Done);
    seen.push(home.facts("nobody", &sp).await.door.key_version);
    let removed = home
        .store
        .remove_key(KeyUse::Signing, &first.id, event(&home));
    assert!(removed.await.unwrap());
    seen.push(home.facts("nobody", &sp).await.door.key_version);
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    assert_eq!(home.store.signing_key_version().await.unwrap(), 5);
    assert_eq!(home.store.signing_keys().await.unwrap().version, 5);
}

#[tokio::test]
async fn a_key_that_signs_for_somebody_is_not_removed() {
    let home = Home::new().await;
    let active = insert(&home, KeyState::Active).await;
    let next = insert(&home, KeyState::Next).await;
    let mut sp = sp_held_at(&home, "store", Some(&next.id)).await;
    let read = home.store.sp_by_name("store").await.unwrap().unwrap();
    assert_eq!(read.policy.signing_key.as_ref(), Some(&next.id));

    let remove = |id: KeyId| {
        let (store, event) = (home.store.clone(), home.event(AuditKind::KeyRetired));
        async move { store.remove_key(KeyUse::Signing, &id, event).await }
    };
    assert!(!remove(active.id).await.unwrap(), "the active key stays");
    let refused = remove(next.id.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::KeyInUse { sp } if sp == "store"));

    sp.policy.signing_key = None;
    let let_go = home.event(AuditKind::SpUpdated);
    home.store.update_sp(&sp, let_go).await.unwrap();
    assert!(remove(next.id.clone()).await.unwrap());
    assert!(!remove(next.id).await.unwrap(), "it is gone");
}

#[tokio::test]
async fn an_sp_cannot_be_held_at_a_key_that_does_not_exist() {
    let home = Home::new().await;
    let mut sp = sp_held_at(&home, "store", None).await;
    sp.policy.signing_key = Some(KeyId::from_stored("nothing"));
    let refused = home.store.update_sp(&sp, home.event(AuditKind::SpUpdated));
    assert!(matches!(refused.await, Err(StoreError::Dangling)));
}

#[tokio::test]
async fn c_e9_keys_of_both_uses_have_a_life_of_their_own_and_one_version() {
    let home = Home::new().await;
    let signing = insert(&home, KeyState::Active).await;
    let encryption = |state| StoredKey {
        key_use: KeyUse::Encryption,
        ..key(&home, state)
    };
    let (first, next) = (encryption(KeyState::Active), encryption(KeyState::Next));
    for key in [&first, &next] {
        let written = home.store.insert_key(key, event(&home)).await;
        assert!(written.unwrap());
    }
    let another = encryption(KeyState::Active);
    let written = home.store.insert_key(&another, event(&home)).await;
    assert!(!written.unwrap(), "one is active");
    let version = home.store.own_keys().await.unwrap().version;
    let activated = home
        .store
        .activate_key(KeyUse::Encryption, &next.id, event(&home));
    assert_eq!(activated.await.unwrap(), Activated::Done);
    let keys = home.store.own_keys().await.unwrap();
    assert_eq!(keys.version, version + 1, "each node reads them again");
    let state = |id: &KeyId| keys.keys.iter().find(|key| key.id == *id).unwrap().state;
    assert_eq!(
        state(&signing.id),
        KeyState::Active,
        "the other use stays as it is"
    );
    assert_eq!(state(&first.id), KeyState::Retiring);
    assert_eq!(state(&next.id), KeyState::Active);
    let remove = |id: &KeyId| {
        let (store, id, event) = (home.store.clone(), id.clone(), event(&home));
        async move { store.remove_key(KeyUse::Encryption, &id, event).await }
    };
    assert!(!remove(&next.id).await.unwrap(), "the active one stays");
    assert!(!remove(&signing.id).await.unwrap(), "it is of another use");
    assert!(remove(&first.id).await.unwrap());
    assert_eq!(states(&home).await, [(signing.id, KeyState::Active)]);
}
