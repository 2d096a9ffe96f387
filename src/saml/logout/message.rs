//! What LogoutRequest and LogoutResponse have in common: where they stand, who sent them, the
//! signature, the header (Core 3.2.1, 3.2.2).

use std::time::Duration;

use super::{LogoutError, Receiver};
use crate::directory::name::{EntityId, MessageId};
use crate::directory::slo_endpoint::SloBinding;
use crate::directory::time::UnixTime;
use crate::saml::binding::{Binding, Detached, Inbound};
use crate::saml::signature::{self, Place, VerifyingKey};
use crate::saml::soap::Envelope;
use crate::saml::uri;
use crate::saml::xml::{self, Document, Element, Limits};

/// How old a message may be when it arrives, beside the clocks' tolerance.
const MAXIMUM_AGE: Duration = Duration::from_mins(5);

/// The elements that one message may hold, in the order of the schema.
pub(super) type Children = &'static [(&'static str, &'static str)];

/// A decoded message that nobody may believe yet.
#[derive(Debug)]
pub(super) struct Message {
    source: Source,
    pub(super) issuer: EntityId,
    pub(super) binding: SloBinding,
    pub(super) relay_state: Option<String>,
    detached: Option<Detached>,
}

#[derive(Debug)]
enum Source {
    Alone(Document),
    InEnvelope(Envelope),
}

impl Message {
    /// Reads what a browser brought.
    pub(super) fn of_browser(
        inbound: Inbound,
        name: &'static str,
        children: Children,
    ) -> Result<Self, LogoutError> {
        let document = xml::read(&inbound.xml, &Limits::MESSAGE)?;
        let issuer = check_shape(document.root(), name, children)?;
        let Inbound {
            binding,
            relay_state,
            detached,
            ..
        } = inbound;
        let binding = match binding {
            Binding::Redirect => SloBinding::HttpRedirect,
            Binding::Post => SloBinding::HttpPost,
            Binding::Soap => SloBinding::Soap,
        };
        Ok(Self {
            source: Source::Alone(document),
            issuer,
            binding,
            relay_state,
            detached,
        })
    }

    /// Reads the one message of an envelope.
    pub(super) fn of_envelope(
        envelope: Envelope,
        name: &'static str,
        children: Children,
    ) -> Result<Self, LogoutError> {
        let issuer = check_shape(envelope.message()?, name, children)?;
        Ok(Self {
            source: Source::InEnvelope(envelope),
            issuer,
            binding: SloBinding::Soap,
            relay_state: None,
            detached: None,
        })
    }

    /// The message's own element.
    pub(super) fn root(&self) -> Result<&Element, LogoutError> {
        match &self.source {
            Source::Alone(document) => Ok(document.root()),
            Source::InEnvelope(envelope) => Ok(envelope.message()?),
        }
    }

    /// That it is signed, and well. What is read afterwards is the very element that was digested.
    pub(super) fn check_signature(&self, keys: &[VerifyingKey]) -> Result<(), LogoutError> {
        let root = self.root()?;
        let enveloped = signature::is_signed(root);
        match (self.binding, &self.detached) {
            (SloBinding::HttpRedirect, _) if enveloped => Err(LogoutError::SignatureInRedirect),
            (SloBinding::HttpRedirect, Some(detached)) => signature::verify_octets(
                detached.octets.as_bytes(),
                &detached.algorithm,
                &detached.signature,
                keys,
            )
            .map_err(LogoutError::Signature),
            (SloBinding::HttpPost | SloBinding::Soap, _) if enveloped => {
                let signed = signature::verify_element(root, keys, Place::AfterIssuer)
                    .map_err(LogoutError::Signature)?;
                if std::ptr::eq(signed.root(), root) {
                    Ok(())
                } else {
                    Err(LogoutError::SignatureElsewhere)
                }
            }
            _ => Err(LogoutError::Unsigned),
        }
    }

    /// Whether a signature is there at all; one that is there is checked.
    pub(super) fn is_signed(&self) -> bool {
        self.detached.is_some() || self.root().is_ok_and(signature::is_signed)
    }

    /// The ID, whatever else is wrong.
    pub(super) fn id(&self) -> Option<MessageId> {
        let id = self.root().ok()?.attribute("ID")?;
        MessageId::parse(id).ok()
    }

    /// Version, ID, IssueInstant and Destination.
    pub(super) fn check_header(
        &self,
        receiver: &Receiver,
        now: UnixTime,
    ) -> Result<MessageId, LogoutError> {
        let root = self.root()?;
        version(root)?;
        let id = self.id().ok_or(LogoutError::Id)?;
        let issued = root
            .attribute("IssueInstant")
            .and_then(|text| UnixTime::parse_xs_date_time(text).ok())
            .ok_or(LogoutError::IssueInstant)?;
        if issued > now.plus(receiver.clock_skew) {
            return Err(LogoutError::Future);
        }
        if issued < now.minus(MAXIMUM_AGE + receiver.clock_skew) {
            return Err(LogoutError::Stale);
        }
        match root.attribute("Destination") {
            Some(destination) if destination == receiver.location => Ok(id),
            Some(_) => Err(LogoutError::Destination),
            None if self.binding == SloBinding::Soap => Ok(id),
            None => Err(LogoutError::NoDestination),
        }
    }
}

/// Each known child in its place and nothing else, and the Issuer.
fn check_shape(
    root: &Element,
    name: &'static str,
    children: Children,
) -> Result<EntityId, LogoutError> {
    if !root.is(uri::SAMLP.uri, name) {
        return Err(LogoutError::NotALogoutMessage(name));
    }
    let foreign = root.attributes().any(|a| !a.namespace().is_empty());
    if foreign || !root.texts().all(xml::is_blank) {
        return Err(LogoutError::Schema);
    }
    let mut next = 0;
    for child in root.children() {
        let place = children
            .iter()
            .position(|(namespace, local)| child.is(namespace, local));
        let repeats = child.is(uri::SAMLP.uri, "SessionIndex");
        match place {
            Some(place) if place >= next => next = place + usize::from(!repeats),
            _ => return Err(LogoutError::Schema),
        }
    }
    issuer(root)
}

fn issuer(root: &Element) -> Result<EntityId, LogoutError> {
    let issuer = root.child(uri::SAML.uri, "Issuer");
    let issuer = issuer.ok_or(LogoutError::Issuer)?;
    if issuer
        .attribute("Format")
        .is_some_and(|format| format != uri::ENTITY)
    {
        return Err(LogoutError::Issuer);
    }
    let text = issuer.text().map_err(|_| LogoutError::Issuer)?;
    EntityId::parse_lenient(text).map_err(|_| LogoutError::Issuer)
}

/// Version 2.0 and no other (Core 4.1.3).
fn version(root: &Element) -> Result<(), LogoutError> {
    let version = root.attribute("Version").unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, ""));
    let number = |text: &str| text.parse::<u32>().ok();
    match (number(major), number(minor)) {
        _ if version == "2.0" => Ok(()),
        (Some(major), Some(_)) if major >= 2 => Err(LogoutError::VersionTooHigh),
        (Some(_), Some(_)) => Err(LogoutError::VersionTooLow),
        _ => Err(LogoutError::Schema),
    }
}
