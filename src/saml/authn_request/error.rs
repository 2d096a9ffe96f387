//! Why an AuthnRequest is refused, and whether its sender may be told.

use thiserror::Error;

use crate::directory::name::MessageId;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::{AcsBinding, AcsEndpoint, Pick, ServiceProvider};
use crate::saml::encryption::DecryptError;
use crate::saml::signature::SignatureError;
use crate::saml::status::Status;
use crate::saml::xml::XmlError;

/// One variant for each rule that a request can break.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Not the XML that SAML uses.
    #[error("not strict XML: {0}")]
    Xml(XmlError),
    /// The root is not samlp:AuthnRequest.
    #[error("the root element is not samlp:AuthnRequest")]
    NotAnAuthnRequest,
    /// An element that the schema does not have here, or in another order, or twice.
    #[error("a child element is unknown, twice, or out of order")]
    Schema,
    /// No Issuer, an empty one, or one with another Format than entity (Profiles 4.1.4.1).
    #[error("there is no Issuer that names an entity")]
    Issuer,
    /// The registration is not that of the Issuer.
    #[error("the Issuer is not the registered service provider")]
    IssuerMismatch,
    /// The signature is not good.
    #[error("the signature is refused: {0}")]
    Signature(SignatureError),
    /// An XML signature in a message by HTTP-Redirect (Bindings 3.4.4.1).
    #[error("there is an XML signature in an HTTP-Redirect message")]
    SignatureInRedirect,
    /// A good signature that covers something else than the root.
    #[error("the signature does not cover the whole message")]
    SignatureElsewhere,
    /// It has to be signed, and is not.
    #[error("the request is not signed, and has to be")]
    Unsigned,
    /// No registered endpoint fits.
    #[error("the AssertionConsumerService that is asked for is not registered")]
    UnregisteredAcs,
    /// URL and index exclude each other (Core 3.4.1).
    #[error("AssertionConsumerServiceIndex stands beside a URL or ProtocolBinding")]
    AcsTwice,
    /// AssertionConsumerServiceIndex is no unsigned short.
    #[error("AssertionConsumerServiceIndex is not a number from 0 to 65535")]
    AcsIndex,
    /// No Response leaves by that binding on this way.
    #[error("ProtocolBinding names a binding by which no Response can leave here")]
    ProtocolBinding,
    /// The ID is no xs:ID.
    #[error("the ID is missing or no NCName of at most 256 characters")]
    Id,
    /// Below 2.0.
    #[error("the Version is below 2.0")]
    VersionTooLow,
    /// Above 2.0.
    #[error("the Version is above 2.0")]
    VersionTooHigh,
    /// IssueInstant is no xs:dateTime in UTC.
    #[error("the IssueInstant is missing or not an xs:dateTime in UTC")]
    IssueInstant,
    /// Too old.
    #[error("the request was issued too long ago")]
    Stale,
    /// From the future.
    #[error("the request was issued in the future")]
    Future,
    /// For somebody else.
    #[error("the Destination is another address")]
    Destination,
    /// A signed request has to say where it goes (Bindings 3.4.5.2, 3.5.5.2).
    #[error("a signed request has no Destination")]
    NoDestination,
    /// Not an xs:boolean.
    #[error("an attribute is not an xs:boolean")]
    Boolean,
    /// The NameIDPolicy cannot be met.
    #[error("the NameIDPolicy cannot be met")]
    NameIdPolicy,
    /// No context asked for can be asserted.
    #[error("none of the requested authentication contexts can be asserted")]
    AuthnContext,
    /// A Subject with SubjectConfirmation, or without a NameID (Profiles 4.1.4.1).
    #[error("the Subject has a SubjectConfirmation or no plain NameID")]
    Subject,
    /// An EncryptedID that our keys do not open; nothing more is said.
    #[error("the Subject: {0}")]
    EncryptedId(#[from] DecryptError),
    /// Scoping lists identity providers, and not us (Core 3.4.1.2).
    #[error("the IDPList in Scoping does not name this identity provider")]
    Scoping,
    /// An AttributeConsumingService that is not registered (Core 3.4.1).
    #[error("the AttributeConsumingServiceIndex is not registered")]
    AttributeConsumingService,
    /// The channels that the client and the SP name do not match, or prove nothing.
    #[error("the channel bindings of the client and of a signed request do not match")]
    ChannelBindings,
    /// Sign-in may not start here for this SP.
    #[error("the service provider does not take unsolicited Responses")]
    IdpInitiatedNotAllowed,
}

