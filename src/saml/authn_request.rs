//! The AuthnRequest: from untrusted bytes to what an SP asks for (Core 3.4.1, Profiles 4.1.4.1).
//!
//! [`UnverifiedAuthnRequest`] says only whose registration to fetch. [`AuthnRequest`] is what is
//! left after every check, and is bound to that registration.

mod asked;
pub mod channel;
mod error;
pub(super) mod read;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use asked::{Asked, AskedAcs, AskedBinding, AskedNameId, AskedSubject};
pub use channel::ChannelBinding;
pub use error::{ReplyTo, RequestError, RequestRefused};
pub(super) use read::window;

use super::authn_context::{AuthnContext, ContextOrder};
use super::binding::{Binding, Detached, Inbound};
use super::encryption::DecryptionKeys;
use super::signature::{self, VerifyingKey};
use super::soap::Envelope;
use super::uri;
use super::xml::{self, Document, Element, Limits};
use crate::access::{Freshness, SignOn};
use crate::directory::name::{EntityId, MessageId};
use crate::directory::service_provider::{AcsEndpoint, ServiceProvider};
use crate::directory::time::UnixTime;

/// How old a request may be when it arrives, beside the clocks' tolerance.
const MAXIMUM_AGE: Duration = Duration::from_mins(5);

/// A decoded AuthnRequest that nobody may believe yet.
#[derive(Debug)]
pub struct UnverifiedAuthnRequest {
    carrier: Carrier,
    issuer: EntityId,
    binding: Binding,
    relay_state: Option<String>,
    detached: Option<Detached>,
}

/// What the request came in.
#[derive(Debug)]
enum Carrier {
    Document(Document),
    Envelope(Envelope),
}

impl Carrier {
    /// The request: the root, or the one element in the Body.
    fn root(&self) -> Result<&Element, RequestError> {
        match self {
            Self::Document(document) => Ok(document.root()),
            Self::Envelope(envelope) => envelope
                .message()
                .map_err(|_| RequestError::NotAnAuthnRequest),
        }
    }
}

/// What we are, as far as requests are held against it.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Our entityID.
    pub entity_id: String,
    /// The address that requests are sent to, by either binding.
    pub sso_location: String,
    /// The address that enhanced clients bring them to.
    pub ecp_location: String,
    /// How a password sign-in is asserted here.
    pub context: AuthnContext,
    /// The contexts by their strength.
    pub contexts: ContextOrder,
    /// Tolerance for others' clocks.
    pub clock_skew: Duration,
    /// Our keys for what is encrypted to us.
    pub decryption: DecryptionKeys,
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
        let Inbound {
            binding,
            relay_state,
            detached,
            ..
        } = inbound;
        Self::carried(Carrier::Document(document), binding).map(|request| Self {
            relay_state,
            detached,
            ..request
        })
    }

    /// The same for a request in an envelope, brought by an enhanced client (Profiles 4.2.3.3).
    pub fn enveloped(envelope: Envelope) -> Result<Self, RequestError> {
        Self::carried(Carrier::Envelope(envelope), Binding::Soap)
    }

    fn carried(carrier: Carrier, binding: Binding) -> Result<Self, RequestError> {
        let root = carrier.root()?;
        if !root.is(uri::SAMLP.uri, "AuthnRequest") {
            return Err(RequestError::NotAnAuthnRequest);
        }
        read::check_children(root, &read::CHILDREN)?;
        let issuer = read::issuer(root)?;
        Ok(Self {
            carrier,
            issuer,
            binding,
            relay_state: None,
            detached: None,
        })
    }

    /// Whose registration to fetch. Says nothing about who really sent it.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// Whether an enhanced client asks for a key that it shares with the SP (SAML-EC 5.3).
    #[must_use]
    pub fn wants_session_key(&self) -> bool {
        let (namespace, local) = channel::SESSION_KEY;
        match &self.carrier {
            Carrier::Document(_) => false,
            Carrier::Envelope(envelope) => envelope.headers(namespace, local).next().is_some(),
        }
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
        let root = self.carrier.root().map_err(page)?;
        let signed = self.check_signature(root, keys).map_err(page)?;
        if !signed && sp.policy.require_signed_requests {
            return Err(page(RequestError::Unsigned));
        }
        let asked_acs = read::acs(root, self.binding).map_err(page)?;
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
            binding: self.binding,
        };
        let mut asked = read::asked(root, &facts).map_err(reply)?;
        if let Carrier::Envelope(envelope) = &self.carrier {
            asked.channel = channel::verify(root, envelope, signed).map_err(reply)?;
        }
        asked.acs = asked_acs;
        asked.relay_state.clone_from(&self.relay_state);
        Ok(AuthnRequest { sp, acs, asked })
    }

    /// Whether it is signed; a signature that is there is always verified (Core 3.2.1).
    fn check_signature(&self, root: &Element, keys: &[VerifyingKey]) -> Result<bool, RequestError> {
        let enveloped = signature::is_signed(root);
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
            (Binding::Post | Binding::Soap, _) if enveloped => {
                let place = signature::Place::AfterIssuer;
                let signed = signature::verify_element(root, keys, place)
                    .map_err(RequestError::Signature)?;
                // What is read below is the root, and the root is what was digested.
                if std::ptr::eq(signed.root(), root) {
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

    /// The same with a fresh key for the client and the SP, in base64.
    #[must_use]
    pub fn with_session_key(mut self, key: Option<String>) -> Self {
        self.asked.session_key = key;
        self
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
