//! Status codes: what a Response says when it is no success (Core 3.2.2.2).

use serde::{Deserialize, Serialize};

/// A top-level code with the second-level code nested in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The request was at fault, without a closer word.
    Requester,
    /// The request asks for what is not supported.
    RequestUnsupported,
    /// The binding asked for cannot be used.
    UnsupportedBinding,
    /// We cannot, without a closer word.
    Responder,
    /// The person may not enter: prevented by policy (Core 3.2.2.2).
    RequestDenied,
    /// Nobody is signed in any more.
    AuthnFailed,
    /// The person would have to be asked, and the request forbids it.
    NoPassive,
    /// None of the authentication contexts asked for can be asserted.
    NoAuthnContext,
    /// The NameIDPolicy cannot be met.
    InvalidNameIdPolicy,
    /// The Subject asked for is not the person.
    UnknownPrincipal,
    /// None of the identity providers listed in Scoping is us.
    NoSupportedIdp,
    /// The version is below 2.0.
    RequestVersionTooLow,
    /// The version is above 2.0.
    RequestVersionTooHigh,
}

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
const VERSION_MISMATCH: &str = "urn:oasis:names:tc:SAML:2.0:status:VersionMismatch";

impl Status {
    /// The code of a success.
    pub const SUCCESS: &str = SUCCESS;

    /// The top-level code.
    #[must_use]
    pub fn top_level(self) -> &'static str {
        match self {
            Self::Requester
            | Self::RequestUnsupported
            | Self::InvalidNameIdPolicy
            | Self::UnsupportedBinding => REQUESTER,
            Self::RequestVersionTooLow | Self::RequestVersionTooHigh => VERSION_MISMATCH,
            Self::Responder
            | Self::RequestDenied
            | Self::AuthnFailed
            | Self::NoPassive
            | Self::NoAuthnContext
            | Self::UnknownPrincipal
            | Self::NoSupportedIdp => RESPONDER,
        }
    }

    /// The second-level code, if there is a closer word.
    #[must_use]
    pub fn second_level(self) -> Option<&'static str> {
        Some(match self {
            Self::Requester | Self::Responder => return None,
            Self::RequestUnsupported => "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported",
            Self::UnsupportedBinding => "urn:oasis:names:tc:SAML:2.0:status:UnsupportedBinding",
            Self::RequestDenied => "urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
            Self::AuthnFailed => "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed",
            Self::NoPassive => "urn:oasis:names:tc:SAML:2.0:status:NoPassive",
            Self::NoAuthnContext => "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext",
            Self::InvalidNameIdPolicy => "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy",
            Self::UnknownPrincipal => "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal",
            Self::NoSupportedIdp => "urn:oasis:names:tc:SAML:2.0:status:NoSupportedIDP",
            Self::RequestVersionTooLow => "urn:oasis:names:tc:SAML:2.0:status:RequestVersionTooLow",
            Self::RequestVersionTooHigh => {
                "urn:oasis:names:tc:SAML:2.0:status:RequestVersionTooHigh"
            }
        })
    }
}
