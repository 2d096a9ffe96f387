//! From a configuration to an open database with its secrets; what is missing is made.

use std::time::Duration;

use openssl::error::ErrorStack;
use thiserror::Error;

use super::error::told;
use crate::clock::{Clock, NoRandomness, random, random_id};
use crate::config::{self, Config};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::KeyId;
use crate::keystore::{Keystore, KeystoreError, Secrets};
use crate::saml::signature::{KeyError, SigningKey, generate};
use crate::storage::{Durability, Store, StoreError, StoredKey};

/// How long the certificate of a signing key lasts. SPs pin it, so it outlives most of them.
const CERTIFICATE_LIFE: Duration = Duration::from_hours(24 * 3652);

/// Where private keys stand; what is sealed is bound to its place.
const TABLE: &str = "signing_keys";
const COLUMN: &str = "sealed_private_key";

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
    /// The key that signs.
    pub signing_key: SigningKey,
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
    /// A signing key could not be made.
    #[error("OpenSSL made no signing key: {0}; look at its installation")]
    Generate(#[from] ErrorStack),
    /// The stored signing key is none.
    #[error("the signing key in the database cannot be used: {0}; restore the backup")]
    SigningKey(#[from] KeyError),
    /// No randomness.
    #[error("{0}; look at the operating system's source of randomness")]
    NoRandomness(#[from] NoRandomness),
    /// There is no active signing key though one was made.
    #[error("the database has no active signing key; restore the backup")]
    NoSigningKey,
}

/// Opens what the configuration names. `program` names this process in the audit log.
pub async fn boot(config: Config, clock: Clock, program: &str) -> Result<Booted, BootError> {
    let durability = match config.durability {
        config::Durability::Full => Durability::Full,
        config::Durability::Normal => Durability::Normal,
    };
    let store = Store::open(&config.database_url, durability).await?;
    let keystore = Keystore::open(&config.keys_dir)?;
    let secrets = Secrets::unlock(&store, &keystore, &clock).await?;
    store
        .start(secrets.chain_key(), program.to_owned(), clock.clone())
        .await?;
    let signing_key = signing_key(&config, &clock, &store, &secrets, program).await?;
    Ok(Booted {
        config,
        clock,
        store,
        secrets,
        signing_key,
    })
}

/// The active signing key; the first one is made. Of several nodes one is first, and the others
/// take its key.
async fn signing_key(
    config: &Config,
    clock: &Clock,
    store: &Store,
    secrets: &Secrets,
    program: &str,
) -> Result<SigningKey, BootError> {
    if let Some(stored) = active(store).await? {
        return open_key(&stored, secrets);
    }
    let fresh = first_key(config, clock, secrets)?;
    let event = AuditEvent {
        detail: Some(format!("{} ({})", fresh.id.as_str(), fresh.algorithm)),
        actor: Some(program.to_owned()),
        ..AuditEvent::new(clock.now(), AuditKind::KeyCreated)
    };
    store.insert_signing_key(&fresh, event).await?;
    let stored = active(store).await?.ok_or(BootError::NoSigningKey)?;
    open_key(&stored, secrets)
}

async fn active(store: &Store) -> Result<Option<StoredKey>, StoreError> {
    let keys = store.signing_keys().await?;
    Ok(keys.into_iter().find(|key| key.state == "active"))
}

fn open_key(stored: &StoredKey, secrets: &Secrets) -> Result<SigningKey, BootError> {
    let sealed = &stored.sealed_private_key;
    let pkcs8 = secrets.unseal_column(TABLE, COLUMN, stored.id.as_str(), sealed)?;
    Ok(SigningKey::from_der(&pkcs8, &stored.certificate)?)
}

fn first_key(config: &Config, clock: &Clock, secrets: &Secrets) -> Result<StoredKey, BootError> {
    let now = clock.now();
    let not_after = now.plus(CERTIFICATE_LIFE);
    let kind = config.signing_algorithm;
    let host = url::Url::parse(&config.base_url);
    let host = host.ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_else(|| "doorward".to_owned());
    let generated = generate(
        kind,
        &host,
        now.millis() / 1000,
        not_after.millis() / 1000,
        random()?,
    )?;
    let id = KeyId::from_stored(random_id()?);
    let sealed = secrets.seal_column(TABLE, COLUMN, id.as_str(), &generated.pkcs8)?;
    Ok(StoredKey {
        id,
        state: "active".to_owned(),
        algorithm: kind.name().to_owned(),
        certificate: generated.certificate,
        sealed_private_key: sealed,
        created_at: now,
        not_after,
    })
}
