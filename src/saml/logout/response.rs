//! A LogoutResponse that comes in (Core 3.7.2, Profiles 4.4.4.2).

use super::message::{Children, Message};
use super::{LogoutError, Receiver};
use crate::directory::name::{EntityId, MessageId};
use crate::directory::service_provider::ServiceProvider;
use crate::directory::time::UnixTime;
use crate::saml::binding::Inbound;
use crate::saml::signature::VerifyingKey;
use crate::saml::soap::Envelope;
use crate::saml::status::Status;
use crate::saml::uri;
use crate::saml::xml::Element;

const NAME: &str = "LogoutResponse";

const CHILDREN: Children = &[
    (uri::SAML.uri, "Issuer"),
    (uri::DS.uri, "Signature"),
    (uri::SAMLP.uri, "Extensions"),
    (uri::SAMLP.uri, "Status"),
];

/// A decoded LogoutResponse that nobody may believe yet.
#[derive(Debug)]
pub struct UnverifiedLogoutResponse(Message);

/// A LogoutResponse after every check.
#[derive(Debug)]
pub struct LogoutResponse {
    in_response_to: MessageId,
    status: Vec<String>,
}

impl UnverifiedLogoutResponse {
    /// Reads what a browser brought.
    pub fn parse(inbound: Inbound) -> Result<Self, LogoutError> {
        Message::of_browser(inbound, NAME, CHILDREN).map(Self)
    }

    /// Reads the message of an envelope, the answer to a request by SOAP (Bindings 3.2).
    pub fn parse_envelope(envelope: Envelope) -> Result<Self, LogoutError> {
        Message::of_envelope(envelope, NAME, CHILDREN).map(Self)
    }

    /// Whose registration to fetch. Says nothing about who really sent it.
    #[must_use]
    pub fn claimed_issuer(&self) -> &EntityId {
        &self.0.issuer
    }

    /// Holds what a browser brought against the registration of its sender and against us.
    pub fn verify(
        self,
        sp: &ServiceProvider,
        keys: &[VerifyingKey],
        receiver: &Receiver,
        now: UnixTime,
    ) -> Result<LogoutResponse, LogoutError> {
        if self.0.issuer != sp.entity_id {
            return Err(LogoutError::IssuerMismatch);
        }
        self.0.check_signature(keys)?;
        self.0.check_header(receiver, now)?;
        self.read()
    }

    /// Holds the answer that came over our own connection to the SP's registered endpoint against
    /// its registration. A signature that is there has to be good; without one the connection says
    /// who answers, if it is `trusted` to (Profiles 4.4.4.2: only what a browser carries has to be
    /// signed).
    pub fn verify_direct(
        self,
        sp: &ServiceProvider,
        keys: &[VerifyingKey],
        trusted: bool,
    ) -> Result<LogoutResponse, LogoutError> {
        if self.0.issuer != sp.entity_id {
            return Err(LogoutError::IssuerMismatch);
        }
        if self.0.is_signed() || !trusted {
            self.0.check_signature(keys)?;
        }
        self.read()
    }

    fn read(&self) -> Result<LogoutResponse, LogoutError> {
        let root = self.0.root()?;
        let in_response_to = root.attribute("InResponseTo");
        let in_response_to = in_response_to
            .and_then(|id| MessageId::parse(id).ok())
            .ok_or(LogoutError::InResponseTo)?;
        let status = root.child(uri::SAMLP.uri, "Status");
        let status = codes(status.ok_or(LogoutError::Status)?);
        if status.is_empty() {
            return Err(LogoutError::Status);
        }
        Ok(LogoutResponse {
            in_response_to,
            status,
        })
    }
}

/// The codes, the outer first. The reader's limit of depth bounds the loop.
fn codes(status: &Element) -> Vec<String> {
    let mut codes = Vec::new();
    let mut outer = status;
    while let Some(code) = outer.child(uri::SAMLP.uri, "StatusCode") {
        codes.push(code.attribute("Value").unwrap_or_default().to_owned());
        outer = code;
    }
    codes
}

impl LogoutResponse {
    /// The request that it answers.
    #[must_use]
    pub fn in_response_to(&self) -> &MessageId {
        &self.in_response_to
    }

    /// Whether the SP says that the person is signed out there, and everywhere behind it.
    #[must_use]
    pub fn confirms(&self) -> bool {
        let success = |code: &String| code == Status::SUCCESS;
        self.status.first().is_some_and(success) && self.status.len() == 1
    }

    /// The status as people write it: `Success/PartialLogout`. What is not of SAML is cut short.
    #[must_use]
    pub fn status(&self) -> String {
        let word = |code: &String| {
            let word = code.rsplit(':').next().unwrap_or_default();
            word.chars().filter(|c| !c.is_control()).take(60).collect()
        };
        let words: Vec<String> = self.status.iter().take(3).map(word).collect();
        words.join("/")
    }
}
