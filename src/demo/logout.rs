//! Single logout as the app speaks it, by HTTP-Redirect (Profiles 4.4): requests that it sends and
//! answers, and answers that it gets.
//!
//! Messages are written and read here: samael's LogoutRequest loses the NameID's Format and writes its
//! elements in the wrong order. What comes in is believed only after the identity provider's
//! signature over the very octets of the query (Bindings 3.4.4.1).

use std::io::{Read as _, Write as _};

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use openssl::hash::MessageDigest;
use openssl::sign::{Signer, Verifier};
use openssl::x509::X509;
use samael::metadata::HTTP_REDIRECT_BINDING;

use super::DemoError;
use super::logout_shape::{self, Message};
use super::response::{Refusal, SignedIn};
use super::service_provider::{RSA_SHA256, ServiceProvider, escaped};

/// How far the identity provider's clock may be off.
const SKEW_SECONDS: i64 = 180;
/// How long a request of ours may be taken up.
const LIFETIME_SECONDS: i64 = 300;
/// The most bytes that a message may inflate to.
const LARGEST: u64 = 64 * 1024;

#[derive(Template)]
#[template(path = "demo/logout_request.xml")]
struct LogoutRequestXml<'a> {
    id: &'a str,
    issue_instant: String,
    not_on_or_after: String,
    destination: &'a str,
    entity_id: &'a str,
    signed_in: &'a SignedIn,
}

#[derive(Template)]
#[template(path = "demo/logout_response.xml")]
struct LogoutResponseXml<'a> {
    id: &'a str,
    issue_instant: String,
    destination: &'a str,
    in_response_to: &'a str,
    entity_id: &'a str,
}

/// Whether the query carries a request, a response, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Request,
    Response,
}

impl Carried {
    fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

impl ServiceProvider {
    /// Where this app takes part in single logout.
    pub(super) fn slo_url(&self) -> String {
        self.acs_url.replace("/saml/acs", "/saml/slo")
    }

    fn idp_slo(&self) -> Option<String> {
        self.samael.slo_binding_location(HTTP_REDIRECT_BINDING)
    }

    /// The address that asks the identity provider to sign somebody out everywhere; none where it
    /// has no single logout, or the session has no SessionIndex.
    pub(super) fn logout_request(
        &self,
        id: &str,
        signed_in: &SignedIn,
        now: i64,
    ) -> Result<Option<String>, DemoError> {
        let Some(location) = self.idp_slo().filter(|_| signed_in.session_index.is_some()) else {
            return Ok(None);
        };
        let xml = LogoutRequestXml {
            id,
            issue_instant: super::pages::instant(now),
            not_on_or_after: super::pages::instant(now + LIFETIME_SECONDS),
            destination: &location,
            entity_id: &self.entity_id,
            signed_in,
        };
        self.signed(Carried::Request, &location, &xml.render()?, None)
            .map(Some)
    }

    /// The address that tells the identity provider that somebody is signed out here.
    pub(super) fn logout_response(
        &self,
        id: &str,
        in_response_to: &str,
        relay_state: Option<&str>,
        now: i64,
    ) -> Result<String, DemoError> {
        let no_slo = DemoError::Metadata("it has no HTTP-Redirect SingleLogoutService");
        let location = self.idp_slo().ok_or(no_slo)?;
        let xml = LogoutResponseXml {
            id,
            issue_instant: super::pages::instant(now),
            destination: &location,
            in_response_to,
            entity_id: &self.entity_id,
        };
        self.signed(Carried::Response, &location, &xml.render()?, relay_state)
    }

    fn signed(
        &self,
        carried: Carried,
        location: &str,
        xml: &str,
        relay_state: Option<&str>,
    ) -> Result<String, DemoError> {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(xml.as_bytes())?;
        let message = BASE64.encode(deflate.finish()?);
        let mut query = format!("{}={}", carried.parameter(), escaped(&message));
        if let Some(relay_state) = relay_state {
            query.push_str("&RelayState=");
            query.push_str(&escaped(relay_state));
        }
        query.push_str("&SigAlg=");
        query.push_str(&escaped(RSA_SHA256));
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
        let signature = BASE64.encode(signer.sign_oneshot_to_vec(query.as_bytes())?);
        let joint = if location.contains('?') { '&' } else { '?' };
        Ok(format!(
            "{location}{joint}{query}&Signature={}",
            escaped(&signature)
        ))
    }

