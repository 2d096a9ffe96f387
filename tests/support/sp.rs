//! A service provider that shares no code with the product: requests are written here as text,
//! signatures are made by OpenSSL and xmlsec1, Responses are read by lxml and judged by the rules of
//! Profiles 4.1.4.3.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::X509;

use super::oracle::{Message, xmlsec1_signs};

pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A service provider: who it is, where it takes Responses, and the key that it signs with.
#[derive(Clone)]
pub(crate) struct Sp {
    pub(crate) entity_id: String,
    pub(crate) acs: String,
    pub(crate) key: PKey<Private>,
    pub(crate) certificate: X509,
}

/// An AuthnRequest before it is written down; a test changes what it is about.
#[derive(Debug, Clone)]
pub(crate) struct AuthnRequest {
    pub(crate) id: String,
    pub(crate) issue_instant: String,
    pub(crate) version: String,
    pub(crate) destination: Option<String>,
    pub(crate) issuer: String,
    pub(crate) acs_url: Option<String>,
    /// More attributes of the root, as text: ` ForceAuthn="true"`.
    pub(crate) attributes: String,
    /// What follows the Issuer (and the Signature), as text.
    pub(crate) children: String,
}

impl Sp {
    pub(crate) fn new(entity_id: &str, acs: &str) -> Self {
        let (key, certificate) = test_key();
        Self {
            entity_id: entity_id.to_owned(),
            acs: acs.to_owned(),
            key: key.clone(),
            certificate: certificate.clone(),
        }
    }

