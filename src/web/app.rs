//! What every handler has in reach.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::failure::Failure;
use super::flow::Sealer;
use super::metrics::Metrics;
use super::signing::KeyRing;
use crate::authn::password::Passwords;
use crate::clock::{Clock, random_each};
use crate::config::{About, Network};
use crate::directory::algorithms::DeniedAlgorithms;
use crate::directory::name::{MessageId, SpId};
use crate::directory::reason::ReasonCode;
use crate::directory::release::SiteRelease;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::session::SessionLimits;
use crate::directory::time::UnixTime;
use crate::keystore::{Secrets, SigningKeys};
use crate::saml::authn_context::{AuthnContext, ContextOrder};
use crate::saml::authn_request::Receiver;
use crate::saml::encryption::DecryptionKeys;
use crate::saml::name_id::PairwiseSecret;
use crate::saml::response::{Issuer, Stamp};
use crate::saml::signature::VerifyingKey;
use crate::sources::Queries;
use crate::storage::{Store, StoreError};

/// Shared by all handlers; cloning is cheap.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// The parts of an [`App`].
pub struct Inner {
    /// What the configuration says about this site.
    pub site: Site,
    /// Where time comes from.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Seals what was asked.
    pub(super) sealer: Sealer,
    pub(super) key_ring: KeyRing,
    pub(super) metrics: Metrics,
    /// Checks and hashes passwords.
    pub passwords: Passwords,
    /// Who issues.
    pub(super) issuer: Issuer,
    /// What requests are held against, but for the keys of the moment ([`super::signing::Current`]).
    pub(super) receiver: Receiver,
    /// The same at the address that WSO2's servers have.
    pub(super) samlsso_receiver: Receiver,
    /// The last messages of each SP.
    pub(super) traces: super::trace::Traces,
    registrations: Mutex<HashMap<SpId, Arc<Registered>>>,
    pub(super) metadata: Mutex<Option<super::metadata::Published>>,
    draining: AtomicBool,
}

/// What the configuration says, as far as HTTP is concerned.
#[derive(Debug, Clone)]
pub struct Site {
    /// What browsers see, without a trailing slash.
    pub base_url: String,
    /// Our entityID.
    pub entity_id: String,
    /// Limits of sessions.
    pub limits: SessionLimits,
    /// Tolerance for others' clocks.
    pub clock_skew: Duration,
    /// Algorithms that are neither used nor accepted.
    pub denied_algorithms: DeniedAlgorithms,
    /// Authentication contexts by their strength.
    pub authn_contexts: ContextOrder,
    /// Whether failed sign-ins make the next one wait.
    pub throttle: bool,
    /// Whom people ask where the SP names nobody.
    pub contact: Option<String>,
    /// Whether `/metrics` is served at an address of its own.
    pub metrics_elsewhere: bool,
    /// What our metadata tells about us.
    pub about: About,
    /// The domain whose servers may know where a browser has signed in (Profiles 4.3).
    pub common_domain: Option<String>,
    /// Whether requests without a signature are refused, whoever sends them.
    pub require_signed_requests: bool,
    /// Whose forwarded headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// What is released by rules of the site.
    pub release: SiteRelease,
    /// Who asks about an entity that nobody registered; nothing: nobody.
    pub queries: Option<Queries>,
}

impl Site {
    /// Whether browsers reach it by TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }

    /// Whether a password reaches it unseen by the network: by TLS, or on the machine itself.
    fn protects_passwords(&self) -> bool {
        self.is_https()
            || url::Url::parse(&self.base_url)
                .is_ok_and(|url| crate::directory::service_provider::is_loopback(&url))
    }

    /// Whether a peer may say for whom it speaks.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(peer))
    }
}

/// A registration with its keys parsed, cached under its version.
pub(super) struct Registered {
    pub(super) sp: ServiceProvider,
    pub(super) keys: Vec<VerifyingKey>,
}

