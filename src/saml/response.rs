//! The Response: a grant in, signed bytes out (Core 3.3.3, Profiles 4.1.4.2).
//!
//! Only a [`Grant`], used up by value, makes an assertion. Audience, Recipient and InResponseTo are
//! read off it. What is written is in canonical form already, so signing is a digest over our own
//! bytes (decision 7).

#[cfg(test)]
mod tests;

use thiserror::Error;

use super::assertion::{self, SessionPart, Times, identifier};
use super::attributes::TYPE_PREFIXES;
use super::authn_request::{Asked, ReplyTo};
use super::consent::ConsentClaim;
use super::encryption::{self, EncryptError, Recipient, RecipientError};
use super::name_id::PairwiseSecret;
use super::signature::{SignError, SigningKey};
use super::status::Status;
use super::uri;
use super::xml::{WriteError, Writer};
use crate::access::Grant;
use crate::directory::algorithms::DeniedAlgorithms;
use crate::directory::name::MessageId;
use crate::directory::reason::ReasonCode;
use crate::directory::release::SiteRelease;
use crate::directory::service_provider::Sign;
use crate::directory::session::{Release, SentNameId, SessionLimits};
use crate::directory::template::TooManyValues;
use crate::directory::time::UnixTime;

/// Who issues.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Our entityID.
    pub entity_id: String,
    /// Behind persistent ids.
    pub pairwise_secret: PairwiseSecret,
    /// Limits of a session, for SessionNotOnOrAfter.
    pub limits: SessionLimits,
    /// What is released by rules of the site.
    pub release: SiteRelease,
    /// Algorithms that are not used.
    pub denied: DeniedAlgorithms,
}

/// The instant and the fresh ids of one Response.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Now.
    pub now: UnixTime,
    /// The ID of the Response.
    pub response_id: MessageId,
    /// The ID of the Assertion.
    pub assertion_id: MessageId,
}

/// Why no assertion is made for a grant.
#[derive(Debug, Error)]
pub enum ResponseError {
    /// The NameID asked for does not exist for this person.
    #[error("the person has no identifier of the format asked for, and none may be made")]
    NoNameId,
    /// The Subject asked for is somebody else (Core 3.3.4).
    #[error("the Subject of the request does not match the person")]
    SubjectMismatch,
    /// The decision is older than two seconds, or made for a dry run (decision 1).
    #[error("the decision can no longer be acted on")]
    NotCurrent,
    /// An attribute has more values than an assertion takes.
    #[error(transparent)]
    TooManyValues(#[from] TooManyValues),
    /// The assertion has to be encrypted, and cannot be (C-E7).
    #[error("the assertion has to be encrypted: {0}")]
    NoRecipient(#[from] RecipientError),
    /// The identifier has to be encrypted, and cannot be.
    #[error("the request asks for an encrypted identifier: {0}")]
    NoEncryptedId(RecipientError),
    /// The encryption failed.
    #[error("nothing could be encrypted: {0}")]
    Encrypt(#[from] EncryptError),
    /// A value cannot be carried by XML.
    #[error("a released value cannot be written: {0}")]
    Write(#[from] WriteError),
    /// The signature could not be made.
    #[error("nothing could be signed: {0}")]
    Sign(#[from] SignError),
}

impl ResponseError {
    /// What the SP is told, if it is told.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::NoNameId | Self::NoEncryptedId(_) => Some(Status::InvalidNameIdPolicy),
            Self::SubjectMismatch => Some(Status::UnknownPrincipal),
            Self::NoRecipient(_) | Self::Write(_) | Self::TooManyValues(_) => {
                Some(Status::Responder)
            }
            Self::NotCurrent | Self::Encrypt(_) | Self::Sign(_) => None,
        }
    }

    /// The code for log, page and audit.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        match self {
            Self::NoNameId | Self::NoEncryptedId(_) => ReasonCode::InvalidNameIdPolicy,
            Self::SubjectMismatch => ReasonCode::UnknownPrincipal,
            Self::NoRecipient(_) => ReasonCode::EncryptionImpossible,
            Self::NotCurrent => ReasonCode::Overloaded,
            Self::TooManyValues(_) | Self::Write(_) | Self::Encrypt(_) | Self::Sign(_) => {
                ReasonCode::Internal
            }
        }
    }
}

/// A finished but unsigned Response. Its fields are private: none can be written without a grant.
#[derive(Debug)]
pub struct Response {
    id: MessageId,
    now: UnixTime,
    issuer: String,
    destination: String,
    in_response_to: Option<String>,
    relay_state: Option<String>,
    name_id: Option<SentNameId>,
    session_key: Option<String>,
    consent: Option<ConsentClaim>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Assertion {
        xml: String,
        id: MessageId,
        after_issuer: usize,
        sign: Sign,
        /// Prefixes that only values use, for every signature.
        prefixes: &'static [&'static str],
        recipient: Option<Recipient>,
    },
    Status(Status),
}