    /// Its metadata, with `attributes` on the SPSSODescriptor (` AuthnRequestsSigned="true"`).
    pub(crate) fn metadata(&self, attributes: &str) -> String {
        format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{}"><md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"{attributes}><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{}" index="0" isDefault="true"/></md:SPSSODescriptor></md:EntityDescriptor>"#,
            escaped(&self.entity_id),
            self.certificate_base64(),
            escaped(&self.acs),
        )
    }

    /// Its metadata with more in it: elements in the SPSSODescriptor's Extensions, and KeyDescriptor
    /// elements behind that for signing.
    pub(crate) fn metadata_with(&self, extensions: &str, descriptors: &str) -> String {
        let role = "<md:KeyDescriptor use=\"signing\">";
        let extensions = if extensions.is_empty() {
            String::new()
        } else {
            format!("<md:Extensions>{extensions}</md:Extensions>")
        };
        self.metadata("")
            .replacen(role, &format!("{extensions}{role}"), 1)
            .replacen(
                "</md:KeyDescriptor>",
                &format!("</md:KeyDescriptor>{descriptors}"),
                1,
            )
    }

    /// A KeyDescriptor with its key: for encryption, or without `use`; with EncryptionMethod elements.
    pub(crate) fn key_descriptor(&self, key_use: Option<&str>, methods: &str) -> String {
        let key_use = key_use.map_or_else(String::new, |of| format!(" use=\"{of}\""));
        format!(
            r#"<md:KeyDescriptor{key_use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{methods}</md:KeyDescriptor>"#,
            self.certificate_base64(),
        )
    }

    pub(crate) fn certificate_base64(&self) -> String {
        STANDARD.encode(self.certificate.to_der().expect("a certificate has DER"))
    }

    pub(crate) fn certificate_pem(&self) -> String {
        let pem = self.certificate.to_pem().expect("a certificate has PEM");
        String::from_utf8(pem).expect("PEM is ASCII")
    }

    pub(crate) fn key_pem(&self) -> String {
        let pem = self.key.private_key_to_pem_pkcs8().expect("a key has PEM");
        String::from_utf8(pem).expect("PEM is ASCII")
    }

    /// A fresh request to the SSO endpoint at `destination`.
    pub(crate) fn request(&self, destination: &str) -> AuthnRequest {
        AuthnRequest {
            id: fresh_id(),
            issue_instant: now().to_string(),
            version: "2.0".to_owned(),
            destination: Some(destination.to_owned()),
            issuer: self.entity_id.clone(),
            acs_url: Some(self.acs.clone()),
            attributes: String::new(),
            children: String::new(),
        }
    }

    /// The query of HTTP-Redirect with a signature over its first parts (Bindings 3.4.4.1).
    pub(crate) fn signed_query(
        &self,
        xml: &str,
        relay_state: Option<&str>,
        algorithm: &str,
    ) -> String {
        let mut query = redirect_query(xml, relay_state);
        let _ = write!(query, "&SigAlg={}", percent_encoded(algorithm));
        let signature = self.signature(&query, algorithm);
        let _ = write!(query, "&Signature={}", percent_encoded(&signature));
        query
    }

    /// The Signature parameter over these octets.
    pub(crate) fn signature(&self, octets: &str, algorithm: &str) -> String {
        let digest = match algorithm {
            RSA_SHA1 => MessageDigest::sha1(),
            other if other.ends_with("sha512") => MessageDigest::sha512(),
            _ => MessageDigest::sha256(),
        };
        let mut signer = Signer::new(digest, &self.key).expect("a signer");
        let signature = signer.sign_oneshot_to_vec(octets.as_bytes());
        STANDARD.encode(signature.expect("OpenSSL signs"))
    }

    /// The request with an enveloped signature by xmlsec1.
    pub(crate) fn signed_xml(&self, request: &AuthnRequest) -> String {
        let template = request.xml_with(&signature_template(&request.id, RSA_SHA256));
        xmlsec1_signs(&template, "/*/*[local-name()='Signature']", &self.key_pem())
    }

    /// Judges a Response as Profiles 4.1.4.3 has an SP do; the signatures are the oracle's part.
    /// `request` is the ID that it answers, none for an unsolicited one.
    pub(crate) fn judge(&self, message: &Message, idp: &str, request: Option<&str>) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut expect = |what: &str, holds: bool| {
            if !holds {
                wrong.push(what.to_owned());
            }
        };
        let Some(assertion) = &message.assertion else {
            return vec![format!("no assertion: {}", message.short_status())];
        };
        let confirmation = &assertion.confirmation;
        let moment = now();
        expect(
            "Destination",
            message.destination.as_deref() == Some(&self.acs),
        );
        expect("Response Issuer", message.issuer.as_deref() == Some(idp));
        expect("Issuer", assertion.issuer == idp);
        expect("InResponseTo", message.in_response_to.as_deref() == request);
        expect("Audience", assertion.audiences == [self.entity_id.as_str()]);
        let bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
        expect("bearer", assertion.confirmation_method == bearer);
        expect(
            "Recipient",
            confirmation.recipient.as_deref() == Some(&self.acs),
        );
        let answered = confirmation.in_response_to.as_deref();
        expect("confirmed InResponseTo", answered == request);
        expect(
            "no NotBefore in a bearer confirmation",
            confirmation.not_before.is_none(),
        );
        let end = confirmation.not_on_or_after.as_deref().and_then(instant);
        expect(
            "confirmed NotOnOrAfter",
            end.is_some_and(|end| end > moment),
        );
        let end = instant(&assertion.not_on_or_after);
        expect("NotOnOrAfter", end.is_some_and(|end| end > moment));
        let start = assertion.not_before.as_deref().and_then(instant);
        expect("NotBefore", start.is_some_and(|start| start <= moment));
        let signed_in = instant(&assertion.authn_instant);
        expect("AuthnInstant", signed_in.is_some_and(|then| then <= moment));
        expect("SessionIndex", assertion.session_index.is_some());
        expect("NameID", assertion.name_id.is_some());
        wrong
    }
}

impl AuthnRequest {
    pub(crate) fn xml(&self) -> String {
        self.xml_with("")
    }

