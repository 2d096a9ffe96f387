//! From a configuration to an open database with its secrets; what is missing is made.

use thiserror::Error;

use super::error::told;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::signing_key::{KeyState, KeyUse};
use crate::keystore::{
    Keystore, KeystoreError, Secrets, SigningKeys, SigningKeysError, signing_keys,
};
use crate::storage::{Durability, Settings, Store, StoreError, StoredKey};

/// Everything that commands and the server need.
#[derive(Debug, Clone)]
pub struct Booted {
    /// The configuration.
    pub config: Config,
    /// Where time comes from.
    pub clock: Clock,
    /// The database, ready to write.
    pub store: Store,
    /// The secrets of the database.
    pub secrets: Secrets,
    /// The keys that sign, and those for what is encrypted to us.
    pub signing_keys: SigningKeys,
}

/// Why the database or the keys could not be opened.
#[derive(Debug, Error)]
pub enum BootError {
    /// The database.
    #[error("{}", told(.0))]
    Store(#[from] StoreError),
    /// A copy or a restore into it was interrupted.
    #[error(
        "the database is half filled: a copy or a restore into it was interrupted; run that again"
    )]
    HalfFilled,
    /// The master keys, or what they seal.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// Our own keys.
    #[error(transparent)]
    SigningKeys(#[from] SigningKeysError),
}

/// Opens what the configuration names. `program` names this process in the audit log.
pub async fn boot(config: Config, clock: Clock, program: &str) -> Result<Booted, BootError> {
    let durability = match config.durability {
        config::Durability::Full => Durability::Full,
        config::Durability::Normal => Durability::Normal,
    };
    let settings = Settings {
        durability,
        connections: config.database_connections,
        ..Settings::default()
    };
    let store = Store::open_with(&config.database_url, settings).await?;
    let clock = match clock {
        // Nodes that share a database go by its clock.
        Clock::System if store.is_shared() => Clock::to_be_corrected(),
        other => other,
    };
    correct(&clock, &store).await?;
    if store.is_half_filled().await? {
        return Err(BootError::HalfFilled);
    }
    let keystore = Keystore::open(&config.keys_dir)?;
    let secrets = Secrets::unlock(&store, &keystore, &clock).await?;
    store
        .start(secrets.chain_key(), program.to_owned(), clock.clone())
        .await?;
    let signing_keys = signing_keys(&config, &clock, &store, &secrets, program).await?;
    Ok(Booted {
        config,
        clock,
        store,
        secrets,
        signing_keys,
    })
}

/// Sets the clock by the database's, if it is one to be set.
pub(super) async fn correct(clock: &Clock, store: &Store) -> Result<(), StoreError> {
    if let Some(ahead) = store.ahead(clock).await? {
        clock.correct(ahead);
    }
    Ok(())
}

/// Our own keys; the first of each use is made. Of several nodes that start at once one is first, and
/// the others take its key.
async fn signing_keys(
    config: &Config,
    clock: &Clock,
    store: &Store,
    secrets: &Secrets,
    program: &str,
) -> Result<SigningKeys, SigningKeysError> {
    let stored = store.own_keys().await?.keys;
    let signing = config.signing_algorithm;
    for (key_use, kind) in [
        (KeyUse::Signing, signing),
        (KeyUse::Encryption, signing_keys::kind_beside(signing)),
    ] {
        let is_active = |key: &StoredKey| key.key_use == key_use && key.state == KeyState::Active;
        if stored.iter().any(is_active) {
            continue;
        }
        let (state, host) = (KeyState::Active, host(config));
        let first = signing_keys::fresh(key_use, kind, state, &host, clock, secrets)?;
        let (id, algorithm, purpose) = (first.id.as_str(), &first.algorithm, key_use.word());
        let event = AuditEvent {
            detail: Some(format!("{id} ({algorithm}, {purpose})")),
            actor: Some(program.to_owned()),
            ..AuditEvent::new(clock.now(), AuditKind::KeyCreated)
        };
        store.insert_key(&first, event).await?;
    }
    SigningKeys::load(store, secrets, None, &config.denied_algorithms).await
}

/// What the certificate of a key of ours is about.
pub(super) fn host(config: &Config) -> String {
    let url = url::Url::parse(&config.base_url);
    let host = url.ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "doorward".to_owned())
}
