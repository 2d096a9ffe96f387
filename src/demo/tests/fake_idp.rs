//! An identity provider just large enough to answer, rightly and wrongly. xmlsec1 signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use samael::crypto::{Crypto, CryptoProvider as _};

/// A key that signs as an identity provider.
pub(super) struct FakeIdp {
    key: PKey<Private>,
    certificate: X509,
    method: &'static str,
}

/// Which elements carry a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Both,
    Response,
    Assertion,
    Nothing,
}

/// A Response in the making; every field may be told wrong.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) now: i64,
    pub(super) issuer: String,
    pub(super) destination: String,
    pub(super) recipient: String,
    pub(super) audience: Option<String>,
    pub(super) in_response_to: Option<String>,
    pub(super) assertion_id: String,
    pub(super) display_name: String,
    /// Seconds from `now`.
    pub(super) not_before: i64,
    pub(super) not_on_or_after: i64,
    pub(super) sign: Sign,
}

pub(super) const ENTITY_ID: &str = "https://idp.example/saml/metadata";

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

impl FakeIdp {
    pub(super) fn rsa(bits: u32) -> Self {
        Self::with(
            PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap(),
            RSA_SHA256,
        )
    }

    pub(super) fn p256() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        Self::with(
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(),
            ECDSA_SHA256,
        )
    }

    fn with(key: PKey<Private>, method: &'static str) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "fake identity provider")
            .unwrap();
        let name = name.build();
        let mut builder = X509Builder::new().unwrap();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder
            .set_not_before(&Asn1Time::days_from_now(0).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::days_from_now(30).unwrap())
            .unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self {
            key,
            certificate: builder.build(),
            method,
        }
    }

    /// Metadata with what real ones have: cacheDuration, validUntil, Extensions, two bindings.
    pub(super) fn metadata(&self, sso: &str) -> String {
        let certificate = BASE64.encode(self.certificate.to_der().unwrap());
        format!(
            r#"<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_m" entityID="{ENTITY_ID}" validUntil="2099-01-01T00:00:00Z" cacheDuration="PT6H"><md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:Extensions><mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui"><mdui:DisplayName xml:lang="en">Fake</mdui:DisplayName></mdui:UIInfo></md:Extensions><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso}"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{sso}"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
        )
    }

    /// The Response's text.
    pub(super) fn response(&self, answer: &Answer) -> String {
        let mut assertion = answer.assertion(&self.blank(answer, true));
        if matches!(answer.sign, Sign::Both | Sign::Assertion) {
            assertion = self.sign(&assertion);
        }
        let signature = self.blank(answer, false);
        let status = r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#;
        let response = answer.envelope(&format!("{signature}{status}{assertion}"));
        if matches!(answer.sign, Sign::Both | Sign::Response) {
            self.sign(&response)
        } else {
            response
        }
    }

    /// A Response without an assertion.
    pub(super) fn status(&self, answer: &Answer, second_level: &str) -> String {
        let signature = self.blank(answer, false);
        let status = format!(
            r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{second_level}"/></samlp:StatusCode></samlp:Status>"#
        );
        let response = answer.envelope(&format!("{signature}{status}"));
        if answer.sign == Sign::Nothing {
            response
        } else {
            self.sign(&response)
        }
    }

    /// A signature to be filled in, where one is wanted.
    fn blank(&self, answer: &Answer, assertion: bool) -> String {
        let (wanted, id) = if assertion {
            (
                matches!(answer.sign, Sign::Both | Sign::Assertion),
                answer.assertion_id.clone(),
            )
        } else {
            (
                matches!(answer.sign, Sign::Both | Sign::Response),
                answer.response_id(),
            )
        };
        if !wanted {
            return String::new();
        }
        let method = self.method;
        format!(
            r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue></ds:Signature>"##
        )
    }

    /// Fills in the first signature.
    fn sign(&self, xml: &str) -> String {
        let key = self.key.private_key_to_der().unwrap();
        let signed = Crypto::sign_xml(xml, &key).unwrap();
        let start = signed.find("?>").map_or(0, |end| end + 2);
        signed.get(start..).unwrap().trim().to_owned()
    }
}

impl Answer {
    fn response_id(&self) -> String {
        format!("_response{}", self.assertion_id)
    }

    fn at(&self, seconds: i64) -> String {
        Timestamp::from_second(self.now + seconds)
            .unwrap()
            .to_string()
    }

    fn in_response_to(&self) -> String {
        let named = self.in_response_to.as_deref();
        named
            .map(|id| format!(r#" InResponseTo="{id}""#))
            .unwrap_or_default()
    }

    fn envelope(&self, content: &str) -> String {
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="{now}" Destination="{destination}"{in_response_to}><saml:Issuer>{issuer}</saml:Issuer>{content}</samlp:Response>"#,
            id = self.response_id(),
            now = self.at(0),
            destination = self.destination,
            in_response_to = self.in_response_to(),
            issuer = self.issuer,
        )
    }

    fn assertion(&self, signature: &str) -> String {
        let audience = self.audience.as_deref().map(|audience| {
            format!("<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>")
        });
        format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer>{signature}<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">k7x2</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{recipient}"{in_response_to}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{from}" NotOnOrAfter="{until}">{audience}</saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="urn:oid:2.16.840.1.113730.3.1.241" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue>{name}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="role"><saml:AttributeValue>one</saml:AttributeValue><saml:AttributeValue>two</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#,
            id = self.assertion_id,
            now = self.at(0),
            issuer = self.issuer,
            until = self.at(self.not_on_or_after),
            from = self.at(self.not_before),
            recipient = self.recipient,
            in_response_to = self.in_response_to(),
            audience = audience.unwrap_or_default(),
            name = self.display_name,
        )
    }
}
