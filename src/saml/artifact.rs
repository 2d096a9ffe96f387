//! Artifacts and their resolution: a reference goes by the browser, the message between the servers
//! (Bindings 3.6, Core 3.5).

#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::sha::sha1;

use super::authn_request::{RequestError, read};
use super::signature::{self, Place, VerifyingKey};
use super::uri;
use super::xml::{Element, is_blank};
use crate::directory::name::{EntityId, MessageId};
use crate::directory::service_provider::ServiceProvider;
use crate::directory::time::UnixTime;

/// The index of our ArtifactResolutionService. It never means another address (Bindings 3.6.4).
pub const ENDPOINT_INDEX: u16 = 0;

/// The type code of the one format there is (Bindings 3.6.4).
const TYPE_CODE: [u8; 2] = [0, 4];

/// A reference to a message that waits here: 20 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Artifact {
    handle: [u8; 20],
}

impl Artifact {
    /// A new one, of fresh random bytes.
    #[must_use]
    pub const fn new(handle: [u8; 20]) -> Self {
        Self { handle }
    }

    /// Type code, endpoint index, SHA-1 of our entityID and handle, in base64 (Bindings 3.6.4). The
    /// hash names us and protects nothing.
    #[must_use]
    pub fn encode(&self, entity_id: &str) -> String {
        let source = sha1(entity_id.as_bytes());
        let index = ENDPOINT_INDEX.to_be_bytes();
        STANDARD.encode([&TYPE_CODE[..], &index, &source, &self.handle].concat())
    }

    /// Reads one back; `None` is none that we have made.
    #[must_use]
    pub fn parse(text: &str, entity_id: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        let rest = bytes.strip_prefix(&TYPE_CODE)?;
        let rest = rest.strip_prefix(&ENDPOINT_INDEX.to_be_bytes())?;
        let handle = rest.strip_prefix(&sha1(entity_id.as_bytes()))?;
        let handle = handle.try_into().ok()?;
        Some(Self { handle })
    }

    /// What it is stored under, once it is hashed.
    #[must_use]
    pub fn secret(&self) -> String {
        format!("artifact:{}", STANDARD.encode(self.handle))
    }
}

impl std::fmt::Debug for Artifact {
    /// Never the handle: whoever has it may ask with it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Artifact(..)")
    }
}

/// What an ArtifactResolve is held against.
#[derive(Debug, Clone, Copy)]
pub struct Resolver<'a> {
    /// Our entityID.
    pub entity_id: &'a str,
    /// The address that it is sent to.
    pub location: &'a str,
    /// Tolerance for others' clocks.
    pub clock_skew: Duration,
    /// Now.
    pub now: UnixTime,
}

/// An ArtifactResolve after every check: its sender is known (Core 3.5.1).
#[derive(Debug)]
pub struct ArtifactResolve {
    id: MessageId,
    artifact: Option<Artifact>,
}

/// Why an ArtifactResolve is refused.
#[derive(Debug)]
pub enum ResolveRefused {
    /// Nobody knows who sent it: no word about anything.
    Unauthenticated(RequestError),
    /// It is the SP's, and wrong.
    Wrong(RequestError, Option<MessageId>),
}

/// The children of an ArtifactResolve in the order of the schema (Core 3.2.1, 3.5.1).
const CHILDREN: [(&str, &str); 4] = [
    (uri::SAML.uri, "Issuer"),
    (uri::DS.uri, "Signature"),
    (uri::SAMLP.uri, "Extensions"),
    (uri::SAMLP.uri, "Artifact"),
];

impl ArtifactResolve {
    /// Whose registration to fetch. Says nothing about who really sent it.
    pub fn claimed_issuer(message: &Element) -> Result<EntityId, RequestError> {
        read::check_children(message, &CHILDREN)?;
        read::issuer(message)
    }

    /// Holds the message against the registration of its sender and against us. It has to be
    /// signed (Profiles 5.2): there is no mutual TLS that could stand in.
    pub fn verify(
        message: &Element,
        sp: &ServiceProvider,
        keys: &[VerifyingKey],
        resolver: &Resolver<'_>,
    ) -> Result<Self, ResolveRefused> {
        let signed = authenticated(message, sp, keys).map_err(ResolveRefused::Unauthenticated)?;
        let id = signed.attribute("ID").map(MessageId::parse);
        let id = id.and_then(Result::ok);
        let wrong = |error| ResolveRefused::Wrong(error, id.clone());
        let artifact = asked(signed, resolver).map_err(wrong)?;
        let id = id.clone().ok_or_else(|| wrong(RequestError::Id))?;
        Ok(Self { id, artifact })
    }

    /// The ID that the answer refers to.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// The artifact; `None` is none that we have made.
    #[must_use]
    pub fn artifact(&self) -> Option<&Artifact> {
        self.artifact.as_ref()
    }
}

/// The element that is signed by a key of this SP.
fn authenticated<'e>(
    message: &'e Element,
    sp: &ServiceProvider,
    keys: &[VerifyingKey],
) -> Result<&'e Element, RequestError> {
    if ArtifactResolve::claimed_issuer(message)? != sp.entity_id {
        return Err(RequestError::IssuerMismatch);
    }
    if !signature::is_signed(message) {
        return Err(RequestError::Unsigned);
    }
    let signed = signature::verify_element(message, keys, Place::AfterIssuer)
        .map_err(RequestError::Signature)?;
    Ok(signed.root())
}

fn asked(message: &Element, resolver: &Resolver<'_>) -> Result<Option<Artifact>, RequestError> {
    read::version(message)?;
    read::issue_instant(message, resolver.clock_skew, resolver.now)?;
    if message
        .attribute("Destination")
        .is_some_and(|destination| destination != resolver.location)
    {
        return Err(RequestError::Destination);
    }
    let artifact = message.child(uri::SAMLP.uri, "Artifact");
    let text = artifact.and_then(|artifact| artifact.text().ok());
    let text = text.filter(|text| !is_blank(text));
    Ok(Artifact::parse(
        text.ok_or(RequestError::Schema)?,
        resolver.entity_id,
    ))
}
