//! The AuthnRequest: from untrusted bytes to what an SP asks for (Core 3.4.1, Profiles 4.1.4.1).
//!
//! [`UnverifiedAuthnRequest`] says only whose registration to fetch. [`AuthnRequest`] is what is
//! left after every check, and is bound to that registration.

mod error;
pub(super) mod read;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use error::{ReplyTo, RequestError, RequestRefused};
pub(super) use read::window;

use super::authn_context::AuthnContext;
use super::binding::{Binding, Detached, Inbound};
use super::encryption::DecryptionKeys;
use super::signature::{self, VerifyingKey};
use super::uri;
use super::xml::{self, Document, Limits};
use crate::access::{AcsChoice, Freshness, SignOn};
use crate::directory::name::{EntityId, MessageId};
use crate::directory::service_provider::{
    AcsBinding, AcsEndpoint, NameIdFormat, Pick, ServiceProvider,
};
use crate::directory::time::UnixTime;

/// How old a request may be when it arrives, beside the clocks' tolerance.
const MAXIMUM_AGE: Duration = Duration::from_mins(5);

/// A decoded AuthnRequest that nobody may believe yet.
#[derive(Debug)]
pub struct UnverifiedAuthnRequest {
    document: Document,
    issuer: EntityId,
    binding: Binding,
    relay_state: Option<String>,
    detached: Option<Detached>,
}

/// What we are, as far as requests are held against it.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Our entityID.
    pub entity_id: String,
    /// The address that requests are sent to, by either binding.
    pub sso_location: String,
    /// How a password sign-in is asserted here.
    pub context: AuthnContext,
    /// Tolerance for others' clocks.
    pub clock_skew: Duration,
    /// Our keys for what is encrypted to us.
    pub decryption: DecryptionKeys,
}

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
}

/// The bindings that a request may ask for in its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AskedBinding {
    /// HTTP-POST.
    Post,
    /// HTTP-Artifact.
    Artifact,
}

impl AskedAcs {
    /// The choice, as the decision takes it.
    fn choice(&self) -> AcsChoice<'_> {
        match self {
            Self::Default => AcsChoice::Default,
            Self::Location(location) => AcsChoice::Location(location),
            Self::Index(index) => AcsChoice::Index(*index),
            Self::Bound(binding, location) => {
                let binding = match binding {
                    AskedBinding::Post => AcsBinding::HttpPost,
                    AskedBinding::Artifact => AcsBinding::HttpArtifact,
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

/// A request after every check, bound to the registration of its sender.
#[derive(Debug)]
pub struct AuthnRequest<'sp> {
    sp: &'sp ServiceProvider,
    acs: &'sp AcsEndpoint,
    asked: Asked,
}

impl UnverifiedAuthnRequest {
    /// Reads the XML strictly and says who claims to have sent it.
    pub fn parse(inbound: Inbound) -> Result<Self, RequestError> {
        let document = xml::read(&inbound.xml, &Limits::MESSAGE).map_err(RequestError::Xml)?;
        let root = document.root();
        if !root.is(uri::SAMLP.uri, "AuthnRequest") {
            return Err(RequestError::NotAnAuthnRequest);
        }
        read::check_children(root, &read::CHILDREN)?;
        let issuer = read::issuer(root)?;
        let Inbound {
            binding,
            relay_state,
            detached,
            ..
        } = inbound;
        Ok(Self {
            document,
            issuer,
            binding,
            relay_state,
            detached,
        })
    }

    /// Whose registration to fetch. Says nothing about who really sent it.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// Holds the request against the registration of its sender and against us.
    pub fn verify<'sp>(
        self,
        sp: &'sp ServiceProvider,
        keys: &[VerifyingKey],
        receiver: &Receiver,
        now: UnixTime,
    ) -> Result<AuthnRequest<'sp>, Box<RequestRefused<'sp>>> {
        let page = |error| Box::new(RequestRefused { error, reply: None });
        if self.issuer != sp.entity_id {
            return Err(page(RequestError::IssuerMismatch));
        }
        let signed = self.check_signature(keys).map_err(page)?;
        if !signed && sp.policy.require_signed_requests {
            return Err(page(RequestError::Unsigned));
        }
        let root = self.document.root();
        let asked_acs = read::acs(root).map_err(page)?;
        let acs = find_acs(sp, &asked_acs).map_err(page)?;
        let reply = |error| {
            let id = root
                .attribute("ID")
                .and_then(|id| MessageId::parse(id).ok());
            // Where nothing at all may be shown, every error is answered; the SP said so itself.
            let relay_state = self.relay_state.clone();
            Box::new(RequestRefused {
                error,
                reply: Some(ReplyTo {
                    sp,
                    acs,
                    id,
                    relay_state,
                }),
            })
        };
        let facts = read::Context {
            sp,
            receiver,
            now,
            signed,
        };
        let mut asked = read::asked(root, &facts).map_err(reply)?;
        asked.acs = asked_acs;
        asked.relay_state.clone_from(&self.relay_state);
        Ok(AuthnRequest { sp, acs, asked })
    }

    /// Whether it is signed; a signature that is there is always verified (Core 3.2.1).
    fn check_signature(&self, keys: &[VerifyingKey]) -> Result<bool, RequestError> {
        let enveloped = signature::has_signature(&self.document);
        match (self.binding, &self.detached) {
            // Bindings 3.4.4.1: a signature inside a message by HTTP-Redirect is taken out by its
            // sender; one that is still there is a mistake or an attack.
            (Binding::Redirect, _) if enveloped => Err(RequestError::SignatureInRedirect),
            (
                Binding::Redirect,
                Some(Detached {
                    octets,
                    algorithm,
                    signature,
                }),
            ) => {
                signature::verify_octets(octets.as_bytes(), algorithm, signature, keys)
                    .map_err(RequestError::Signature)?;
                Ok(true)
            }
            (Binding::Post, _) if enveloped => {
                let place = signature::Place::AfterIssuer;
                let signed = signature::verify_enveloped(&self.document, keys, place)
                    .map_err(RequestError::Signature)?;
                // What is read below is the root, and the root is what was digested.
                if std::ptr::eq(signed.root(), self.document.root()) {
                    Ok(true)
                } else {
                    Err(RequestError::SignatureElsewhere)
                }
            }
            _ => Ok(false),
        }
    }
}

fn find_acs<'sp>(
    sp: &'sp ServiceProvider,
    asked: &AskedAcs,
) -> Result<&'sp AcsEndpoint, RequestError> {
    asked.choice().find(sp).ok_or(RequestError::UnregisteredAcs)
}