    /// What a query of the identity provider says, after every check; which of the two it is, and
    /// RelayState.
    pub(super) fn read_logout(
        &self,
        query: &str,
        now: i64,
    ) -> Result<(Carried, Message, Option<String>), Refusal> {
        let parts = Parts::of(query)?;
        let xml = parts.inflated()?;
        self.verify(&parts)?;
        let message = logout_shape::read(&xml)?;
        let expected = match parts.carried {
            Carried::Request => "LogoutRequest",
            Carried::Response => "LogoutResponse",
        };
        if message.name != expected {
            return Err(Refusal::Malformed("no logout message"));
        }
        if message.issuer.trim() != self.idp_entity_id {
            return Err(Refusal::WrongIssuer);
        }
        if message.destination.as_deref() != Some(&self.slo_url()) {
            return Err(Refusal::WrongDestination);
        }
        let until = message.not_on_or_after;
        if until.is_some_and(|until| now >= until + SKEW_SECONDS) {
            return Err(Refusal::Expired);
        }
        let relay_state = parts.relay_state.map(|raw| decoded(&raw)).transpose()?;
        Ok((parts.carried, message, relay_state))
    }

    fn verify(&self, parts: &Parts) -> Result<(), Refusal> {
        if decoded(&parts.algorithm)? != RSA_SHA256 {
            return Err(Refusal::BadSignature);
        }
        let signature = BASE64.decode(decoded(&parts.signature)?);
        let signature = signature.map_err(|_| Refusal::Undecodable)?;
        let certificates = self.samael.idp_signing_certs();
        let certificates = certificates.ok().flatten().unwrap_or_default();
        let is_good = certificates.iter().any(|certificate| {
            X509::from_der(certificate.der_data())
                .and_then(|certificate| certificate.public_key())
                .and_then(|key| {
                    let mut verifier = Verifier::new(MessageDigest::sha256(), &key)?;
                    verifier.verify_oneshot(&signature, parts.octets.as_bytes())
                })
                .unwrap_or(false)
        });
        if is_good {
            Ok(())
        } else {
            Err(Refusal::BadSignature)
        }
    }
}

/// The parameters of a query as they came, each once.
struct Parts {
    carried: Carried,
    message: String,
    relay_state: Option<String>,
    algorithm: String,
    signature: String,
    /// What the signature covers.
    octets: String,
}

impl Parts {
    fn of(query: &str) -> Result<Self, Refusal> {
        let raw = |name: &str| {
            let mut found = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .filter(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned());
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => Err(Refusal::Malformed("a parameter twice")),
                (value, _) => Ok(value),
            }
        };
        let (carried, message) = match (raw("SAMLRequest")?, raw("SAMLResponse")?) {
            (Some(message), None) => (Carried::Request, message),
            (None, Some(message)) => (Carried::Response, message),
            _ => return Err(Refusal::Malformed("no message")),
        };
        let (Some(algorithm), Some(signature)) = (raw("SigAlg")?, raw("Signature")?) else {
            return Err(Refusal::Unsigned);
        };
        let relay_state = raw("RelayState")?;
        let mut octets = format!("{}={message}", carried.parameter());
        if let Some(relay_state) = &relay_state {
            octets.push_str("&RelayState=");
            octets.push_str(relay_state);
        }
        octets.push_str("&SigAlg=");
        octets.push_str(&algorithm);
        Ok(Self {
            carried,
            message,
            relay_state,
            algorithm,
            signature,
            octets,
        })
    }

    fn inflated(&self) -> Result<String, Refusal> {
        let bytes = BASE64.decode(decoded(&self.message)?);
        let bytes = bytes.map_err(|_| Refusal::Undecodable)?;
        let mut xml = String::new();
        DeflateDecoder::new(bytes.as_slice())
            .take(LARGEST)
            .read_to_string(&mut xml)
            .map_err(|_| Refusal::Undecodable)?;
        Ok(xml)
    }
}

/// One value of a query.
fn decoded(raw: &str) -> Result<String, Refusal> {
    let plain = raw.replace('+', " ");
    let bytes = percent_encoding::percent_decode_str(&plain).decode_utf8();
    bytes
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Refusal::Undecodable)
}
