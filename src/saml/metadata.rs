//! Our own metadata: who we are, where requests go, which keys sign (Metadata 2.4.3).

use super::signature::{SignError, SigningKey};
use super::uri;
use super::xml::{Namespace, WriteError, Writer};
use crate::directory::name::MessageId;
use crate::directory::service_provider::NameIdFormat;
use crate::directory::time::UnixTime;

/// What our metadata says.
#[derive(Debug, Clone)]
pub struct IdpMetadata<'a> {
    /// Our entityID.
    pub entity_id: &'a str,
    /// What discovery pages call us.
    pub display_name: &'a str,
    /// Where AuthnRequests go, by either binding.
    pub sso_location: &'a str,
    /// Until when a copy may be used.
    pub valid_until: UnixTime,
    /// The certificates of all keys that sign, or will, or did a moment ago, in base64 (IIP-MD07).
    pub certificates: Vec<&'a str>,
    /// The ID of the document.
    pub id: &'a MessageId,
}

/// Why there is no metadata to publish.
#[derive(Debug, thiserror::Error)]
pub enum IdpMetadataError {
    /// A name in the configuration cannot be written as XML.
    #[error("a configured name cannot be written as XML: {0}")]
    Write(#[from] WriteError),
    /// The signature could not be made.
    #[error("the metadata could not be signed: {0}")]
    Sign(#[from] SignError),
}

const XML: Namespace<'static> = Namespace::new("xml", super::xml::XML_NAMESPACE);
const SHA_256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const SHA_384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
const SHA_512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";

impl IdpMetadata<'_> {
    /// The document, signed with this key.
    pub fn sign(&self, key: &SigningKey) -> Result<String, IdpMetadataError> {
        let (text, at) = self.write()?;
        Ok(key.sign_enveloped(&text, self.id.as_str(), at, &[])?)
    }

    /// The elements in the order of the schema (saml-schema-metadata-2.0); the signature comes first (Metadata 3.1).
    fn write(&self) -> Result<(String, usize), WriteError> {
        let valid_until = self.valid_until.to_string();
        let mut w = Writer::with_capacity(8192);
        w.start(uri::MD, "EntityDescriptor");
        w.attribute("ID", self.id.as_str());
        w.attribute("entityID", self.entity_id);
        w.attribute("validUntil", &valid_until);
        let at = w.position();
        algorithms(&mut w);
        w.start(uri::MD, "IDPSSODescriptor");
        w.attribute("protocolSupportEnumeration", uri::PROTOCOL);
        // Each SP is registered as signing or not; SPs that do not sign need false (INTEROP).
        w.attribute("WantAuthnRequestsSigned", "false");
        w.start(uri::MD, "Extensions").start(uri::MDUI, "UIInfo");
        w.start(uri::MDUI, "DisplayName")
            .attribute_ns(XML, "lang", "en");
        w.text(self.display_name).end().end().end();
        for certificate in &self.certificates {
            w.start(uri::MD, "KeyDescriptor")
                .attribute("use", "signing");
            w.start(uri::DS, "KeyInfo").start(uri::DS, "X509Data");
            w.element(uri::DS, "X509Certificate", certificate);
            w.end().end().end();
        }
        for format in NameIdFormat::ALL {
            w.element(uri::MD, "NameIDFormat", format.uri());
        }
        for binding in [uri::HTTP_REDIRECT, uri::HTTP_POST] {
            w.start(uri::MD, "SingleSignOnService");
            w.attribute("Binding", binding);
            w.attribute("Location", self.sso_location);
            w.end();
        }
        w.end().end();
        Ok((w.finish()?, at))
    }
}

/// The algorithms that we verify.
fn algorithms(w: &mut Writer<'_>) {
    w.start(uri::MD, "Extensions");
    for digest in [SHA_256, SHA_384, SHA_512] {
        w.start(uri::ALG, "DigestMethod")
            .attribute("Algorithm", digest)
            .end();
    }
    for signature in super::signature::SignatureAlgorithm::ALL {
        w.start(uri::ALG, "SigningMethod")
            .attribute("Algorithm", signature.uri())
            .end();
    }
    w.end();
}