impl<'sp> AuthnRequest<'sp> {
    /// A request that goes on from a sealed token: registration, endpoint and signature policy are
    /// checked again as they stand now (decision 9).
    pub fn resumed(sp: &'sp ServiceProvider, asked: Asked) -> Result<Self, RequestError> {
        if asked.id.is_some() && sp.policy.require_signed_requests && !asked.signed {
            return Err(RequestError::Unsigned);
        }
        if asked.id.is_none() && !sp.policy.allow_idp_initiated {
            return Err(RequestError::IdpInitiatedNotAllowed);
        }
        let acs = find_acs(sp, &asked.acs)?;
        let index = asked.attribute_service;
        if index.is_some_and(|index| !sp.has_attribute_service(index)) {
            return Err(RequestError::AttributeConsumingService);
        }
        Ok(Self { sp, acs, asked })
    }

    /// A sign-on that starts here, where the registration allows it (Profiles 4.1.5).
    pub fn unsolicited(
        sp: &'sp ServiceProvider,
        relay_state: Option<String>,
        receiver: &Receiver,
    ) -> Result<Self, RequestError> {
        Self::resumed(sp, Asked::unsolicited(relay_state, receiver.context))
    }

    /// The SP.
    #[must_use]
    pub fn sp(&self) -> &'sp ServiceProvider {
        self.sp
    }

    /// What it asks for.
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Where the answer goes.
    #[must_use]
    pub fn acs(&self) -> &'sp AcsEndpoint {
        self.acs
    }

    /// Where an answer that is no success goes.
    #[must_use]
    pub fn reply_to(&self) -> ReplyTo<'sp> {
        ReplyTo {
            sp: self.sp,
            acs: self.acs,
            id: self
                .asked
                .id
                .as_deref()
                .and_then(|id| MessageId::parse(id).ok()),
            relay_state: self.asked.relay_state.clone(),
        }
    }

    /// The wish to enter, for the decision.
    pub fn sign_on(&self, freshness: Freshness) -> Result<SignOn<'sp>, RequestError> {
        let choice = self.asked.acs.choice();
        let id = self.asked.id.as_deref().map(MessageId::parse).transpose();
        let id = id.map_err(|_| RequestError::Id)?;
        SignOn::requested(self.sp, choice, id, freshness).map_err(|_| RequestError::UnregisteredAcs)
    }
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