/// A Response that may leave. Only this fits into the page that posts it.
#[derive(Debug)]
pub struct SignedResponse {
    xml: String,
    destination: String,
    relay_state: Option<String>,
    name_id: Option<SentNameId>,
    session_key: Option<String>,
}

impl SignedResponse {
    /// The key in the encrypted assertion, of which an enhanced client gets a copy (SAML-EC 5.3.1).
    #[must_use]
    pub fn session_key(&self) -> Option<&str> {
        self.session_key.as_deref()
    }

    /// The NameID in the assertion, to be remembered for the logout; none in a status.
    #[must_use]
    pub fn name_id(&self) -> Option<&SentNameId> {
        self.name_id.as_ref()
    }

    /// The XML text.
    #[must_use]
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// The XML text alone, where nothing else is needed any more.
    #[must_use]
    pub fn into_xml(self) -> String {
        self.xml
    }

    /// The registered endpoint that it goes to.
    #[must_use]
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// RelayState, unchanged.
    #[must_use]
    pub fn relay_state(&self) -> Option<&str> {
        self.relay_state.as_deref()
    }
}

impl Response {
    /// A Response with an assertion. Uses the grant up.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a grant is used up by its one assertion"
    )]
    pub fn success(
        grant: Grant<'_>,
        asked: &Asked,
        release: &Release,
        issuer: &Issuer,
        stamp: &Stamp,
    ) -> Result<Self, ResponseError> {
        if !grant.is_current(stamp.now) || grant.session().is_none() {
            return Err(ResponseError::NotCurrent);
        }
        // Before anything is written: what has to be encrypted never exists as an answer in plain.
        let recipient = encryption::recipient(grant.sp(), &issuer.denied)?;
        let identifier = identifier(&grant, asked, issuer, &release.session_index)?;
        // Whoever could read the key could be either of the two that it is for.
        let session_key = asked.session_key.clone().filter(|_| recipient.is_some());
        let policy = &grant.sp().policy;
        let times = Times::usable(stamp.now, &policy.lifetimes);
        let session_end = release.session.ends_at(issuer.limits);
        let own_end = policy.lifetimes.session.map(|own| stamp.now.plus(own));
        let session = SessionPart {
            signed_in_at: release.session.signed_in_at,
            index: &release.session_index,
            key: session_key.as_deref(),
            ends_at: own_end.map_or(session_end, |own| own.min(session_end)),
        };
        let (xml, after_issuer) =
            assertion::write(&grant, asked, &identifier, issuer, stamp, times, &session)?;
        Ok(Self {
            id: stamp.response_id.clone(),
            now: stamp.now,
            issuer: issuer.entity_id.clone(),
            destination: grant.acs().location.clone(),
            in_response_to: grant.in_response_to().map(str::to_owned),
            relay_state: asked.relay_state.clone(),
            name_id: identifier.sent(),
            session_key,
            consent: None,
            content: Content::Assertion {
                xml,
                id: stamp.assertion_id.clone(),
                after_issuer,
                sign: policy.sign,
                prefixes: if policy.release.typed {
                    &TYPE_PREFIXES
                } else {
                    &[]
                },
                recipient,
            },
        })
    }

    /// A Response that carries a status and nothing else (Core 3.2.2.2).
    #[must_use]
    pub fn failure(reply: ReplyTo<'_>, status: Status, issuer: &Issuer, stamp: &Stamp) -> Self {
        Self {
            id: stamp.response_id.clone(),
            now: stamp.now,
            issuer: issuer.entity_id.clone(),
            destination: reply.acs.location.clone(),
            in_response_to: reply.id.map(|id| id.as_str().to_owned()),
            relay_state: reply.relay_state,
            name_id: None,
            session_key: None,
            consent: None,
            content: Content::Status(status),
        }
    }

    /// Says that the person agreed to it (Core 8.4).
    #[must_use]
    pub fn with_consent(self, consent: Option<ConsentClaim>) -> Self {
        Self { consent, ..self }
    }

    /// Signs and encrypts what is to be: the assertion is signed first, then encrypted, then the
    /// Response around it is signed. A status is always signed.
    pub fn sign(self, key: &SigningKey) -> Result<SignedResponse, ResponseError> {
        let (content, sign_response, prefixes) = match &self.content {
            Content::Status(status) => (Inner::Status(*status), true, Default::default()),
            Content::Assertion {
                xml,
                id,
                after_issuer,
                sign,
                prefixes,
                recipient,
            } => {
                let xml = match sign {
                    Sign::Response => xml.clone(),
                    Sign::Both | Sign::Assertion => {
                        key.sign_enveloped(xml, id.as_str(), *after_issuer, prefixes)?
                    }
                };
                let xml = match recipient {
                    Some(recipient) => recipient.encrypted_assertion(&xml)?,
                    None => xml,
                };
                (Inner::Assertion(xml), *sign != Sign::Assertion, *prefixes)
            }
        };
        let (xml, after_issuer) = self.write(&content)?;
        let xml = if sign_response {
            key.sign_enveloped(&xml, self.id.as_str(), after_issuer, prefixes)?
        } else {
            xml
        };
        Ok(SignedResponse {
            xml,
            destination: self.destination,
            relay_state: self.relay_state,
            name_id: self.name_id,
            session_key: self.session_key,
        })
    }

    fn write(&self, content: &Inner) -> Result<(String, usize), WriteError> {
        let embedded = if let Inner::Assertion(xml) = content {
            xml.len()
        } else {
            0
        };
        let now = self.now.to_string();
        let mut w = Writer::with_capacity(1024 + embedded);
        w.start(uri::SAMLP, "Response");
        w.attribute("ID", self.id.as_str());
        w.attribute("Version", "2.0");
        w.attribute("IssueInstant", &now);
        w.attribute("Destination", &self.destination);
        if let Some(id) = &self.in_response_to {
            w.attribute("InResponseTo", id);
        }
        if let Some(consent) = self.consent {
            w.attribute("Consent", consent.uri());
        }
        w.element(uri::SAML, "Issuer", &self.issuer);
        let after_issuer = w.position();
        w.start(uri::SAMLP, "Status")
            .start(uri::SAMLP, "StatusCode");
        match content {
            Inner::Assertion(xml) => {
                w.attribute("Value", Status::SUCCESS).end().end().embed(xml);
            }
            Inner::Status(status) => {
                w.attribute("Value", status.top_level());
                if let Some(second) = status.second_level() {
                    w.start(uri::SAMLP, "StatusCode")
                        .attribute("Value", second)
                        .end();
                }
                w.end().end();
            }
        }
        w.end();
        Ok((w.finish()?, after_issuer))
    }
}

/// What goes into the Response, the assertion signed and encrypted already.
enum Inner {
    Assertion(String),
    Status(Status),
}

/// The assertion that a dry run would lead to: unsigned, not encrypted, and expired before it was made, so that
/// no SP takes it (`access try`).
#[expect(
    clippy::needless_pass_by_value,
    reason = "a grant is used up by its one assertion"
)]
pub fn preview(
    grant: Grant<'_>,
    asked: &Asked,
    issuer: &Issuer,
    stamp: &Stamp,
) -> Result<String, ResponseError> {
    let index = "preview";
    let identifier = identifier(&grant, asked, issuer, index)?;
    let session = SessionPart {
        signed_in_at: stamp.now,
        index,
        key: None,
        ends_at: stamp.now,
    };
    let times = Times::expired(stamp.now, &grant.sp().policy.lifetimes);
    assertion::write(&grant, asked, &identifier, issuer, stamp, times, &session).map(|(xml, _)| xml)
}
