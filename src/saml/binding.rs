//! HTTP-Redirect and HTTP-POST: from what a browser brought to the bytes of a message.
//!
//! Nothing here is believed: an [`Inbound`] is only decoded. The octets that a Redirect signature
//! covers are the raw ones, as they came (decision 8, Bindings 3.4.4.1).

use std::cell::RefCell;

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::{Decompress, FlushDecompress, Status};
use percent_encoding::percent_decode_str;
use thiserror::Error;

use super::uri;
use crate::directory::reason::ReasonCode;

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

/// Decodes the raw query of an HTTP-Redirect request.
pub fn decode_redirect(query: &str) -> Result<Inbound, BindingError> {
    if query.len() > QUERY_LIMIT {
        return Err(BindingError::QueryTooLong);
    }
    let parameters = Parameters::split(query)?;
    let message = parameters.message()?;
    if parameters
        .decoded("SAMLEncoding")?
        .is_some_and(|encoding| encoding != uri::DEFLATE)
    {
        return Err(BindingError::Encoding);
    }
    let xml = inflate(&decode_base64(&decode(message)?)?)?;
    let relay_state = parameters.relay_state()?;
    let detached = parameters.detached(message)?;
    Ok(Inbound {
        binding: Binding::Redirect,
        xml,
        relay_state,
        detached,
    })
}

/// Decodes the body of an HTTP-POST request (`application/x-www-form-urlencoded`).
pub fn decode_post(body: &str) -> Result<Inbound, BindingError> {
    let parameters = Parameters::split(body)?;
    let message = parameters.message()?;
    let xml = decode_base64(&decode(message)?)?;
    let relay_state = parameters.relay_state()?;
    Ok(Inbound {
        binding: Binding::Post,
        xml,
        relay_state,
        detached: None,
    })
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

/// The parameters with their values still encoded, no name twice.
struct Parameters<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parameters<'a> {
    fn split(text: &'a str) -> Result<Self, BindingError> {
        let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(6);
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name.contains(['%', '+']) {
                return Err(BindingError::EscapedName);
            }
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(BindingError::DuplicateParameter);
            }
            if pairs.len() == 64 {
                return Err(BindingError::QueryTooLong);
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
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

    fn detached(&self, message: &str) -> Result<Option<Detached>, BindingError> {
        let (raw_algorithm, raw_signature) = match (self.raw("SigAlg"), self.raw("Signature")) {
            (None, None) => return Ok(None),
            (Some(algorithm), Some(signature)) => (algorithm, signature),
            _ => return Err(BindingError::HalfSigned),
        };
        let mut octets = format!("SAMLRequest={message}");
        if let Some(relay_state) = self.raw("RelayState") {
            octets.push_str("&RelayState=");
            octets.push_str(relay_state);
        }
        octets.push_str("&SigAlg=");
        octets.push_str(raw_algorithm);
        let algorithm = decode(raw_algorithm)?;
        let signature = decode_base64(&decode(raw_signature)?)?;
        Ok(Some(Detached {
            octets,
            algorithm,
            signature,
        }))
    }
}

fn decode(value: &str) -> Result<String, BindingError> {
    form_decode(value).ok_or(BindingError::PercentEncoding)
}

/// One value of `application/x-www-form-urlencoded`; `None` if its escapes are broken or it is
/// not UTF-8.
fn form_decode(value: &str) -> Option<String> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 with or without padding; line ends, which MIME encoders put in, are passed over
/// (Bindings 3.5.4: no line limits are demanded of the sender).
fn decode_base64(text: &str) -> Result<Vec<u8>, BindingError> {
    if text.contains(['\r', '\n']) {
        let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
        return BASE64.decode(joined).map_err(|_| BindingError::Base64);
    }
    BASE64.decode(text).map_err(|_| BindingError::Base64)
}

thread_local! {
    /// 43 KiB that are costly to come by and cheap to wipe.
    static STREAM: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Inflates one raw DEFLATE stream that ends where its bytes end, up to [`INFLATED_LIMIT`]: the
/// output buffer never grows beyond it, whatever the stream says.
fn inflate(deflated: &[u8]) -> Result<Vec<u8>, BindingError> {
    STREAM.with_borrow_mut(|stream| {
        stream.reset(false);
        inflate_with(stream, deflated)
    })
}

fn inflate_with(stream: &mut Decompress, deflated: &[u8]) -> Result<Vec<u8>, BindingError> {
    let guess = deflated.len().saturating_mul(4).clamp(2048, INFLATED_LIMIT);
    let mut xml = Vec::with_capacity(guess);
    loop {
        let taken = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        let rest = deflated.get(taken..).ok_or(BindingError::Deflate)?;
        let had = xml.len();
        let status = stream
            .decompress_vec(rest, &mut xml, FlushDecompress::None)
            .map_err(|_| BindingError::Deflate)?;
        let all_read = stream.total_in() == deflated.len() as u64;
        if status == Status::StreamEnd {
            return if all_read {
                Ok(xml)
            } else {
                Err(BindingError::Deflate)
            };
        }
        if xml.len() == xml.capacity() {
            if xml.len() >= INFLATED_LIMIT {
                return Err(BindingError::InflatedTooLarge);
            }
            xml.reserve_exact(xml.len().min(INFLATED_LIMIT - xml.len()));
        } else if all_read || xml.len() == had {
            // It wants more than there is: cut off.
            return Err(BindingError::Deflate);
        }
    }
}
