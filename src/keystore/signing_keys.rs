//! Our own keys, opened: which of them signs for whom, and what opens what is encrypted to us.
//! The latter are RSA keys of their own, since signing keys may be EC (decision 29).

use std::sync::Arc;
use std::time::Duration;

use openssl::error::ErrorStack;
use thiserror::Error;

use super::{KeystoreError, Secrets};
use crate::clock::{Clock, NoRandomness, random, random_id};
use crate::directory::algorithms::DeniedAlgorithms;
use crate::directory::name::KeyId;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::signing_key::{KeyState, KeyUse};
use crate::directory::time::UnixTime;
use crate::saml::encryption::{DecryptionKey, DecryptionKeys};
use crate::saml::signature::{KeyError, KeyKind, SigningKey, generate_for};
use crate::storage::{Store, StoreError, StoredKey};

/// How long the certificate of a key lasts. SPs pin it, so it outlives most of them.
const CERTIFICATE_LIFE: Duration = Duration::from_hours(24 * 3652);

/// Where private keys stand; what is sealed is bound to its place.
const COLUMN: &str = "sealed_private_key";

const fn table(key_use: KeyUse) -> &'static str {
    match key_use {
        KeyUse::Signing => "signing_keys",
        KeyUse::Encryption => "encryption_keys",
    }
}

/// All keys of one key version, opened once and used for every message.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    version: i64,
    keys: Vec<OpenedKey>,
    /// Keys of either use that do not open, and why. They do nothing and are not published.
    broken: Vec<(KeyId, String)>,
    active: Arc<SigningKey>,
    decryption: DecryptionKeys,
    encryption: Vec<EncryptionKey>,
}

/// One key with what its row says.
#[derive(Debug, Clone)]
pub struct OpenedKey {
    /// Its id.
    pub id: KeyId,
    /// Where it stands.
    pub state: KeyState,
    /// When its certificate ends.
    pub not_after: UnixTime,
    /// The key.
    pub key: Arc<SigningKey>,
}

/// What the row of a key says that is encrypted to.
#[derive(Debug, Clone)]
pub struct EncryptionKey {
    /// Its id.
    pub id: KeyId,
    /// Where it stands.
    pub state: KeyState,
    /// When its certificate ends.
    pub not_after: UnixTime,
}

