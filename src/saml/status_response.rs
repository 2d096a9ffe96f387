//! Answers that carry a status and perhaps one message: the `StatusResponseType` of the protocol
//! (Core 3.2.2), as far as it is no Response to an AuthnRequest.

use super::status::Status;
use super::uri;
use super::xml::{WriteError, Writer};
use crate::directory::name::MessageId;
use crate::directory::time::UnixTime;

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `samlp:Response`: to a query.
    Response,
    /// `samlp:ManageNameIDResponse` (Core 3.6.2).
    ManageNameId,
}

impl Answer {
    fn local(self) -> &'static str {
        match self {
            Self::Response => "Response",
            Self::ManageNameId => "ManageNameIDResponse",
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
}

impl StatusResponse<'_> {
    /// The element without a signature: for who could not be asked who they are.
    pub fn unsigned(&self) -> Result<String, WriteError> {
        let protocol = uri::SAMLP;
        let now = self.now.to_string();
        let mut w = Writer::with_capacity(1024);
        w.start(protocol, self.answer.local());
        w.attribute("ID", self.id.as_str());
        w.attribute("Version", "2.0");
        w.attribute("IssueInstant", &now);
        if let Some(id) = self.in_response_to {
            w.attribute("InResponseTo", id);
        }
        w.element(uri::SAML, "Issuer", self.issuer);
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
        w.end().end().end();
        w.finish()
    }
}