impl Registered {
    fn new(mut sp: ServiceProvider, site: &Site) -> Self {
        // What the site demands of all is demanded of each.
        sp.policy.require_signed_requests |= site.require_signed_requests;
        // Each was tried out when it was registered. One that OpenSSL does not take any more
        // verifies nothing, and where signatures are required the door then stays closed.
        let certificates = sp
            .certificates
            .iter()
            .map(|der| VerifyingKey::from_certificate_der(der));
        let bare = sp
            .bare_keys
            .iter()
            .map(|der| VerifyingKey::from_public_key_der(der));
        let keys = certificates.chain(bare).filter_map(Result::ok);
        let denied = &site.denied_algorithms;
        let keys = keys.map(|key| key.denying(denied)).collect();
        Self { sp, keys }
    }
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        site: Site,
        clock: Clock,
        store: Store,
        secrets: &Secrets,
        signing_keys: SigningKeys,
        passwords: Passwords,
    ) -> Self {
        let issuer = Issuer {
            entity_id: site.entity_id.clone(),
            pairwise_secret: PairwiseSecret::new(*secrets.pairwise_secret()),
            limits: site.limits,
            release: site.release.clone(),
            denied: site.denied_algorithms.clone(),
        };
        let receiver = Receiver {
            entity_id: site.entity_id.clone(),
            sso_location: format!("{}/saml/sso", site.base_url),
            ecp_location: format!("{}/saml/ecp", site.base_url),
            context: AuthnContext::of_password(site.protects_passwords()),
            contexts: site.authn_contexts.clone(),
            clock_skew: site.clock_skew,
            // Those of the moment are put in with the keys of each version.
            decryption: DecryptionKeys::default(),
        };
        let samlsso_receiver = Receiver {
            sso_location: format!("{}/samlsso", site.base_url),
            ..receiver.clone()
        };
        let metrics = Metrics::new(clock.now());
        Self(Arc::new(Inner {
            site,
            clock,
            store,
            sealer: Sealer::new(secrets.clone()),
            key_ring: KeyRing::new(
                signing_keys,
                secrets.clone(),
                (&receiver, &samlsso_receiver),
            ),
            metrics,
            passwords,
            issuer,
            samlsso_receiver,
            receiver,
            traces: super::trace::Traces::default(),
            registrations: Mutex::default(),
            metadata: Mutex::default(),
            draining: AtomicBool::new(false),
        }))
    }

    /// From now on it says that it is not ready, and each answer closes its connection: the proxy is
    /// to turn to other nodes.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The instant now.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// The instant and fresh ids of one Response.
    pub(super) fn stamp(&self) -> Result<Stamp, Failure> {
        self.stamp_with_index().map(|(stamp, _)| stamp)
    }

    /// The same, and a SessionIndex for an SP that has none yet in the session.
    pub(super) fn stamp_with_index(&self) -> Result<(Stamp, MessageId), Failure> {
        let random = random_each().map_err(Failure::internal)?;
        let [response_id, assertion_id, index] = random.map(MessageId::from_random);
        let stamp = Stamp {
            now: self.now(),
            response_id,
            assertion_id,
        };
        Ok((stamp, index))
    }

    /// The registration in this version, from memory if it is there.
    pub(super) async fn registration(
        &self,
        id: &SpId,
        version: i64,
    ) -> Result<Arc<Registered>, Failure> {
        let known = self.registrations().get(id).cloned();
        match known.filter(|known| known.sp.version == version) {
            Some(known) => Ok(known),
            None => Box::pin(self.read_registration(id)).await,
        }
    }

    async fn read_registration(&self, id: &SpId) -> Result<Arc<Registered>, Failure> {
        let read = match self.store.sp_by_id(id).await {
            // What no hand of ours has written has no rule that can be relied on: closed.
            Err(error @ StoreError::Inconsistent { .. }) => {
                tracing::error!(sp = id.as_str(), %error, "a registration cannot be read");
                return Err(Failure::of(ReasonCode::ClosedRule).because(error));
            }
            read => read?,
        };
        let sp = read.ok_or_else(|| Failure::of(ReasonCode::UnknownIssuer))?;
        let registered = Arc::new(Registered::new(sp, &self.site));
        self.registrations().insert(id.clone(), registered.clone());
        Ok(registered)
    }

    /// Forgets what was read from the database.
    pub(super) fn forget(&self) {
        self.registrations().clear();
        let published = self.metadata.lock();
        *published.unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn registrations(&self) -> std::sync::MutexGuard<'_, HashMap<SpId, Arc<Registered>>> {
        // A map of Arcs is whole whatever happened to another thread.
        self.registrations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
