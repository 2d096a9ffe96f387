//! HTTP-Redirect and HTTP-POST: from what a browser brought to the bytes of a message.
//!
//! Nothing here is believed: an [`Inbound`] is only decoded. The octets that a Redirect signature
//! covers are the raw ones, as they came (decision 8, Bindings 3.4.4.1).

mod encoding;
mod redirect;
#[cfg(test)]
mod tests;

use percent_encoding::percent_decode_str;
use thiserror::Error;

pub use redirect::{SendError, redirect_to};

use super::uri;
use super::xml::{self, Limits};
use crate::directory::reason::ReasonCode;
use encoding::{decode_base64, form_decode, inflate};

/// The most bytes that a message may inflate to.
pub const INFLATED_LIMIT: usize = 128 * 1024;
/// The most bytes of a query.
pub const QUERY_LIMIT: usize = 8 * 1024;
/// The most bytes of RelayState that are taken; more than 80 break the binding (Bindings 3.4.3).
pub const RELAY_STATE_LIMIT: usize = 1024;

/// Why nothing could be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BindingError {
    /// No SAMLRequest.
    #[error("there is no SAMLRequest")]
    NoMessage,
    /// A SAMLResponse where a SAMLRequest belongs, or both.
    #[error("there is a SAMLResponse")]
    ResponseInRequest,
    /// A parameter came twice.
    #[error("a parameter came twice")]
    DuplicateParameter,
    /// A parameter's name was percent-escaped, so that two readers could take it for two names.
    #[error("the name of a parameter is escaped")]
    EscapedName,
    /// The query is too long.
    #[error("the query is longer than 8 KiB")]
    QueryTooLong,
    /// RelayState is too long.
    #[error("RelayState is longer than 1,024 bytes")]
    RelayStateTooLong,
    /// RelayState cannot be returned unchanged in an HTML form.
    #[error("RelayState is not UTF-8, or holds a control character")]
    RelayStateUnreadable,
    /// A parameter's percent-escapes are broken.
    #[error("a parameter is not percent-encoded UTF-8")]
    PercentEncoding,
    /// Not base64.
    #[error("not base64")]
    Base64,
    /// SAMLEncoding names something else than DEFLATE.
    #[error("SAMLEncoding is not DEFLATE")]
    Encoding,
    /// Not a raw DEFLATE stream, or bytes after it.
    #[error("not one raw DEFLATE stream")]
    Deflate,
    /// It inflates to more than the limit.
    #[error("inflates to more than 128 KiB")]
    InflatedTooLarge,
    /// Signature without SigAlg, or the other way round.
    #[error("only one of SigAlg and Signature is there")]
    HalfSigned,
}

impl BindingError {
    /// The code for log, page and audit.
    #[must_use]
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::NoMessage | Self::HalfSigned => ReasonCode::MissingParameter,
            Self::ResponseInRequest => ReasonCode::NotAnAuthnRequest,
            Self::DuplicateParameter | Self::EscapedName => ReasonCode::DuplicateParameter,
            Self::QueryTooLong | Self::RelayStateTooLong | Self::InflatedTooLarge => {
                ReasonCode::TooLarge
            }
            Self::RelayStateUnreadable
            | Self::PercentEncoding
            | Self::Base64
            | Self::Encoding
            | Self::Deflate => ReasonCode::BadEncoding,
        }
    }
}

/// By which binding a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// HTTP-Redirect.
    Redirect,
    /// HTTP-POST.
    Post,
    /// SOAP: an enhanced client brings it (Profiles 4.2).
    Soap,
}

/// A decoded message that nobody has read yet.
#[derive(Debug)]
pub struct Inbound {
    /// How it came.
    pub binding: Binding,
    /// The XML text.
    pub xml: Vec<u8>,
    /// RelayState, to be returned unchanged (Bindings 3.4.3).
    pub relay_state: Option<String>,
    /// The signature of the query, where there is one.
    pub detached: Option<Detached>,
}

impl Inbound {
    /// What the root element is called, where it is one of the protocol: to choose who reads the
    /// message. It says nothing about the rest.
    #[must_use]
    pub fn message_name(&self) -> Option<String> {
        let document = xml::read(&self.xml, &Limits::MESSAGE).ok()?;
        let root = document.root();
        (root.namespace() == uri::SAMLP.uri).then(|| root.local_name().to_owned())
    }
}

/// The signature of an HTTP-Redirect query.
#[derive(Debug)]
pub struct Detached {
    /// The octets that it covers, exactly as they came.
    pub octets: String,
    /// SigAlg.
    pub algorithm: String,
    /// The signature.
    pub signature: Vec<u8>,
}

/// What a message is, by the parameter that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl Carried {
    /// The name of the parameter.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// Decodes the raw query of an HTTP-Redirect request.
pub fn decode_redirect(query: &str) -> Result<Inbound, BindingError> {
    let parameters = Parameters::of_query(query)?;
    let message = parameters.message()?;
    parameters.redirected(Carried::Request, message)
}

/// The same where a response may come as well: single logout.
pub fn decode_redirect_either(query: &str) -> Result<(Carried, Inbound), BindingError> {
    let parameters = Parameters::of_query(query)?;
    let (carried, message) = parameters.either_message()?;
    Ok((carried, parameters.redirected(carried, message)?))
}

/// Decodes the body of an HTTP-POST request (`application/x-www-form-urlencoded`).
pub fn decode_post(body: &str) -> Result<Inbound, BindingError> {
    let parameters = Parameters::split(body)?;
    let message = parameters.message()?;
    parameters.posted(message)
}

