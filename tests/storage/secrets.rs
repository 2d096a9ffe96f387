//! Secrets at rest: the ring in files, the keys in the database.

use crate::home::Home;
use doorward::keystore::{Keystore, KeystoreError, Secrets, sealed};
use std::time::Duration;

async fn unlock(home: &Home, keys: &str) -> Result<Secrets, KeystoreError> {
    let keystore = Keystore::open(&home.folder.path().join(keys))?;
    Secrets::unlock(&home.store, &keystore, &home.clock).await
}

#[tokio::test]
async fn secrets_are_the_same_at_every_start() {
    let home = Home::new().await;
    let first = unlock(&home, "keys").await.unwrap();
    let again = unlock(&home, "keys").await.unwrap();
    assert_eq!(first.chain_key(), again.chain_key());
    assert_eq!(first.pairwise_secret(), again.pairwise_secret());
    assert_ne!(&first.chain_key(), first.pairwise_secret());
    let sealed = first.seal_column("t", "c", "1", b"secret").unwrap();
    assert_eq!(
        again.unseal_column("t", "c", "1", &sealed).unwrap(),
        b"secret"
    );
    for (table, column, row) in [("x", "c", "1"), ("t", "x", "1"), ("t", "c", "2")] {
        let moved = again.unseal_column(table, column, row, &sealed);
        assert!(matches!(moved, Err(KeystoreError::DoesNotOpen { .. })));
    }
}

#[tokio::test]
async fn a_database_under_another_master_key_is_refused_and_the_error_names_it() {
    let home = Home::new().await;
    unlock(&home, "keys").await.unwrap();
    let wanted = home.store.data_keys().await.unwrap()[0]
        .master_key_id
        .clone();
    let error = unlock(&home, "other-keys").await.unwrap_err();
    assert!(matches!(error, KeystoreError::NoMasterKey { .. }));
    assert!(error.to_string().contains(&wanted), "{error}");
}

#[tokio::test]
async fn a_wrapped_key_that_was_altered_or_moved_does_not_open() {
    let home = Home::new().await;
    unlock(&home, "keys").await.unwrap();
    home.by_hand("UPDATE data_keys SET number = 2");
    let moved = unlock(&home, "keys").await;
    assert!(matches!(moved, Err(KeystoreError::DoesNotOpen { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_first_starts_one_makes_the_secrets_and_all_use_them() {
    let home = std::sync::Arc::new(Home::new().await);
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let home = std::sync::Arc::clone(&home);
            tokio::spawn(async move { unlock(&home, "keys").await.unwrap() })
        })
        .collect();
    let mut secrets = Vec::new();
    for start in starts {
        secrets.push(start.await.unwrap());
    }
    let first = &secrets[0];
    assert!(
        secrets
            .iter()
            .all(|one| one.chain_key() == first.chain_key())
    );
    assert!(
        secrets
            .iter()
            .all(|one| one.pairwise_secret() == first.pairwise_secret())
    );
    assert_eq!(home.store.data_keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_looked_before_the_first_key_was_made_finds_it_all_the_same() {
    let home = Home::new().await;
    let late = Keystore::open(&home.folder.path().join("keys")).unwrap();
    let first = unlock(&home, "keys").await.unwrap();
    let second = Secrets::unlock(&home.store, &late, &home.clock);
    assert_eq!(second.await.unwrap().chain_key(), first.chain_key());
}

#[tokio::test]
async fn a_token_lives_until_the_day_after_and_for_its_purpose() {
    let home = Home::new().await;
    let secrets = unlock(&home, "keys").await.unwrap();
    let day = Duration::from_hours(24);
    let keys = |purpose, later: u32| secrets.flow_keys(purpose, home.now().plus(day * later));
    let token = sealed::seal(&keys("sign-in", 0).unwrap()[0], b"asked", "browser").unwrap();
    let opened = |purpose, later| sealed::open(&keys(purpose, later).unwrap(), &token, "browser");
    assert_eq!(opened("sign-in", 0).as_deref(), Some(&b"asked"[..]));
    assert_eq!(opened("sign-in", 1).as_deref(), Some(&b"asked"[..]));
    assert_eq!(opened("sign-in", 2), None);
    assert_eq!(opened("step-up", 0), None);
}
