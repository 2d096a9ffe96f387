//! Our own keys for what SPs encrypt to us: RSA keys of their own, since signing keys may be EC and
//! since a key has one use (decision 29).

use std::time::Duration;

use openssl::error::ErrorStack;
use thiserror::Error;

use super::{KeystoreError, Secrets};
use crate::clock::{Clock, NoRandomness, random, random_id};
use crate::directory::algorithms::DeniedAlgorithms;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::KeyId;
use crate::saml::encryption::{DecryptionKey, DecryptionKeys};
use crate::saml::signature::{KeyError, KeyKind, KeyUse, generate_for};
use crate::storage::{Store, StoreError, StoredEncryptionKey};

/// How long the certificate lasts. Only its key counts, so it outlives most SPs.
const CERTIFICATE_LIFE: Duration = Duration::from_hours(24 * 3652);

/// Where private keys stand; what is sealed is bound to its place.
const TABLE: &str = "encryption_keys";
const COLUMN: &str = "sealed_private_key";

/// Why there are no keys for decryption.
#[derive(Debug, Error)]
pub enum DecryptionKeysError {
    /// The database.
    #[error("{0}; look at the database")]
    Store(#[from] StoreError),
    /// The master keys, or what they seal.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// A key could not be made.
    #[error("OpenSSL made no encryption key: {0}; look at its installation")]
    Generate(#[from] ErrorStack),
    /// A stored key is none.
    #[error("an encryption key in the database cannot be used: {0}; restore the backup")]
    Key(#[from] KeyError),
    /// No randomness.
    #[error("{0}; look at the operating system's source of randomness")]
    NoRandomness(#[from] NoRandomness),
}

/// The kind of a key for decryption beside this kind of signing key: always RSA.
#[must_use]
pub fn kind_beside(signing: KeyKind) -> KeyKind {
    match signing {
        KeyKind::Rsa2048 | KeyKind::Rsa4096 => signing,
        KeyKind::Rsa3072 | KeyKind::P256 | KeyKind::P384 => KeyKind::Rsa3072,
    }
}

/// All keys for decryption, the current one first. The first one is made; of several nodes that
/// start at once one is first, and the others take its key.
pub async fn load(
    store: &Store,
    secrets: &Secrets,
    clock: &Clock,
    kind: KeyKind,
    (host, program): (&str, &str),
    denied: &DeniedAlgorithms,
) -> Result<DecryptionKeys, DecryptionKeysError> {
    let mut stored = store.encryption_keys().await?;
    if !stored.iter().any(|key| key.is_current) {
        let first = fresh(kind, host, clock, secrets)?;
        let event = AuditEvent {
            detail: Some(format!(
                "{} ({}, encryption)",
                first.id.as_str(),
                first.algorithm
            )),
            actor: Some(program.to_owned()),
            ..AuditEvent::new(clock.now(), AuditKind::KeyCreated)
        };
        store.insert_encryption_key(&first, event).await?;
        stored = store.encryption_keys().await?;
    }
    let keys: Result<Vec<_>, _> = stored.iter().map(|key| open(key, secrets)).collect();
    Ok(DecryptionKeys::new(keys?, denied.clone()))
}

fn open(
    stored: &StoredEncryptionKey,
    secrets: &Secrets,
) -> Result<DecryptionKey, DecryptionKeysError> {
    let sealed = &stored.sealed_private_key;
    let pkcs8 = secrets.unseal_column(TABLE, COLUMN, stored.id.as_str(), sealed)?;
    Ok(DecryptionKey::from_der(&pkcs8, &stored.certificate)?)
}

fn fresh(
    kind: KeyKind,
    host: &str,
    clock: &Clock,
    secrets: &Secrets,
) -> Result<StoredEncryptionKey, DecryptionKeysError> {
    let now = clock.now();
    let not_after = now.plus(CERTIFICATE_LIFE);
    let seconds = (now.millis() / 1000, not_after.millis() / 1000);
    let generated = generate_for(KeyUse::Encryption, kind, host, seconds, random()?)?;
    let id = KeyId::from_stored(random_id()?);
    let sealed = secrets.seal_column(TABLE, COLUMN, id.as_str(), &generated.pkcs8)?;
    Ok(StoredEncryptionKey {
        id,
        is_current: true,
        algorithm: kind.name().to_owned(),
        certificate: generated.certificate,
        sealed_private_key: sealed,
        created_at: now,
        not_after,
    })
}
