//! Why a logout message is refused.

use thiserror::Error;

use crate::directory::reason::ReasonCode;
use crate::saml::encryption::DecryptError;
use crate::saml::signature::SignatureError;
use crate::saml::soap::SoapError;
use crate::saml::status::Status;
use crate::saml::xml::XmlError;

/// One variant for each rule that a logout message can break.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogoutError {
    /// Not the XML that SAML uses.
    #[error("not strict XML: {0}")]
    Xml(#[from] XmlError),
    /// Not an envelope with one message.
    #[error("{0}")]
    Soap(#[from] SoapError),
    /// The root is no logout message of the kind that its parameter says.
    #[error("the root element is not samlp:{0}")]
    NotALogoutMessage(&'static str),
    /// An element that the schema does not have here, or in another order, or twice.
    #[error("an element or attribute is unknown, twice, or out of order")]
    Schema,
    /// No Issuer, or one with another Format than entity (Profiles 4.4.4.1).
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
    /// A good signature that covers something else than the message.
    #[error("the signature does not cover the whole message")]
    SignatureElsewhere,
    /// Nobody knows who sent it (Profiles 4.4.3.1).
    #[error("the logout message is not signed")]
    Unsigned,
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
    #[error("the message was issued too long ago")]
    Stale,
    /// From the future.
    #[error("the message was issued in the future")]
    Future,
    /// For somebody else.
    #[error("the Destination is another address")]
    Destination,
    /// A signed message has to say where it goes (Bindings 3.4.5.2, 3.5.5.2).
    #[error("a signed message has no Destination")]
    NoDestination,
    /// NotOnOrAfter is no xs:dateTime in UTC.
    #[error("the NotOnOrAfter is not an xs:dateTime in UTC")]
    NotOnOrAfter,
    /// Its NotOnOrAfter has passed (Core 3.7.1).
    #[error("the NotOnOrAfter of the request has passed")]
    Expired,
    /// Nobody is named in a way that we read.
    #[error("there is no NameID")]
    NameId,
    /// An EncryptedID that our keys do not open; nothing more is said.
    #[error("the identifier: {0}")]
    EncryptedId(#[from] DecryptError),
    /// A SessionIndex that is none.
    #[error("a SessionIndex is empty or holds elements")]
    SessionIndex,
    /// A response that answers nothing.
    #[error("the InResponseTo is missing")]
    InResponseTo,
    /// A response without a status.
    #[error("there is no StatusCode")]
    Status,
}

impl LogoutError {
    /// The code for log, page and audit.
    #[must_use]
    pub fn reason(&self) -> ReasonCode {
        match self {
            Self::Xml(_) => ReasonCode::MalformedXml,
            Self::Soap(_) => ReasonCode::MalformedSoap,
            Self::NotALogoutMessage(_)
            | Self::Schema
            | Self::Id
            | Self::IssueInstant
            | Self::NotOnOrAfter
            | Self::NameId
            | Self::SessionIndex
            | Self::InResponseTo
            | Self::Status => ReasonCode::NotALogoutMessage,
            Self::Issuer | Self::IssuerMismatch => ReasonCode::UnknownIssuer,
            Self::Signature(_) | Self::SignatureInRedirect | Self::SignatureElsewhere => {
                ReasonCode::BadSignature
            }
            Self::Unsigned => ReasonCode::UnsignedLogout,
            Self::VersionTooLow | Self::VersionTooHigh => ReasonCode::WrongVersion,
            Self::Stale | Self::Future | Self::Expired => ReasonCode::StaleRequest,
            Self::Destination | Self::NoDestination => ReasonCode::WrongDestination,
            Self::EncryptedId(_) => ReasonCode::Undecryptable,
        }
    }

    /// What the SP is told, where it may be told.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::VersionTooLow => Status::RequestVersionTooLow,
            Self::VersionTooHigh => Status::RequestVersionTooHigh,
            _ => Status::Requester,
        }
    }
}
