//! A refused request told as expected against received, for whoever runs the identity provider.
//!
//! What was expected is fixed when the request is refused; what was received is read from the
//! message when somebody asks.

use super::authn_request::{Receiver, RequestError};
use super::logout::{self, LogoutError};
use super::uri;
use super::xml::{self, Document, Element, Limits};
use crate::directory::service_provider::{AcsBinding, NameIdFormat, ServiceProvider};
use crate::directory::time::UnixTime;

/// The part of a request that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// AssertionConsumerServiceURL, AssertionConsumerServiceIndex, ProtocolBinding.
    Endpoint,
    /// AttributeConsumingServiceIndex.
    AttributeService,
    /// Destination.
    Destination,
    /// ID.
    Id,
    /// IDPList in Scoping.
    IdpList,
    /// IssueInstant.
    IssueInstant,
    /// Issuer.
    Issuer,
    /// NameIDPolicy.
    NameIdPolicy,
    /// RequestedAuthnContext.
    Context,
    /// Root element.
    Root,
    /// Signature.
    Signature,
    /// Version.
    Version,
}

/// What a rule asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What the rule is about.
    pub part: Part,
    /// What would have been taken: any of these.
    pub expected: Vec<String>,
}

impl Part {
    /// What SAML calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "AssertionConsumerService",
            Self::AttributeService => "AttributeConsumingServiceIndex",
            Self::Destination => "Destination",
            Self::Id => "ID",
            Self::IdpList => "IDPList",
            Self::IssueInstant => "IssueInstant",
            Self::Issuer => "Issuer",
            Self::NameIdPolicy => "NameIDPolicy",
            Self::Context => "RequestedAuthnContext",
            Self::Root => "root element",
            Self::Signature => "signature",
            Self::Version => "Version",
        }
    }

    /// What a message says there.
    #[must_use]
    pub fn received(self, message: &[u8]) -> String {
        xml::read(message, &Limits::MESSAGE).map_or_else(
            |error| format!("cannot be read: {error}"),
            |document| self.read(&document),
        )
    }

    fn read(self, document: &Document) -> String {
        let root = document.root();
        let said = match self {
            Self::Endpoint => attributes(
                root,
                &[
                    "AssertionConsumerServiceURL",
                    "AssertionConsumerServiceIndex",
                    "ProtocolBinding",
                ],
            ),
            Self::AttributeService => value(root, "AttributeConsumingServiceIndex"),
            Self::Destination => value(root, "Destination"),
            Self::Id => value(root, "ID"),
            Self::IssueInstant => value(root, "IssueInstant"),
            Self::Version => value(root, "Version"),
            Self::Root => vec![format!("{root:?}")],
            Self::Issuer => {
                let issuer = root.child(uri::SAML.uri, "Issuer");
                let text = issuer.and_then(|issuer| issuer.text().ok());
                text.into_iter().map(str::to_owned).collect()
            }
            Self::NameIdPolicy => {
                let policy = root.child(uri::SAMLP.uri, "NameIDPolicy");
                let named = &["Format", "SPNameQualifier", "AllowCreate"];
                policy.map_or_else(Vec::new, |policy| attributes(policy, named))
            }
            Self::Context => {
                let context = root.child(uri::SAMLP.uri, "RequestedAuthnContext");
                context.map_or_else(Vec::new, contexts)
            }
            Self::IdpList => below(root, uri::SAMLP.uri, "IDPEntry")
                .into_iter()
                .flat_map(|entry| value(entry, "ProviderID"))
                .collect(),
            Self::Signature => below(root, uri::DS.uri, "SignatureMethod")
                .into_iter()
                .flat_map(|method| value(method, "Algorithm"))
                .collect(),
        };
        if said.is_empty() {
            "nothing".to_owned()
        } else {
            said.join(", ")
        }
    }
}

fn value(element: &Element, attribute: &str) -> Vec<String> {
    let value = element.attribute(attribute);
    value.into_iter().map(str::to_owned).collect()
}

fn attributes(element: &Element, names: &[&str]) -> Vec<String> {
    let pairs = names
        .iter()
        .filter_map(|name| Some(format!("{name} {}", element.attribute(name)?)));
    pairs.collect()
}

fn contexts(requested: &Element) -> Vec<String> {
    let comparison = requested.attribute("Comparison").unwrap_or("exact");
    let classes = requested.children().filter_map(|class| class.text().ok());
    classes
        .map(|class| format!("{comparison} {}", class.trim()))
        .collect()
}