impl RequestError {
    /// The code for log, page and audit.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        match self {
            Self::Xml(_) => ReasonCode::MalformedXml,
            Self::NotAnAuthnRequest
            | Self::Schema
            | Self::Id
            | Self::IssueInstant
            | Self::Boolean => ReasonCode::NotAnAuthnRequest,
            Self::Issuer | Self::IssuerMismatch => ReasonCode::UnknownIssuer,
            Self::Signature(_) | Self::SignatureInRedirect | Self::SignatureElsewhere => {
                ReasonCode::BadSignature
            }
            Self::Unsigned => ReasonCode::UnsignedRequest,
            Self::UnregisteredAcs | Self::AcsTwice | Self::AcsIndex | Self::ProtocolBinding => {
                ReasonCode::UnregisteredAcs
            }
            Self::VersionTooLow | Self::VersionTooHigh => ReasonCode::WrongVersion,
            Self::Stale | Self::Future => ReasonCode::StaleRequest,
            Self::Destination | Self::NoDestination => ReasonCode::WrongDestination,
            Self::NameIdPolicy => ReasonCode::InvalidNameIdPolicy,
            Self::AuthnContext => ReasonCode::NoAuthnContext,
            Self::EncryptedId(_) => ReasonCode::Undecryptable,
            Self::Subject | Self::Scoping | Self::AttributeConsumingService => {
                ReasonCode::UnsupportedRequest
            }
            Self::ChannelBindings => ReasonCode::ChannelMismatch,
            Self::IdpInitiatedNotAllowed => ReasonCode::IdpInitiatedNotAllowed,
        }
    }

    /// What the SP is told, where it may be told.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::VersionTooLow => Status::RequestVersionTooLow,
            Self::VersionTooHigh => Status::RequestVersionTooHigh,
            Self::NameIdPolicy => Status::InvalidNameIdPolicy,
            Self::AuthnContext => Status::NoAuthnContext,
            Self::Scoping => Status::NoSupportedIdp,
            Self::AttributeConsumingService => Status::RequestUnsupported,
            _ => Status::Requester,
        }
    }
}

/// A refused request.
#[derive(Debug)]
pub struct RequestRefused<'sp> {
    /// Why.
    pub error: RequestError,
    /// Where to tell the SP; `None` while its endpoint cannot be trusted.
    pub reply: Option<ReplyTo<'sp>>,
}

/// A registered endpoint that an answer may go to.
#[derive(Debug, Clone)]
pub struct ReplyTo<'sp> {
    /// The SP.
    pub sp: &'sp ServiceProvider,
    /// Its endpoint.
    pub acs: &'sp AcsEndpoint,
    /// The ID of the request; none where it could not be read.
    pub id: Option<MessageId>,
    /// RelayState goes back with errors too (Bindings 3.4.3).
    pub relay_state: Option<String>,
}

impl ReplyTo<'_> {
    /// The same by HTTP-POST, where the SP has such an endpoint: at the same address, else its
    /// default one.
    #[must_use]
    pub fn by_post(self) -> Self {
        let post = &[AcsBinding::HttpPost];
        let same = self.sp.acs.pick(post, Pick::Location(&self.acs.location));
        let acs = same.or_else(|| self.sp.acs.pick(post, Pick::Default));
        Self {
            acs: acs.unwrap_or(self.acs),
            ..self
        }
    }
}
