//! The metadata that we consume from others, many service providers at a time: where it is
//! fetched, how a refresh becomes registrations, and who is asked about an entity that nobody
//! registered.
//!
//! What the documents say is read by `saml::aggregate`, and written by `storage`. No rule about
//! who may enter is decided here: a registration from a source stands under the source's rule,
//! which the administrator chose (decision 35).

mod address;
mod entities;
mod fetch;
mod followed;
mod names;
mod obtain;
mod plan;
mod queries;
mod refresh;
mod schedule;

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::clock::Clock;
use crate::config::SourceSettings;
use crate::directory::algorithms::DeniedAlgorithms;
use crate::directory::name::SpId;
use crate::storage::Store;

pub use address::is_public;
pub use fetch::{FetchError, FetchPolicy, Fetched, Post, Request};
pub use obtain::{ObtainError, Obtained};
pub use plan::{Change, Report};
pub use queries::{Answer, Queries};
pub use refresh::{Progress, RefreshError, Refreshed};
pub use schedule::{TICK, next_refresh, next_try};

/// Everything that refreshing needs.
#[derive(Debug, Clone)]
pub struct Sources {
    store: Store,
    clock: Clock,
    policy: FetchPolicy,
    longest: Duration,
    actor: String,
    withdrawn: Option<UnboundedSender<SpId>>,
    denied: DeniedAlgorithms,
    own: Option<String>,
}

impl Sources {
    /// `actor` is who the audit log says has done it.
    #[must_use]
    pub fn new(store: Store, clock: Clock, settings: SourceSettings, actor: String) -> Self {
        Self {
            store,
            clock,
            policy: FetchPolicy::new(settings.fetch_allow),
            longest: settings.max_validity,
            actor,
            withdrawn: None,
            denied: DeniedAlgorithms::default(),
            own: None,
        }
    }

    /// The same, and takes no signature of an algorithm that is denied (C-ALG2).
    #[must_use]
    pub fn denying(self, denied: DeniedAlgorithms) -> Self {
        Self { denied, ..self }
    }

    /// The same, and registers no service provider of our own entityID: in an aggregate that we are in
    /// ourselves somebody else would answer to our name.
    #[must_use]
    pub fn beside(self, own: &str) -> Self {
        let own = Some(own.to_owned());
        Self { own, ..self }
    }

    /// The same, and says of each door that it shuts which it was: the app is to be told.
    #[must_use]
    pub fn saying_what_is_withdrawn(self, to: UnboundedSender<SpId>) -> Self {
        let withdrawn = Some(to);
        Self { withdrawn, ..self }
    }

    /// What may be fetched.
    #[must_use]
    pub const fn policy(&self) -> &FetchPolicy {
        &self.policy
    }
}
