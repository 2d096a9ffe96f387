//! Which key signs and which decrypt, as fresh as the database has it: a key that was activated or
//! removed counts at the next request, on every node, without a restart (decision 33).

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::App;
use super::failure::Failure;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::time::UnixTime;
use crate::keystore::{Secrets, SigningKeys, SigningKeysError};
use crate::saml::authn_request::Receiver;
use crate::saml::signature::{SignError, SigningKey};
use crate::storage::epoch_of;

/// How long a key that has just signed is believed to sign (`/readyz`).
const BELIEVED: Duration = Duration::from_secs(5);

/// The signing keys in memory, and what it takes to read them again.
pub(super) struct KeyRing {
    current: RwLock<Arc<Current>>,
    /// One request loads; those that come meanwhile wait for it.
    loading: tokio::sync::Mutex<()>,
    secrets: Secrets,
    /// Under which key version the active key has signed last, and when.
    proven: Mutex<Option<(i64, UnixTime)>>,
}

/// The keys of one version, and what requests are held against with them.
pub(super) struct Current {
    keys: SigningKeys,
    receiver: Receiver,
    samlsso_receiver: Receiver,
}

impl Deref for Current {
    type Target = SigningKeys;

    fn deref(&self) -> &SigningKeys {
        &self.keys
    }
}

impl Current {
    fn of(keys: SigningKeys, receiver: &Receiver, samlsso_receiver: &Receiver) -> Self {
        let with_keys = |receiver: &Receiver| Receiver {
            decryption: keys.decryption().clone(),
            ..receiver.clone()
        };
        Self {
            receiver: with_keys(receiver),
            samlsso_receiver: with_keys(samlsso_receiver),
            keys,
        }
    }

    /// What requests that come to an address of ours are held against.
    pub(super) fn receiver_at(&self, address: Address) -> &Receiver {
        match address {
            Address::Own => &self.receiver,
            Address::Samlsso => &self.samlsso_receiver,
        }
    }
}

/// Where a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// `/saml/sso`, or by an enhanced client `/saml/ecp`.
    Own,
    /// The address that WSO2's servers have.
    Samlsso,
}

impl KeyRing {
    pub(super) fn new(
        keys: SigningKeys,
        secrets: Secrets,
        (receiver, samlsso_receiver): (&Receiver, &Receiver),
    ) -> Self {
        let current = Current::of(keys, receiver, samlsso_receiver);
        Self {
            current: RwLock::new(Arc::new(current)),
            loading: tokio::sync::Mutex::new(()),
            secrets,
            proven: Mutex::default(),
        }
    }

    fn current(&self) -> Arc<Current> {
        // An Arc is whole whatever happened to another thread.
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }
}

impl App {
    /// The key that signs whatever is sent to this SP: the one that it is held at, else the active
    /// one, in the algorithms that the SP takes (C-ALG3). There is no other way to sign towards an SP.
    pub(super) fn signing_key_for(&self, sp: &ServiceProvider) -> Result<SigningKey, Failure> {
        let keys = self.key_ring.current();
        let key = keys.of(sp).ok_or_else(|| {
            Failure::internal("the signing key that it is held at does not open").at(sp)
        })?;
        let key = key.towards(sp, &self.site.denied_algorithms);
        key.map_err(|error| {
            Failure::of(ReasonCode::NoCommonAlgorithm)
                .because(error)
                .at(sp)
        })
    }

    /// The keys of the version that was read last: with the door that a message is for.
    pub(super) fn current_keys(&self) -> Arc<Current> {
        self.key_ring.current()
    }

    /// Makes the keys in memory those of a key version that was just read, with the facts of a
    /// decision or otherwise. Costs nothing where they are.
    pub(super) async fn use_keys_of(&self, version: i64) -> Result<(), SigningKeysError> {
        if self.key_ring.current().version() == version {
            return Ok(());
        }
        Box::pin(self.load_keys_of(version)).await
    }

    async fn load_keys_of(&self, version: i64) -> Result<(), SigningKeysError> {
        let _alone = self.key_ring.loading.lock().await;
        let before = self.key_ring.current();
        if before.version() == version {
            return Ok(());
        }
        let (secrets, denied) = (&self.key_ring.secrets, &self.site.denied_algorithms);
        let keys = SigningKeys::load(&self.store, secrets, Some(&before), denied).await?;
        if epoch_of(keys.version()) != epoch_of(before.version()) {
            tracing::warn!("the database was filled anew: nothing of before is remembered");
            self.store.begin_anew().await?;
            self.forget();
        }
        let (version, active) = (keys.version(), keys.active().id());
        tracing::info!(version, active, "signing keys loaded");
        let new = Current::of(keys, &self.receiver, &self.samlsso_receiver);
        let current = self.key_ring.current.write();
        *current.unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        Ok(())
    }

    /// The keys as the database has them now, for answers that no decision precedes.
    pub(super) async fn signing_keys(&self) -> Result<Arc<Current>, Failure> {
        let version = self.store.signing_key_version().await?;
        self.use_keys_of(version).await?;
        Ok(self.key_ring.current())
    }

    /// Looks whether the keys, or the whole database, are others by now: also at a node that nobody
    /// asks anything.
    pub(crate) async fn keep_up(&self) -> Result<(), String> {
        let keys = self.signing_keys().await;
        keys.map(drop).map_err(|failure| failure.to_string())
    }

    /// Whether the active key signs; tried once for each load, and again after a few seconds.
    pub(super) fn prove_signing(&self) -> Result<(), SignError> {
        let (keys, now) = (self.key_ring.current(), self.now());
        let mut proven = self
            .key_ring
            .proven
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |(version, at): (i64, UnixTime)| {
            version == keys.version() && now >= at && now.since(at) < BELIEVED
        };
        if !proven.is_some_and(is_fresh) {
            keys.active().sign_octets(b"ready?")?;
            *proven = Some((keys.version(), now));
        }
        Ok(())
    }
}

impl From<SigningKeysError> for Failure {
    fn from(error: SigningKeysError) -> Self {
        match error {
            SigningKeysError::Store(error) => error.into(),
            other => Self::of(ReasonCode::Internal).because(other),
        }
    }
}
