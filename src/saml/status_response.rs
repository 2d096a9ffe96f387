//! Answers that carry a status and perhaps one message: the `StatusResponseType` of the protocol
//! (Core 3.2.2), as far as it is no Response to an AuthnRequest.

use super::signature::{SignError, SigningKey};
use super::status::Status;
use super::uri;
use super::xml::{Namespace, WriteError, Writer};
use crate::directory::name::MessageId;
use crate::directory::time::UnixTime;

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `samlp:Response`: to a query.
    Response,
    /// `samlp:ManageNameIDResponse` (Core 3.6.2).
    ManageNameId,
    /// `samlp:ArtifactResponse` (Core 3.5.2).
    Artifact,
}

impl Answer {
    fn local(self) -> &'static str {
        match self {
            Self::Response => "Response",
            Self::ManageNameId => "ManageNameIDResponse",
            Self::Artifact => "ArtifactResponse",
        }
    }

    /// The answer to a request that is known to SAML and not offered here (Core 3.3, 3.6, 3.8);
    /// `None` for what is no such request.
    ///
    /// A `NameIDMappingResponse` cannot do without an identifier, which a refusal has none of:
    /// the schema leaves a Response.
    #[must_use]
    pub fn to_unsupported(request: &str) -> Option<Self> {
        match request {
            "ManageNameIDRequest" => Some(Self::ManageNameId),
            "NameIDMappingRequest"
            | "AssertionIDRequest"
            | "SubjectQuery"
            | "AuthnQuery"
            | "AttributeQuery"
            | "AuthzDecisionQuery"
            | "AuthnRequest" => Some(Self::Response),
            _ => None,
        }
    }
}

/// An answer with all its parts.
#[derive(Debug, Clone)]
pub struct StatusResponse<'a> {
    /// Which element it is.
    pub answer: Answer,
    /// Its ID.
    pub id: &'a MessageId,
    /// Now.
    pub now: UnixTime,
    /// Our entityID.
    pub issuer: &'a str,
    /// The ID of the request; none where it could not be read.
    pub in_response_to: Option<&'a str>,
    /// What to say; none is success.
    pub status: Option<Status>,
    /// The message that it carries, finished.
    pub message: Option<&'a str>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum StatusResponseError {
    /// A value cannot be written as XML.
    #[error("the answer cannot be written: {0}")]
    Write(#[from] WriteError),
    /// The signature could not be made.
    #[error("the answer cannot be signed: {0}")]
    Sign(#[from] SignError),
}

/// The protocol namespace with a prefix of its own: a message that is put in declares `samlp`
/// itself, as it does standing alone (decision 31).
const AROUND: Namespace<'static> = Namespace::new("saml2p", uri::SAMLP.uri);

impl StatusResponse<'_> {
    /// The element without a signature: for who could not be asked who they are.
    pub fn unsigned(&self) -> Result<String, StatusResponseError> {
        Ok(self.write()?.0)
    }

    /// The element with its signature (Core 3.2.2).
    pub fn sign(&self, key: &SigningKey) -> Result<String, StatusResponseError> {
        let (text, after_issuer) = self.write()?;
        Ok(key.sign_enveloped(&text, self.id.as_str(), after_issuer, &[])?)
    }

    fn write(&self) -> Result<(String, usize), WriteError> {
        let protocol = AROUND;
        let now = self.now.to_string();
        let mut w = Writer::with_capacity(1024 + self.message.map_or(0, str::len));
        w.start(protocol, self.answer.local());
        w.attribute("ID", self.id.as_str());
        w.attribute("Version", "2.0");
        w.attribute("IssueInstant", &now);
        if let Some(id) = self.in_response_to {
            w.attribute("InResponseTo", id);
        }
        w.element(uri::SAML, "Issuer", self.issuer);
        let after_issuer = w.position();
        w.start(protocol, "Status").start(protocol, "StatusCode");
        match self.status {
            None => {
                w.attribute("Value", Status::SUCCESS);
            }
            Some(status) => {
                w.attribute("Value", status.top_level());
                if let Some(second) = status.second_level() {
                    w.start(protocol, "StatusCode")
                        .attribute("Value", second)
                        .end();
                }
            }
        }
        w.end().end();
        if let Some(message) = self.message {
            w.embed(message);
        }
        w.end();
        Ok((w.finish()?, after_issuer))
    }
}
