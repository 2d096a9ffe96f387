//! The signing keys, opened: which of them signs for whom.

use std::sync::Arc;
use std::time::Duration;

use openssl::error::ErrorStack;
use thiserror::Error;

use super::{KeystoreError, Secrets};
use crate::clock::{Clock, NoRandomness, random, random_id};
use crate::directory::name::KeyId;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::signing_key::KeyState;
use crate::directory::time::UnixTime;
use crate::saml::signature::{KeyError, KeyKind, SigningKey, generate};
use crate::storage::{Store, StoreError, StoredKey};

/// How long the certificate of a signing key lasts. SPs pin it, so it outlives most of them.
const CERTIFICATE_LIFE: Duration = Duration::from_hours(24 * 3652);

/// Where private keys stand; what is sealed is bound to its place.
const TABLE: &str = "signing_keys";
const COLUMN: &str = "sealed_private_key";

/// All signing keys of one key version, opened once and used for every signature.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    version: i64,
    keys: Vec<OpenedKey>,
    /// Keys that do not open, and why. They sign nothing and are not published.
    broken: Vec<(KeyId, String)>,
    active: Arc<SigningKey>,
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
    #[error("OpenSSL made no signing key: {0}; look at its installation")]
    Generate(#[from] ErrorStack),
    /// What is stored is no key.
    #[error("signing key {id} in the database cannot be used: {cause}; restore the backup")]
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
    ) -> Result<Self, SigningKeysError> {
        let stored = store.signing_keys().await?;
        let (mut keys, mut broken) = (Vec::with_capacity(stored.keys.len()), vec![]);
        for row in &stored.keys {
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
        })
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

/// A fresh key with a self-signed certificate for this host, ready to be stored.
pub fn fresh(
    kind: KeyKind,
    state: KeyState,
    host: &str,
    clock: &Clock,
    secrets: &Secrets,
) -> Result<StoredKey, SigningKeysError> {
    let now = clock.now();
    let not_after = now.plus(CERTIFICATE_LIFE);
    let (from, until) = (now.millis() / 1000, not_after.millis() / 1000);
    let generated = generate(kind, host, from, until, random()?)?;
    seal(
        kind.name(),
        state,
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
    state: KeyState,
    pkcs8: &[u8],
    certificate: Vec<u8>,
    (now, not_after): (UnixTime, UnixTime),
    secrets: &Secrets,
) -> Result<StoredKey, SigningKeysError> {
    let id = KeyId::from_stored(random_id()?);
    let sealed_private_key = secrets.seal_column(TABLE, COLUMN, id.as_str(), pkcs8)?;
    Ok(StoredKey {
        id,
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
    let id = stored.id.as_str();
    let pkcs8 = secrets.unseal_column(TABLE, COLUMN, id, &stored.sealed_private_key)?;
    SigningKey::from_der(&pkcs8, &stored.certificate).map_err(|cause| SigningKeysError::Unusable {
        id: id.to_owned(),
        cause,
    })
}