/// Why there are no signing keys to work with.
#[derive(Debug, Error)]
pub enum SigningKeysError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A private key does not open.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// A signing key could not be made.
    #[error("OpenSSL made no key: {0}; look at its installation")]
    Generate(#[from] ErrorStack),
    /// What is stored is no key.
    #[error("key {id} in the database cannot be used: {cause}; restore the backup")]
    Unusable {
        /// Which.
        id: String,
        /// What is wrong with it.
        cause: KeyError,
    },
    /// No randomness.
    #[error("{0}; look at the operating system's source of randomness")]
    NoRandomness(#[from] NoRandomness),
    /// There is no active signing key.
    #[error("the database has no active signing key; restore the backup")]
    NoneActive,
}

impl SigningKeys {
    /// Opens the keys as the database holds them now. Those that `before` holds open are not
    /// opened again.
    pub async fn load(
        store: &Store,
        secrets: &Secrets,
        before: Option<&Self>,
        denied: &DeniedAlgorithms,
    ) -> Result<Self, SigningKeysError> {
        let stored = store.own_keys().await?;
        let (mut keys, mut broken) = (Vec::with_capacity(stored.keys.len()), vec![]);
        let is_for = |key_use| move |row: &&StoredKey| row.key_use == key_use;
        let rows = stored.keys.iter().filter(is_for(KeyUse::Encryption));
        let mut rows: Vec<&StoredKey> = rows.collect();
        // The published one comes first.
        rows.sort_by_key(|row| row.state != KeyState::Active);
        let (decryption, encryption) =
            open_all_for_decryption(rows.into_iter(), secrets, &mut broken);
        for row in stored.keys.iter().filter(is_for(KeyUse::Signing)) {
            let known = before.and_then(|keys| keys.by_id(&row.id));
            let key = match known.filter(|key| key.certificate_der() == row.certificate) {
                Some(key) => Arc::clone(key),
                None => match open(row, secrets) {
                    Ok(key) => Arc::new(key),
                    Err(error) if row.state == KeyState::Active => return Err(error),
                    // Whoever is not held at it can do without; who is gets no other instead.
                    Err(error) => {
                        tracing::error!(key = row.id.as_str(), %error, "signing key unusable");
                        broken.push((row.id.clone(), error.to_string()));
                        continue;
                    }
                },
            };
            keys.push(OpenedKey {
                id: row.id.clone(),
                state: row.state,
                not_after: row.not_after,
                key,
            });
        }
        let active = keys.iter().find(|key| key.state == KeyState::Active);
        let active = active.map(|active| Arc::clone(&active.key));
        Ok(Self {
            version: stored.version,
            keys,
            broken,
            active: active.ok_or(SigningKeysError::NoneActive)?,
            decryption: DecryptionKeys::new(decryption, denied.clone()),
            encryption,
        })
    }

    /// Everything that opens what is encrypted to us; the first of them is published.
    #[must_use]
    pub fn decryption(&self) -> &DecryptionKeys {
        &self.decryption
    }

    /// What is known of the keys that are encrypted to.
    #[must_use]
    pub fn encryption(&self) -> &[EncryptionKey] {
        &self.encryption
    }

    /// The key version that they were read under.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The key that signs for every SP that is not held at another, and our metadata.
    #[must_use]
    pub fn active(&self) -> &Arc<SigningKey> {
        &self.active
    }

    /// All keys, the oldest first: those that our metadata publishes.
    #[must_use]
    pub fn all(&self) -> &[OpenedKey] {
        &self.keys
    }

    /// Keys of the database that do not open, and why.
    #[must_use]
    pub fn broken(&self) -> &[(KeyId, String)] {
        &self.broken
    }

    /// The key that signs towards this SP: the one that it is held at, else the active one. `None`:
    /// it is held at a key that does not open.
    ///
    /// An SP whose key is gone has been let go to the active one, which the database saw to before
    /// it removed the key; the registration at hand is then a moment old.
    #[must_use]
    pub fn of(&self, sp: &ServiceProvider) -> Option<&Arc<SigningKey>> {
        let Some(held) = &sp.policy.signing_key else {
            return Some(&self.active);
        };
        if self.broken.iter().any(|(id, _)| id == held) {
            return None;
        }
        Some(self.by_id(held).unwrap_or(&self.active))
    }

    fn by_id(&self, id: &KeyId) -> Option<&Arc<SigningKey>> {
        let found = self.keys.iter().find(|key| key.id == *id);
        found.map(|found| &found.key)
    }
}

/// The kind of an encryption key beside this kind of signing key: always RSA.
#[must_use]
pub fn kind_beside(signing: KeyKind) -> KeyKind {
    match signing {
        KeyKind::Rsa2048 | KeyKind::Rsa4096 => signing,
        KeyKind::Rsa3072 | KeyKind::P256 | KeyKind::P384 => KeyKind::Rsa3072,
    }
}

/// A fresh key with a self-signed certificate for this host, ready to be stored.
pub fn fresh(
    key_use: KeyUse,
    kind: KeyKind,
    state: KeyState,
    host: &str,
    clock: &Clock,
    secrets: &Secrets,
) -> Result<StoredKey, SigningKeysError> {
    let now = clock.now();
    let not_after = now.plus(CERTIFICATE_LIFE);
    let validity = (now.millis() / 1000, not_after.millis() / 1000);
    let generated = generate_for(key_use, kind, host, validity, random()?)?;
    seal(
        kind.name(),
        (key_use, state),
        &generated.pkcs8,
        generated.certificate,
        (now, not_after),
        secrets,
    )
}

/// A row of a private key (PKCS #8, DER) and its certificate (DER), which are made or brought in
/// `at.0`; the certificate ends at `at.1`.
pub fn seal(
    algorithm: &str,
    (key_use, state): (KeyUse, KeyState),
    pkcs8: &[u8],
    certificate: Vec<u8>,
    (now, not_after): (UnixTime, UnixTime),
    secrets: &Secrets,
) -> Result<StoredKey, SigningKeysError> {
    let id = KeyId::from_stored(random_id()?);
    let sealed_private_key = secrets.seal_column(table(key_use), COLUMN, id.as_str(), pkcs8)?;
    Ok(StoredKey {
        id,
        key_use,
        state,
        state_since: now,
        algorithm: algorithm.to_owned(),
        certificate,
        sealed_private_key,
        created_at: now,
        not_after,
    })
}

fn open(stored: &StoredKey, secrets: &Secrets) -> Result<SigningKey, SigningKeysError> {
    let key = SigningKey::from_der(&unseal(stored, secrets)?, &stored.certificate);
    key.map_err(|cause| unusable(stored, cause))
}

fn open_for_decryption(
    stored: &StoredKey,
    secrets: &Secrets,
) -> Result<DecryptionKey, SigningKeysError> {
    let key = DecryptionKey::from_der(&unseal(stored, secrets)?, &stored.certificate);
    key.map_err(|cause| unusable(stored, cause))
}

/// A key that does not open opens nothing; the others do what they did.
fn open_all_for_decryption<'k>(
    stored: impl Iterator<Item = &'k StoredKey>,
    secrets: &Secrets,
    broken: &mut Vec<(KeyId, String)>,
) -> (Vec<DecryptionKey>, Vec<EncryptionKey>) {
    let (mut opened, mut known) = (vec![], vec![]);
    for row in stored {
        match open_for_decryption(row, secrets) {
            Ok(key) => opened.push(key),
            Err(error) => {
                tracing::error!(key = row.id.as_str(), %error, "encryption key unusable");
                broken.push((row.id.clone(), error.to_string()));
            }
        }
        known.push(EncryptionKey {
            id: row.id.clone(),
            state: row.state,
            not_after: row.not_after,
        });
    }
    (opened, known)
}

fn unseal(stored: &StoredKey, secrets: &Secrets) -> Result<Vec<u8>, SigningKeysError> {
    let (table, id) = (table(stored.key_use), stored.id.as_str());
    Ok(secrets.unseal_column(table, COLUMN, id, &stored.sealed_private_key)?)
}

fn unusable(stored: &StoredKey, cause: KeyError) -> SigningKeysError {
    let id = stored.id.as_str().to_owned();
    SigningKeysError::Unusable { id, cause }
}