/// The elements of this name, wherever they stand; the reader limits the depth.
fn below<'e>(element: &'e Element, namespace: &str, local: &str) -> Vec<&'e Element> {
    let mut found = Vec::new();
    if element.is(namespace, local) {
        found.push(element);
    }
    for child in element.children() {
        found.extend(below(child, namespace, local));
    }
    found
}

impl Comparison {
    /// What the rule that a request broke asks for; none where the error says it all.
    #[must_use]
    pub fn of(
        error: &RequestError,
        sp: &ServiceProvider,
        receiver: &Receiver,
        now: UnixTime,
    ) -> Option<Self> {
        let (part, expected) = match error {
            RequestError::UnregisteredAcs
            | RequestError::AcsTwice
            | RequestError::AcsIndex
            | RequestError::ProtocolBinding => (Part::Endpoint, endpoints(sp)),
            RequestError::Destination | RequestError::NoDestination => {
                (Part::Destination, vec![receiver.sso_location.clone()])
            }
            RequestError::IssueInstant => (
                Part::IssueInstant,
                vec![format!("an instant in UTC, like {now}")],
            ),
            RequestError::Stale | RequestError::Future => {
                let (first, last) = super::authn_request::window(receiver.clock_skew, now);
                (Part::IssueInstant, vec![format!("from {first} to {last}")])
            }
            RequestError::VersionTooLow | RequestError::VersionTooHigh => {
                (Part::Version, vec!["2.0".to_owned()])
            }
            RequestError::Id => (
                Part::Id,
                vec!["an NCName of at most 256 characters".to_owned()],
            ),
            RequestError::NameIdPolicy => (Part::NameIdPolicy, name_ids(sp)),
            RequestError::AuthnContext => (
                Part::Context,
                vec![format!("exact {}", receiver.context.uri())],
            ),
            RequestError::Scoping => (Part::IdpList, vec![receiver.entity_id.clone()]),
            RequestError::Unsigned | RequestError::Signature(_) => (Part::Signature, signers(sp)),
            RequestError::NotAnAuthnRequest => (Part::Root, vec!["samlp:AuthnRequest".to_owned()]),
            _ => return None,
        };
        Some(Self { part, expected })
    }

    /// The same for a logout message.
    #[must_use]
    pub fn of_logout(
        error: &LogoutError,
        sp: &ServiceProvider,
        receiver: &logout::Receiver,
        now: UnixTime,
    ) -> Option<Self> {
        let (part, expected) = match error {
            LogoutError::Destination | LogoutError::NoDestination => {
                (Part::Destination, vec![receiver.location.clone()])
            }
            LogoutError::Stale | LogoutError::Future => {
                let (first, last) = super::authn_request::window(receiver.clock_skew, now);
                (Part::IssueInstant, vec![format!("from {first} to {last}")])
            }
            LogoutError::VersionTooLow | LogoutError::VersionTooHigh => {
                (Part::Version, vec!["2.0".to_owned()])
            }
            LogoutError::Unsigned | LogoutError::Signature(_) => (Part::Signature, signers(sp)),
            LogoutError::NotALogoutMessage(name) => (Part::Root, vec![format!("samlp:{name}")]),
            _ => return None,
        };
        Some(Self { part, expected })
    }

    /// What would have been taken as the Issuer.
    #[must_use]
    pub fn of_issuer() -> Self {
        Self {
            part: Part::Issuer,
            expected: vec!["the entityID of a registration (`doorward sp list`)".to_owned()],
        }
    }
}

fn endpoints(sp: &ServiceProvider) -> Vec<String> {
    let usable = sp
        .acs
        .iter()
        .filter(|endpoint| endpoint.binding == AcsBinding::HttpPost);
    usable
        .map(|endpoint| format!("{} (index {})", endpoint.location, endpoint.index))
        .collect()
}

fn name_ids(sp: &ServiceProvider) -> Vec<String> {
    let formats = NameIdFormat::ALL.iter().map(|format| format.uri());
    let qualifier = format!("SPNameQualifier {} or none", sp.entity_id);
    formats.map(str::to_owned).chain([qualifier]).collect()
}

fn signers(sp: &ServiceProvider) -> Vec<String> {
    let keys = sp.certificates.len() + sp.bare_keys.len();
    vec![format!(
        "RSA or ECDSA with SHA-256 or up, by one of {keys} registered keys (`doorward sp show {}`)",
        sp.name
    )]
}
