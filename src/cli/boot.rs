//! From a configuration to an open database with its secrets; what is missing is made.

use thiserror::Error;

use super::error::told;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::signing_key::KeyState;
use crate::keystore::decryption_keys::{self, DecryptionKeysError};
use crate::keystore::{
    Keystore, KeystoreError, Secrets, SigningKeys, SigningKeysError, signing_keys,
};
use crate::saml::encryption::DecryptionKeys;
use crate::storage::{Durability, Settings, Store, StoreError};

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
    /// The keys that sign.
    pub signing_keys: SigningKeys,
    /// The keys for what is encrypted to us.
    pub decryption_keys: DecryptionKeys,
}

/// Why the database or the keys could not be opened.
#[derive(Debug, Error)]
pub enum BootError {
    /// The database.
    #[error("{}", told(.0))]
    Store(#[from] StoreError),
    /// The master keys, or what they seal.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The signing keys.
    #[error(transparent)]
    SigningKeys(#[from] SigningKeysError),
    /// The keys for what is encrypted to us.
    #[error(transparent)]
    DecryptionKeys(#[from] DecryptionKeysError),
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
    };
    let store = Store::open_with(&config.database_url, settings).await?;
    let clock = match clock {
        // Nodes that share a database go by its clock.
        Clock::System if store.is_shared() => Clock::to_be_corrected(),
        other => other,
    };
    correct(&clock, &store).await?;
    let keystore = Keystore::open(&config.keys_dir)?;
    let secrets = Secrets::unlock(&store, &keystore, &clock).await?;
    store
        .start(secrets.chain_key(), program.to_owned(), clock.clone())
        .await?;
    let signing_keys = signing_keys(&config, &clock, &store, &secrets, program).await?;
    let decryption_keys = decryption_keys::load(
        &store,
        &secrets,
        &clock,
        decryption_keys::kind_beside(config.signing_algorithm),
        (&host(&config), program),
        &config.denied_algorithms,
    )
    .await?;
    Ok(Booted {
        config,
        clock,
        store,
        secrets,
        signing_keys,
        decryption_keys,
    })
}

/// Sets the clock by the database's, if it is one to be set.
pub(super) async fn correct(clock: &Clock, store: &Store) -> Result<(), StoreError> {
    if let Some(ahead) = store.ahead(clock).await? {
        clock.correct(ahead);
    }
    Ok(())
}

/// The signing keys; the first one is made. Of several nodes that start at once one is first, and
/// the others take its key.
async fn signing_keys(
    config: &Config,
    clock: &Clock,
    store: &Store,
    secrets: &Secrets,
    program: &str,
) -> Result<SigningKeys, SigningKeysError> {
    match SigningKeys::load(store, secrets, None).await {
        Err(SigningKeysError::NoneActive) => {}
        loaded => return loaded,
    }
    let (kind, host) = (config.signing_algorithm, host(config));
    let first = signing_keys::fresh(kind, KeyState::Active, &host, clock, secrets)?;
    let event = AuditEvent {
        detail: Some(format!("{} ({})", first.id.as_str(), first.algorithm)),
        actor: Some(program.to_owned()),
        ..AuditEvent::new(clock.now(), AuditKind::KeyCreated)
    };
    store.insert_signing_key(&first, event).await?;
    SigningKeys::load(store, secrets, None).await
}

/// What the certificate of a key of ours is about.
pub(super) fn host(config: &Config) -> String {
    let url = url::Url::parse(&config.base_url);
    let host = url.ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "doorward".to_owned())
}