/// The same where a response may come as well: single logout.
pub fn decode_post_either(body: &str) -> Result<(Carried, Inbound), BindingError> {
    let parameters = Parameters::split(body)?;
    let (carried, message) = parameters.either_message()?;
    Ok((carried, parameters.posted(message)?))
}

/// The RelayState of a query without a message: a sign-on that nobody requested. The same rules hold
/// as beside a message.
pub fn relay_state(query: &str) -> Result<Option<String>, BindingError> {
    Parameters::split(query)?.relay_state()
}

/// Whether a query names a SAML message: a POST that has one in both places is refused.
#[must_use]
pub fn names_a_message(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = percent_decode_str(name).decode_utf8_lossy();
        matches!(name.as_ref(), "SAMLRequest" | "SAMLResponse" | "RelayState")
    })
}

/// Whether a query carries a SAML message.
#[must_use]
pub fn carries_a_message(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        matches!(name, "SAMLRequest" | "SAMLResponse")
    })
}

/// The parameters with their values still encoded, no name twice.
struct Parameters<'a>(Vec<Parameter<'a>>);

struct Parameter<'a> {
    name: &'a str,
    value: &'a str,
    /// Both as they came: a name alone is an empty value, and signed without `=`.
    raw: &'a str,
}

impl<'a> Parameters<'a> {
    fn of_query(query: &'a str) -> Result<Self, BindingError> {
        if query.len() > QUERY_LIMIT {
            return Err(BindingError::QueryTooLong);
        }
        Self::split(query)
    }

    fn redirected(&self, carried: Carried, message: &str) -> Result<Inbound, BindingError> {
        if self
            .decoded("SAMLEncoding")?
            .is_some_and(|encoding| encoding != uri::DEFLATE)
        {
            return Err(BindingError::Encoding);
        }
        let xml = inflate(&decode_base64(&decode(message)?)?)?;
        let relay_state = self.relay_state()?;
        let detached = self.detached(carried)?;
        Ok(Inbound {
            binding: Binding::Redirect,
            xml,
            relay_state,
            detached,
        })
    }

    fn posted(&self, message: &str) -> Result<Inbound, BindingError> {
        let xml = decode_base64(&decode(message)?)?;
        let relay_state = self.relay_state()?;
        Ok(Inbound {
            binding: Binding::Post,
            xml,
            relay_state,
            detached: None,
        })
    }

    /// The one message, request or response.
    fn either_message(&self) -> Result<(Carried, &'a str), BindingError> {
        let filled = |carried: Carried| {
            let value = self.raw(carried.parameter())?;
            (!value.is_empty()).then_some((carried, value))
        };
        match (filled(Carried::Request), filled(Carried::Response)) {
            (Some(_), Some(_)) => Err(BindingError::ResponseInRequest),
            (one, other) => one.or(other).ok_or(BindingError::NoMessage),
        }
    }

    fn split(text: &'a str) -> Result<Self, BindingError> {
        let mut pairs: Vec<Parameter<'a>> = Vec::with_capacity(6);
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name.contains(['%', '+']) {
                return Err(BindingError::EscapedName);
            }
            if pairs.iter().any(|known| known.name == name) {
                return Err(BindingError::DuplicateParameter);
            }
            if pairs.len() == 64 {
                return Err(BindingError::QueryTooLong);
            }
            pairs.push(Parameter {
                name,
                value,
                raw: pair,
            });
        }
        Ok(Self(pairs))
    }

    fn named(&self, name: &str) -> Option<&Parameter<'a>> {
        self.0.iter().find(|known| known.name == name)
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        self.named(name).map(|parameter| parameter.value)
    }

    fn decoded(&self, name: &str) -> Result<Option<String>, BindingError> {
        self.raw(name).map(decode).transpose()
    }

    fn message(&self) -> Result<&'a str, BindingError> {
        if self.raw("SAMLResponse").is_some() {
            return Err(BindingError::ResponseInRequest);
        }
        self.raw("SAMLRequest")
            .filter(|value| !value.is_empty())
            .ok_or(BindingError::NoMessage)
    }

    fn relay_state(&self) -> Result<Option<String>, BindingError> {
        let Some(raw) = self.raw("RelayState") else {
            return Ok(None);
        };
        let value = form_decode(raw).ok_or(BindingError::RelayStateUnreadable)?;
        if value.len() > RELAY_STATE_LIMIT {
            return Err(BindingError::RelayStateTooLong);
        }
        let unreadable = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        if value.contains(unreadable) {
            return Err(BindingError::RelayStateUnreadable);
        }
        Ok(Some(value))
    }

    /// The signed octets are those of the query, in the order of the binding (decision 8).
    fn detached(&self, carried: Carried) -> Result<Option<Detached>, BindingError> {
        let (raw_algorithm, raw_signature) = match (self.raw("SigAlg"), self.raw("Signature")) {
            (None, None) => return Ok(None),
            (Some(algorithm), Some(signature)) => (algorithm, signature),
            _ => return Err(BindingError::HalfSigned),
        };
        let signed = [carried.parameter(), "RelayState", "SigAlg"];
        let signed = signed.iter().filter_map(|name| self.named(name));
        let signed: Vec<&str> = signed.map(|parameter| parameter.raw).collect();
        let algorithm = decode(raw_algorithm)?;
        let signature = decode_base64(&decode(raw_signature)?)?;
        Ok(Some(Detached {
            octets: signed.join("&"),
            algorithm,
            signature,
        }))
    }
}

fn decode(value: &str) -> Result<String, BindingError> {
    form_decode(value).ok_or(BindingError::PercentEncoding)
}
