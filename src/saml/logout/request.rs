//! A LogoutRequest that comes in (Core 3.7.1, Profiles 4.4.4.1).

use super::message::{Children, Message};
use super::{LogoutError, Receiver};
use crate::directory::name::{EntityId, MessageId};
use crate::directory::service_provider::{NameIdFormat, ServiceProvider};
use crate::directory::session::SentNameId;
use crate::directory::slo_endpoint::SloBinding;
use crate::directory::time::UnixTime;
use crate::saml::binding::Inbound;
use crate::saml::encryption::DecryptError;
use crate::saml::signature::VerifyingKey;
use crate::saml::soap::Envelope;
use crate::saml::uri;
use crate::saml::xml::Element;

const NAME: &str = "LogoutRequest";

const CHILDREN: Children = &[
    (uri::SAML.uri, "Issuer"),
    (uri::DS.uri, "Signature"),
    (uri::SAMLP.uri, "Extensions"),
    (uri::SAML.uri, "BaseID"),
    (uri::SAML.uri, "NameID"),
    (uri::SAML.uri, "EncryptedID"),
    (uri::SAMLP.uri, "SessionIndex"),
];

/// How a person may be named.
const IDENTIFIERS: [&str; 3] = ["BaseID", "NameID", "EncryptedID"];

/// A decoded LogoutRequest that nobody may believe yet.
#[derive(Debug)]
pub struct UnverifiedLogoutRequest(Message);

/// A LogoutRequest after every check, bound to the registration of its sender.
#[derive(Debug)]
pub struct LogoutRequest<'sp> {
    sp: &'sp ServiceProvider,
    id: MessageId,
    binding: SloBinding,
    relay_state: Option<String>,
    name_id: SentNameId,
    session_indexes: Vec<String>,
    asynchronous: bool,
}

/// A refused LogoutRequest.
#[derive(Debug)]
pub struct LogoutRefused {
    /// Why.
    pub error: LogoutError,
    /// Whether its sender is who it says, so that it may be told.
    pub is_genuine: bool,
    /// Its ID, where it could be read.
    pub id: Option<MessageId>,
    /// How it came.
    pub binding: SloBinding,
    /// RelayState goes back with errors too (Bindings 3.4.3).
    pub relay_state: Option<String>,
}

impl UnverifiedLogoutRequest {
    /// Reads what a browser brought.
    pub fn parse(inbound: Inbound) -> Result<Self, LogoutError> {
        Message::of_browser(inbound, NAME, CHILDREN).map(Self)
    }

    /// Reads the message of an envelope (Bindings 3.2).
    pub fn parse_envelope(envelope: Envelope) -> Result<Self, LogoutError> {
        Message::of_envelope(envelope, NAME, CHILDREN).map(Self)
    }

    /// Whose registration to fetch. Says nothing about who really sent it.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.0.issuer
    }

    /// Holds the request against the registration of its sender and against us.
    pub fn verify<'sp>(
        self,
        sp: &'sp ServiceProvider,
        keys: &[VerifyingKey],
        receiver: &Receiver,
        now: UnixTime,
    ) -> Result<LogoutRequest<'sp>, Box<LogoutRefused>> {
        let message = &self.0;
        let refused = |is_genuine: bool| {
            move |error| {
                Box::new(LogoutRefused {
                    error,
                    is_genuine,
                    id: message.id(),
                    binding: message.binding,
                    relay_state: message.relay_state.clone(),
                })
            }
        };
        if message.issuer != sp.entity_id {
            return Err(refused(false)(LogoutError::IssuerMismatch));
        }
        message.check_signature(keys).map_err(refused(false))?;
        self.read(sp, receiver, now).map_err(refused(true))
    }

    fn read<'sp>(
        &self,
        sp: &'sp ServiceProvider,
        receiver: &Receiver,
        now: UnixTime,
    ) -> Result<LogoutRequest<'sp>, LogoutError> {
        let id = self.0.check_header(receiver, now)?;
        let root = self.0.root()?;
        not_on_or_after(root, receiver, now)?;
        Ok(LogoutRequest {
            sp,
            id,
            binding: self.0.binding,
            relay_state: self.0.relay_state.clone(),
            name_id: identifier(root, receiver)?,
            session_indexes: session_indexes(root)?,
            asynchronous: is_asynchronous(root),
        })
    }
}

