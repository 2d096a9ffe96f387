//! Our own metadata: who we are, where messages go, which keys sign (Metadata 2.4.3).

use super::artifact::ENDPOINT_INDEX;
use super::encryption::DecryptionKeys;
use super::signature::{DigestAlgorithm, SignError, SignatureAlgorithm, SigningKey};
use super::uri;
use super::xml::{Namespace, WriteError, Writer};
use crate::digest::sha256;
use crate::directory::algorithms::DeniedAlgorithms;
use crate::directory::attribute::FORMAT_URI;
use crate::directory::name::MessageId;
use crate::directory::release::EntityCategory;
use crate::directory::service_provider::NameIdFormat;
use crate::directory::time::UnixTime;

/// What our metadata says.
#[derive(Debug, Clone)]
pub struct IdpMetadata<'a> {
    /// Our entityID.
    pub entity_id: &'a str,
    /// Our keys for what is encrypted to us, and what is denied.
    pub decryption: &'a DecryptionKeys,
    /// Until when a copy may be used.
    pub valid_until: UnixTime,
    /// How long a copy may be used without asking again, as an `xs:duration` (Metadata 2.3.2).
    pub cache_duration: &'a str,
    /// What people see of us.
    pub profile: Profile<'a>,
    /// Whether requests without a signature are refused, whoever sends them (Metadata 2.4.3).
    pub wants_requests_signed: bool,
    /// The certificates of all keys that sign, or will, or did a moment ago, in base64 (IIP-MD07).
    pub certificates: Vec<&'a str>,
    /// Where messages go.
    pub endpoints: Vec<Endpoint<'a>>,
}

/// What people and their software see of us (MDUI 2.1, SDP-MD09 to 12).
#[derive(Debug, Clone)]
pub struct Profile<'a> {
    /// What discovery pages call us.
    pub display_name: &'a str,
    /// Our mark.
    pub logo: Option<Logo<'a>>,
    /// An HTML page on what a refusal means.
    pub error_url: &'a str,
    /// The domain that we give out scoped identifiers in (`shibmd:Scope`).
    pub scope: Option<&'a str>,
    /// The entity categories that attributes are released by.
    pub categories: &'a [EntityCategory],
    /// Who runs us.
    pub organization: Option<OrganizationName<'a>>,
    /// An e-mail address for whatever is technical.
    pub technical_contact: Option<&'a str>,
}

/// A picture, with the size in pixels that it is meant to be shown in (MDUI 2.1.5).
#[derive(Debug, Clone, Copy)]
pub struct Logo<'a> {
    /// An https or data URI.
    pub url: &'a str,
    /// In pixels.
    pub width: &'a str,
    /// In pixels.
    pub height: &'a str,
}

/// An organization (Metadata 2.3.2.1).
#[derive(Debug, Clone, Copy)]
pub struct OrganizationName<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its home page.
    pub url: &'a str,
}

/// One endpoint of ours.
#[derive(Debug, Clone)]
pub struct Endpoint<'a> {
    /// What it is for.
    pub service: Service,
    /// The binding that it speaks.
    pub binding: &'a str,
    /// Its URL.
    pub location: String,
}

/// What endpoints are for, in the order in which the schema wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Where artifacts are resolved.
    ArtifactResolution,
    /// Where logout messages go.
    SingleLogout,
    /// Where requests for a sign-on go.
    SingleSignOn,
}

impl Service {
    const fn element(self) -> &'static str {
        match self {
            Self::ArtifactResolution => "ArtifactResolutionService",
            Self::SingleLogout => "SingleLogoutService",
            Self::SingleSignOn => "SingleSignOnService",
        }
    }
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

/// A signed document.
#[derive(Debug, Clone)]
pub struct SignedMetadata {
    /// Its text.
    pub xml: String,
    /// Its ID.
    pub id: MessageId,
}

const XML: Namespace<'static> = Namespace::new("xml", super::xml::XML_NAMESPACE);
/// Scopes that an identity provider may assert, as the Shibboleth project writes them.
const SHIBMD: Namespace<'static> = Namespace::new("shibmd", "urn:mace:shibboleth:metadata:1.0");

