//! What is asked for: this person into that door, answered at a registered endpoint.

use thiserror::Error;

use crate::directory::name::MessageId;
use crate::directory::service_provider::{AcsEndpoint, ServiceProvider};

/// A wish to enter. An endpoint that is not registered for the SP cannot be named in it.
#[derive(Debug)]
pub struct SignOn<'sp> {
    sp: &'sp ServiceProvider,
    acs: &'sp AcsEndpoint,
    in_response_to: Option<MessageId>,
    freshness: Freshness,
}

/// How fresh the sign-in has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// Any live session will do.
    AnySession,
    /// ForceAuthn, or "sign in as someone else", before anybody has signed in for it.
    SignInAgain,
    /// The same after the sign-in page: a sign-in made for the flow with this hash, used up once
    /// (decision 9).
    SignedInFor(String),
}

/// No endpoint of the SP fits what was asked for (Core 3.4.1, Profiles 4.1.4.1).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no registered AssertionConsumerService for HTTP-POST at {0}")]
pub struct UnregisteredAcs(pub String);

/// How a request chose its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcsChoice<'a> {
    /// It left the choice to the metadata.
    Default,
    /// AssertionConsumerServiceURL.
    Location(&'a str),
    /// AssertionConsumerServiceIndex.
    Index(u16),
}

impl<'sp> SignOn<'sp> {
    /// A sign-on that a request asked for.
    pub fn requested(
        sp: &'sp ServiceProvider,
        choice: AcsChoice<'_>,
        id: Option<MessageId>,
        freshness: Freshness,
    ) -> Result<Self, UnregisteredAcs> {
        let acs = match choice {
            AcsChoice::Default => Some(sp.acs.default_endpoint()),
            AcsChoice::Location(url) => sp.acs.by_location(url),
            AcsChoice::Index(index) => sp.acs.by_index(index),
        };
        let named = || match choice {
            AcsChoice::Default => "the default".to_owned(),
            AcsChoice::Location(url) => url.chars().take(200).collect(),
            AcsChoice::Index(index) => format!("index {index}"),
        };
        let acs = acs.ok_or_else(|| UnregisteredAcs(named()))?;
        Ok(Self {
            sp,
            acs,
            in_response_to: id,
            freshness,
        })
    }

    /// A sign-on that nobody requested: IdP-initiated, the launcher, a dry run. It goes to the
    /// default endpoint and answers no request (Profiles 4.1.5).
    #[must_use]
    pub fn unsolicited(sp: &'sp ServiceProvider) -> Self {
        let acs = sp.acs.default_endpoint();
        Self {
            sp,
            acs,
            in_response_to: None,
            freshness: Freshness::AnySession,
        }
    }

    /// The door.
    #[must_use]
    pub fn sp(&self) -> &'sp ServiceProvider {
        self.sp
    }

    /// Where the answer will go.
    #[must_use]
    pub fn acs(&self) -> &'sp AcsEndpoint {
        self.acs
    }

    /// The ID of the request.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.in_response_to.as_ref().map(MessageId::as_str)
    }

    /// How fresh the sign-in has to be.
    #[must_use]
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}