/// A request that came too late is none (Core 3.7.1).
fn not_on_or_after(root: &Element, receiver: &Receiver, now: UnixTime) -> Result<(), LogoutError> {
    let Some(text) = root.attribute("NotOnOrAfter") else {
        return Ok(());
    };
    let end = UnixTime::parse_xs_date_time(text).map_err(|_| LogoutError::NotOnOrAfter)?;
    if now < end.plus(receiver.clock_skew) {
        Ok(())
    } else {
        Err(LogoutError::Expired)
    }
}

/// Who is meant: one identifier, plain or encrypted to us (Core 3.7.1).
fn identifier(root: &Element, receiver: &Receiver) -> Result<SentNameId, LogoutError> {
    let mut named = root
        .children()
        .filter(|child| IDENTIFIERS.iter().any(|name| child.is(uri::SAML.uri, name)));
    let identifier = named.next().ok_or(LogoutError::NameId)?;
    if named.next().is_some() {
        return Err(LogoutError::Schema);
    }
    if !identifier.is(uri::SAML.uri, "EncryptedID") {
        return name_id(identifier);
    }
    let opened = receiver.decryption.decrypt(identifier)?;
    // What is inside is told as little about as why it could not be opened.
    name_id(opened.root()).map_err(|_| DecryptError.into())
}

/// The NameID with everything that it is compared by; a Format that was left out is unspecified
/// (Core 2.2.2).
fn name_id(name_id: &Element) -> Result<SentNameId, LogoutError> {
    if !name_id.is(uri::SAML.uri, "NameID") {
        return Err(LogoutError::NameId);
    }
    let attribute = |name| name_id.attribute(name).map(str::to_owned);
    let unspecified = || NameIdFormat::Unspecified.uri().to_owned();
    Ok(SentNameId {
        format: attribute("Format").unwrap_or_else(unspecified),
        value: name_id.text()?.to_owned(),
        name_qualifier: attribute("NameQualifier"),
        sp_name_qualifier: attribute("SPNameQualifier"),
        is_encrypted: false,
    })
}

fn session_indexes(root: &Element) -> Result<Vec<String>, LogoutError> {
    root.children_named(uri::SAMLP.uri, "SessionIndex")
        .map(|index| match index.text() {
            Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            _ => Err(LogoutError::SessionIndex),
        })
        .collect()
}

/// Whether no answer is wanted (Asynchronous Single Logout extension, 2.1).
fn is_asynchronous(root: &Element) -> bool {
    root.child(uri::SAMLP.uri, "Extensions")
        .is_some_and(|extensions| extensions.child(uri::ASYNC_SLO, "Asynchronous").is_some())
}

impl<'sp> LogoutRequest<'sp> {
    /// The SP that asks.
    #[must_use]
    pub fn sp(&self) -> &'sp ServiceProvider {
        self.sp
    }

    /// Its ID, which the answer names.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// How it came.
    #[must_use]
    pub fn binding(&self) -> SloBinding {
        self.binding
    }

    /// To be returned unchanged.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.relay_state.as_deref()
    }

    /// Who is to be logged out.
    #[must_use]
    pub fn name_id(&self) -> &SentNameId {
        &self.name_id
    }

    /// Of which sessions; none means all of that person's at this SP (Core 3.7.3.2).
    #[must_use]
    pub fn session_indexes(&self) -> &[String] {
        &self.session_indexes
    }

    /// Whether no LogoutResponse is due.
    #[must_use]
    pub fn is_asynchronous(&self) -> bool {
        self.asynchronous
    }
}