impl IdpMetadata<'_> {
    /// The document, signed with this key. Its ID is made of what it says, so that every node
    /// publishes the same one.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedMetadata, IdpMetadataError> {
        let (said, _) = self.write(&MessageId::from_random([0; 20]))?;
        let mut digest = [0; 20];
        let pairs = digest.iter_mut().zip(sha256(said.as_bytes()));
        pairs.for_each(|(byte, of_digest)| *byte = of_digest);
        let id = MessageId::from_random(digest);
        let (text, at) = self.write(&id)?;
        let xml = key.sign_enveloped(&text, id.as_str(), at, &[])?;
        Ok(SignedMetadata { xml, id })
    }

    /// The elements in the order of the schema (saml-schema-metadata-2.0); the signature comes first
    /// (Metadata 3.1).
    fn write(&self, id: &MessageId) -> Result<(String, usize), WriteError> {
        let valid_until = self.valid_until.to_string();
        let mut w = Writer::with_capacity(16_384);
        w.start(uri::MD, "EntityDescriptor");
        w.attribute("ID", id.as_str());
        w.attribute("cacheDuration", self.cache_duration);
        w.attribute("entityID", self.entity_id);
        w.attribute("validUntil", &valid_until);
        let at = w.position();
        w.start(uri::MD, "Extensions");
        supported_categories(&mut w, self.profile.categories);
        algorithms(&mut w, self.decryption.denied());
        w.end();
        self.role(&mut w);
        if let Some(organization) = &self.profile.organization {
            organization.write(&mut w);
        }
        if let Some(address) = self.profile.technical_contact {
            w.start(uri::MD, "ContactPerson");
            w.attribute("contactType", "technical");
            w.element(uri::MD, "EmailAddress", &format!("mailto:{address}"));
            w.end();
        }
        w.end();
        Ok((w.finish()?, at))
    }

    fn role(&self, w: &mut Writer<'_>) {
        w.start(uri::MD, "IDPSSODescriptor");
        let signed = if self.wants_requests_signed {
            "true"
        } else {
            "false"
        };
        w.attribute("WantAuthnRequestsSigned", signed);
        w.attribute("errorURL", self.profile.error_url);
        w.attribute("protocolSupportEnumeration", uri::PROTOCOL);
        self.profile.extensions(w);
        for certificate in &self.certificates {
            w.start(uri::MD, "KeyDescriptor")
                .attribute("use", "signing");
            w.start(uri::DS, "KeyInfo").start(uri::DS, "X509Data");
            w.element(uri::DS, "X509Certificate", certificate);
            w.end().end().end();
        }
        self.decryption.write_descriptor(w);
        // Everything else stands before the NameIDFormats in the schema, the sign-on after them.
        let sign_on = |endpoint: &&Endpoint<'_>| endpoint.service >= Service::SingleSignOn;
        self.endpoints(w, |endpoint| !sign_on(endpoint));
        for format in NameIdFormat::ALL {
            w.element(uri::MD, "NameIDFormat", format.uri());
        }
        self.endpoints(w, sign_on);
        w.end();
    }

    fn endpoints(&self, w: &mut Writer<'_>, which: impl Fn(&&Endpoint<'_>) -> bool) {
        let mut endpoints: Vec<_> = self.endpoints.iter().filter(which).collect();
        endpoints.sort_by_key(|endpoint| endpoint.service);
        for endpoint in endpoints {
            w.start(uri::MD, endpoint.service.element());
            w.attribute("Binding", endpoint.binding);
            w.attribute("Location", &endpoint.location);
            if endpoint.service == Service::ArtifactResolution {
                w.attribute("index", &ENDPOINT_INDEX.to_string());
                w.attribute("isDefault", "true");
            }
            w.end();
        }
    }
}

impl Profile<'_> {
    fn extensions(&self, w: &mut Writer<'_>) {
        w.start(uri::MD, "Extensions");
        if let Some(scope) = self.scope {
            w.start(SHIBMD, "Scope").attribute("regexp", "false");
            w.text(scope).end();
        }
        w.start(uri::MDUI, "UIInfo");
        w.start(uri::MDUI, "DisplayName")
            .attribute_ns(XML, "lang", "en");
        w.text(self.display_name).end();
        if let Some(logo) = self.logo {
            w.start(uri::MDUI, "Logo");
            w.attribute("height", logo.height);
            w.attribute("width", logo.width);
            w.text(logo.url).end();
        }
        w.end().end();
    }
}

impl OrganizationName<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        w.start(uri::MD, "Organization");
        for (element, value) in [
            ("OrganizationName", self.name),
            ("OrganizationDisplayName", self.name),
            ("OrganizationURL", self.url),
        ] {
            w.start(uri::MD, element).attribute_ns(XML, "lang", "en");
            w.text(value).end();
        }
        w.end();
    }
}

/// The entity categories that attributes are released by, as an entity attribute of ours.
fn supported_categories(w: &mut Writer<'_>, categories: &[EntityCategory]) {
    if categories.is_empty() {
        return;
    }
    w.start(uri::MDATTR, "EntityAttributes");
    w.start(uri::SAML, "Attribute")
        .attribute("Name", "http://macedir.org/entity-category-support")
        .attribute("NameFormat", FORMAT_URI);
    for category in categories {
        w.element(uri::SAML, "AttributeValue", category.uri());
    }
    w.end().end();
}

/// The algorithms that we verify (algorithm support, section 2).
fn algorithms(w: &mut Writer<'_>, denied: &DeniedAlgorithms) {
    let digests = DigestAlgorithm::ALL.map(DigestAlgorithm::uri);
    for uri in digests.iter().filter(|uri| !denied.contains(uri)) {
        w.start(uri::ALG, "DigestMethod")
            .attribute("Algorithm", uri)
            .end();
    }
    let signatures = SignatureAlgorithm::ALL.map(SignatureAlgorithm::uri);
    for uri in signatures.iter().filter(|uri| !denied.contains(uri)) {
        w.start(uri::ALG, "SigningMethod")
            .attribute("Algorithm", uri)
            .end();
    }
}