    /// The XML with something between Issuer and the rest, where a Signature stands.
    pub(crate) fn xml_with(&self, signature: &str) -> String {
        let optional = |name: &str, value: &Option<String>| {
            value.as_ref().map_or_else(String::new, |value| {
                format!(" {name}=\"{}\"", escaped(value))
            })
        };
        format!(
            r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{}" Version="{}" IssueInstant="{}"{}{}{}><saml:Issuer>{}</saml:Issuer>{signature}{}</samlp:AuthnRequest>"#,
            self.id,
            self.version,
            self.issue_instant,
            optional("Destination", &self.destination),
            optional("AssertionConsumerServiceURL", &self.acs_url),
            self.attributes,
            escaped(&self.issuer),
            self.children,
        )
    }

    /// The same request with more attributes on its root.
    pub(crate) fn with(mut self, attributes: &str) -> Self {
        self.attributes.push(' ');
        self.attributes.push_str(attributes);
        self
    }

    /// The same request issued so long after now (before, if negative).
    pub(crate) fn issued(mut self, after_now: SignedDuration) -> Self {
        let then = now()
            .checked_add(after_now)
            .expect("an instant of this era");
        self.issue_instant = then.to_string();
        self
    }

    /// The address that HTTP-Redirect leads to, unsigned.
    pub(crate) fn redirect(&self, relay_state: Option<&str>) -> String {
        let endpoint = self.destination.as_deref().expect("it has a Destination");
        format!("{endpoint}?{}", redirect_query(&self.xml(), relay_state))
    }
}

/// `SAMLRequest=…[&RelayState=…]` (Bindings 3.4.4.1).
pub(crate) fn redirect_query(xml: &str, relay_state: Option<&str>) -> String {
    let mut query = format!("SAMLRequest={}", percent_encoded(&deflated(xml.as_bytes())));
    if let Some(relay_state) = relay_state {
        let _ = write!(query, "&RelayState={}", percent_encoded(relay_state));
    }
    query
}

/// Base64 of raw DEFLATE.
pub(crate) fn deflated(bytes: &[u8]) -> String {
    let level = flate2::Compression::best();
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).expect("memory can be written");
    STANDARD.encode(encoder.finish().expect("memory can be written"))
}

/// What an enveloped signature over the element with this ID looks like before it is made.
pub(crate) fn signature_template(id: &str, algorithm: &str) -> String {
    let digest = if algorithm == RSA_SHA1 {
        "http://www.w3.org/2000/09/xmldsig#sha1"
    } else {
        "http://www.w3.org/2001/04/xmlenc#sha256"
    };
    format!(
        r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"/><ds:SignatureMethod Algorithm="{algorithm}"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="{EXCLUSIVE_C14N}"/></ds:Transforms><ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"##
    )
}

/// Everything but the unreserved characters becomes an escape (RFC 3986, 2.3).
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Text as it may stand in XML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests live in real time, apart from the product's clock"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// An ID that no other message of this test run has.
pub(crate) fn fresh_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("_{:032x}{count:016x}", now().as_nanosecond())
}

/// One RSA key for all SPs of a test process, as making one takes a while.
fn test_key() -> &'static (PKey<Private>, X509) {
    static KEY: OnceLock<(PKey<Private>, X509)> = OnceLock::new();
    KEY.get_or_init(another_key)
}

/// A key of its own, with a self-signed certificate.
pub(crate) fn another_key() -> (PKey<Private>, X509) {
    let key = PKey::from_rsa(Rsa::generate(2048).expect("RSA")).expect("a key");
    let certificate = self_signed(&key).expect("a certificate");
    (key, certificate)
}

fn self_signed(key: &PKey<Private>) -> Result<X509, openssl::error::ErrorStack> {
    let mut name = openssl::x509::X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "a service provider of the tests")?;
    let name = name.build();
    let mut builder = X509::builder()?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    builder.set_not_after(Asn1Time::days_from_now(3650)?.as_ref())?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}
