//! What is asked for: this person into that door, answered at a registered endpoint.

use thiserror::Error;

use crate::directory::name::MessageId;
use crate::directory::service_provider::{AcsBinding, AcsEndpoint, Pick, ServiceProvider};

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
#[error("no registered AssertionConsumerService that can be used at {0}")]
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
    /// Among those of one binding: ProtocolBinding, or the way that the request came.
    Bound(AcsBinding, Pick<'a>),
}

impl AcsChoice<'_> {
    /// The registered endpoint that is meant. A browser is sent to none that it cannot use.
    #[must_use]
    pub fn find(self, sp: &ServiceProvider) -> Option<&AcsEndpoint> {
        let browser = AcsBinding::BROWSER;
        match self {
            Self::Default => Some(sp.acs.default_endpoint()),
            Self::Location(location) => sp.acs.pick(browser, Pick::Location(location)),
            Self::Index(index) => sp.acs.pick(browser, Pick::Index(index)),
            Self::Bound(binding, pick) => sp.acs.pick(&[binding], pick),
        }
    }

    /// What was named, for the log, shortened.
    fn named(self) -> String {
        match self {
            Self::Default | Self::Bound(_, Pick::Default) => "the default".to_owned(),
            Self::Location(url) | Self::Bound(_, Pick::Location(url)) => {
                url.chars().take(200).collect()
            }
            Self::Index(index) | Self::Bound(_, Pick::Index(index)) => format!("index {index}"),
        }
    }
}

impl<'sp> SignOn<'sp> {
    /// A sign-on that a request asked for.
    pub fn requested(
        sp: &'sp ServiceProvider,
        choice: AcsChoice<'_>,
        id: Option<MessageId>,
        freshness: Freshness,
    ) -> Result<Self, UnregisteredAcs> {
        let acs = choice.find(sp);
        let acs = acs.ok_or_else(|| UnregisteredAcs(choice.named()))?;
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
