//! HTTP-Redirect on the way out: the address that the browser is sent to (Bindings 3.4.4.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use super::Carried;
use super::encoding::deflate;
use crate::saml::signature::{SignError, SigningKey};
use crate::saml::xml::WriteError;

/// What stands in a query as it is (RFC 3986, 2.3); everything else is escaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why a message cannot be sent.
#[derive(Debug, Error)]
pub enum SendError {
    /// A value that XML cannot carry.
    #[error("a value cannot be written: {0}")]
    Write(#[from] WriteError),
    /// The signature could not be made.
    #[error("nothing could be signed: {0}")]
    Sign(#[from] SignError),
    /// DEFLATE gave up.
    #[error("the message cannot be deflated")]
    Deflate,
}

/// The address of `location` with a message for it, signed over the very octets of the query. `xml`
/// has no signature in it; a query that the address has already is kept.
pub fn redirect_to(
    location: &str,
    carried: Carried,
    xml: &str,
    relay_state: Option<&str>,
    key: &SigningKey,
) -> Result<String, SendError> {
    let message = deflate(xml.as_bytes()).ok_or(SendError::Deflate)?;
    let mut query = parameter(carried.parameter(), &STANDARD.encode(message));
    if let Some(relay_state) = relay_state {
        query.push('&');
        query.push_str(&parameter("RelayState", relay_state));
    }
    query.push('&');
    query.push_str(&parameter("SigAlg", key.algorithm().uri()));
    let signature = STANDARD.encode(key.sign_octets(query.as_bytes())?);
    query.push('&');
    query.push_str(&parameter("Signature", &signature));
    let joint = match location.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, before)) if before.ends_with('&') => "",
        Some(_) => "&",
    };
    Ok([location, joint, &query].concat())
}

fn parameter(name: &str, value: &str) -> String {
    format!("{name}={}", utf8_percent_encode(value, ESCAPED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::binding::{Detached, decode_redirect_either};
    use crate::saml::signature::{KeyKind, VerifyingKey, generate, verify_octets};

    #[test]
    fn c_b3_a_redirect_keeps_the_query_of_the_address_and_is_signed_over_its_octets() {
        let made = generate(KeyKind::P256, "idp.example", 0, 4_000_000_000, [1; 20]).unwrap();
        let key = SigningKey::from_der(&made.pkcs8, &made.certificate).unwrap();
        let verifying = VerifyingKey::from_certificate_der(&made.certificate).unwrap();
        for (location, start) in [
            (
                "https://sp.example/slo",
                "https://sp.example/slo?SAMLResponse=",
            ),
            (
                "https://sp.example/slo?",
                "https://sp.example/slo?SAMLResponse=",
            ),
            (
                "https://sp.example/slo?a=b%20c",
                "https://sp.example/slo?a=b%20c&SAMLResponse=",
            ),
            (
                "https://sp.example/slo?a&",
                "https://sp.example/slo?a&SAMLResponse=",
            ),
        ] {
            let relay_state = "x=1&y=\u{fc} +%";
            let url = redirect_to(
                location,
                Carried::Response,
                "<a>&amp;</a>",
                Some(relay_state),
                &key,
            )
            .unwrap();
            assert!(url.starts_with(start), "{url}");
            let (_, query) = url.split_once('?').unwrap();
            let (carried, inbound) = decode_redirect_either(query).unwrap();
            assert_eq!(carried, Carried::Response);
            assert_eq!(inbound.xml, b"<a>&amp;</a>");
            assert_eq!(inbound.relay_state.as_deref(), Some(relay_state));
            let Detached {
                octets,
                algorithm,
                signature,
            } = inbound.detached.unwrap();
            let keys = std::slice::from_ref(&verifying);
            assert_eq!(
                verify_octets(octets.as_bytes(), &algorithm, &signature, keys),
                Ok(())
            );
        }
    }

    #[test]
    fn what_does_not_shrink_is_deflated_too() {
        let noise: String = (0_u32..9_000)
            .map(|n| {
                char::from(
                    b'!' + u8::try_from(n.wrapping_mul(n).wrapping_add(n >> 3) % 90).unwrap(),
                )
            })
            .collect();
        assert!(deflate(noise.as_bytes()).is_some());
        assert!(deflate(b"").is_some());
    }
}
