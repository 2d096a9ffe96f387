//! What a request asks for, as it travels on in a sealed token or waits behind an artifact.

use serde::{Deserialize, Serialize};

use super::ChannelBinding;
use crate::access::AcsChoice;
use crate::directory::service_provider::{AcsBinding, NameIdFormat, Pick};
use crate::saml::authn_context::AuthnContext;

/// What an SP asks for, in a form that a sealed token can carry (decision 9). It holds what was
/// asked, never what was proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The request's ID; none for what nobody requested.
    pub id: Option<String>,
    /// Where the answer is wanted.
    pub acs: AskedAcs,
    /// To be returned unchanged.
    pub relay_state: Option<String>,
    /// ForceAuthn.
    pub force_authn: bool,
    /// IsPassive.
    pub is_passive: bool,
    /// Whether the request was signed, and well.
    pub signed: bool,
    /// The NameID asked for.
    pub name_id: AskedNameId,
    /// The class to assert, chosen from those asked for.
    pub context: AuthnContext,
    /// The Subject that the answer has to match.
    pub subject: Option<AskedSubject>,
    /// AttributeConsumingServiceIndex: which of its lists of attributes is wanted.
    #[serde(default)]
    pub attribute_service: Option<u16>,
    /// The channel that an enhanced client and the SP have proved to share.
    #[serde(default)]
    pub channel: Option<ChannelBinding>,
    /// A fresh key for an enhanced client and the SP, where the client asks for one. It never
    /// travels with what was asked.
    #[serde(skip)]
    pub session_key: Option<String>,
}

/// How a request chose its endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskedAcs {
    /// It did not.
    Default,
    /// By URL.
    Location(String),
    /// By index.
    Index(u16),
    /// Among those of one binding: ProtocolBinding, with or without a URL.
    Bound(AskedBinding, Option<String>),
    /// By index, among those of enhanced clients.
    PaosIndex(u16),
}

/// The bindings that a request may ask for in its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskedBinding {
    /// HTTP-POST.
    Post,
    /// HTTP-Artifact.
    Artifact,
    /// PAOS, the one by which an enhanced client takes it on.
    Paos,
}

impl AskedAcs {
    /// The choice, as the decision takes it.
    pub(super) fn choice(&self) -> AcsChoice<'_> {
        match self {
            Self::Default => AcsChoice::Default,
            Self::Location(location) => AcsChoice::Location(location),
            Self::Index(index) => AcsChoice::Index(*index),
            Self::PaosIndex(index) => AcsChoice::Bound(AcsBinding::Paos, Pick::Index(*index)),
            Self::Bound(binding, location) => {
                let binding = match binding {
                    AskedBinding::Post => AcsBinding::HttpPost,
                    AskedBinding::Artifact => AcsBinding::HttpArtifact,
                    AskedBinding::Paos => AcsBinding::Paos,
                };
                let pick = location.as_deref().map_or(Pick::Default, Pick::Location);
                AcsChoice::Bound(binding, pick)
            }
        }
    }
}

/// The NameIDPolicy (Core 3.4.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedNameId {
    /// A format by its URI; none is `unspecified`, which leaves it to us.
    pub format: Option<String>,
    /// AllowCreate was said to be false.
    pub create_forbidden: bool,
    /// SPNameQualifier was given, and is echoed.
    pub sp_name_qualifier: bool,
    /// The identifier is wanted encrypted (Core 3.4.1.1).
    #[serde(default)]
    pub encrypted: bool,
}

/// The Subject of a request, to be strongly matched (Core 3.3.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedSubject {
    /// The NameID's text.
    pub value: String,
    /// Its Format; unspecified where it was not said.
    pub format: String,
    /// Its NameQualifier.
    pub name_qualifier: Option<String>,
    /// Its SPNameQualifier.
    pub sp_name_qualifier: Option<String>,
}

impl Asked {
    /// What is asked for when nobody asked: the defaults.
    #[must_use]
    pub fn unsolicited(relay_state: Option<String>, context: AuthnContext) -> Self {
        let name_id = AskedNameId {
            format: None,
            create_forbidden: false,
            sp_name_qualifier: false,
            encrypted: false,
        };
        Self {
            id: None,
            acs: AskedAcs::Default,
            relay_state,
            force_authn: false,
            is_passive: false,
            signed: false,
            name_id,
            context,
            subject: None,
            attribute_service: None,
            channel: None,
            session_key: None,
        }
    }

    /// The format asked for, where it is one of ours.
    #[must_use]
    pub fn name_id_format(&self) -> Option<NameIdFormat> {
        self.name_id
            .format
            .as_deref()
            .and_then(NameIdFormat::from_uri)
    }
}
