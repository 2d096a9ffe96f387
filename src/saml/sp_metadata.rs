//! SP metadata as it is imported: what a registration takes from it (Metadata 2.4.4).
//!
//! The document comes from the administrator, who vouches for it; it goes through the same strict
//! reader as a message. What it does not say, the registration has to.

use thiserror::Error;

use super::signature::{self, KeyError, VerifyingKey};
use super::uri;
use super::xml::{self, Element, Limits, XmlError};
use crate::directory::name::{EntityId, NameError};
use crate::directory::service_provider::{AcsBinding, AcsEndpoint};
use crate::directory::time::UnixTime;

/// What a registration takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpMetadata {
    /// Who it is.
    pub entity_id: EntityId,
    /// What pages may call it: mdui:DisplayName, else the name of the organisation.
    pub display_name: Option<String>,
    /// Its AssertionConsumerService elements, in document order.
    pub acs: Vec<AcsEndpoint>,
    /// Its signing certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Its signing keys that came without a certificate, as DER SubjectPublicKeyInfo.
    pub bare_keys: Vec<Vec<u8>>,
    /// Its NameIDFormat elements, in order.
    pub name_id_formats: Vec<String>,
    /// AuthnRequestsSigned: it signs, so what is unsigned is not from it.
    pub authn_requests_signed: bool,
    /// WantAssertionsSigned.
    pub want_assertions_signed: bool,
    /// The document as it came.
    pub xml: String,
}

/// Why metadata is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// Not strict XML.
    #[error("the metadata is refused by the XML reader: {0}")]
    Xml(#[from] XmlError),
    /// Many entities.
    #[error("this is an EntitiesDescriptor: give the metadata of one service provider")]
    ManyEntities,
    /// Something else.
    #[error("the root element is not md:EntityDescriptor")]
    NotAnEntityDescriptor,
    /// No usable entityID.
    #[error("the entityID {0}")]
    EntityId(NameError),
    /// It was valid once.
    #[error("the metadata expired at {0}; ask for a current document")]
    Expired(UnixTime),
    /// `validUntil` is no xs:dateTime.
    #[error("validUntil is not an xs:dateTime in UTC")]
    ValidUntil,
    /// An identity provider's, say.
    #[error("there is no SPSSODescriptor that speaks SAML 2.0")]
    NoServiceProvider,
    /// An endpoint without Location, Binding or index.
    #[error("an AssertionConsumerService lacks a Binding, a Location or a proper index")]
    Endpoint,
    /// A key that cannot be used.
    #[error("a signing key is refused: {0}")]
    Key(KeyError),
    /// A certificate that is no base64.
    #[error("an X509Certificate is not base64")]
    Base64,
    /// Not an xs:boolean.
    #[error("AuthnRequestsSigned or WantAssertionsSigned is not an xs:boolean")]
    Boolean,
}

/// Reads the metadata of one SP.
pub fn parse(bytes: &[u8], now: UnixTime) -> Result<SpMetadata, MetadataError> {
    let document = xml::read(bytes, &Limits::METADATA)?;
    let entity = document.root();
    if entity.is(uri::MD.uri, "EntitiesDescriptor") {
        return Err(MetadataError::ManyEntities);
    }
    if !entity.is(uri::MD.uri, "EntityDescriptor") {
        return Err(MetadataError::NotAnEntityDescriptor);
    }
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    let entity_id = EntityId::parse_lenient(entity_id).map_err(MetadataError::EntityId)?;
    check_valid(entity, now)?;
    let sp = entity
        .children_named(uri::MD.uri, "SPSSODescriptor")
        .find(|role| speaks_saml_2(role))
        .ok_or(MetadataError::NoServiceProvider)?;
    check_valid(sp, now)?;
    let (certificates, bare_keys) = signing_keys(sp)?;
    Ok(SpMetadata {
        entity_id,
        display_name: display_name(entity, sp),
        acs: endpoints(sp)?,
        certificates,
        bare_keys,
        name_id_formats: texts(sp, "NameIDFormat"),
        authn_requests_signed: boolean(sp, "AuthnRequestsSigned")?,
        want_assertions_signed: boolean(sp, "WantAssertionsSigned")?,
        xml: String::from_utf8_lossy(bytes).into_owned(),
    })
}

/// `validUntil` counts at every level (Metadata 2.3.2).
fn check_valid(element: &Element, now: UnixTime) -> Result<(), MetadataError> {
    let Some(text) = element.attribute("validUntil") else {
        return Ok(());
    };
    let until = UnixTime::parse_xs_date_time(text).map_err(|_| MetadataError::ValidUntil)?;
    if now < until {
        Ok(())
    } else {
        Err(MetadataError::Expired(until))
    }
}

fn speaks_saml_2(role: &Element) -> bool {
    role.attribute("protocolSupportEnumeration")
        .is_some_and(|protocols| protocols.split_whitespace().any(|p| p == uri::PROTOCOL))
}

fn endpoints(sp: &Element) -> Result<Vec<AcsEndpoint>, MetadataError> {
    sp.children_named(uri::MD.uri, "AssertionConsumerService")
        .map(endpoint)
        .collect()
}

fn endpoint(element: &Element) -> Result<AcsEndpoint, MetadataError> {
    let attribute = |name| element.attribute(name).ok_or(MetadataError::Endpoint);
    let binding = match attribute("Binding")? {
        uri::HTTP_POST => AcsBinding::HttpPost,
        _ => AcsBinding::Other,
    };
    let is_default = match element.attribute("isDefault") {
        None => None,
        Some(_) => Some(boolean(element, "isDefault")?),
    };
    let index = attribute("index")?
        .trim()
        .parse()
        .map_err(|_| MetadataError::Endpoint)?;
    Ok(AcsEndpoint {
        binding,
        location: attribute("Location")?.to_owned(),
        index,
        is_default,
    })
}

type Keys = (Vec<Vec<u8>>, Vec<Vec<u8>>);

/// Keys for signing, or without `use`, which means both (errata E62). Only the key counts, not the
/// certificate around it; every one is tried out here, so that a bad one shows at once.
fn signing_keys(sp: &Element) -> Result<Keys, MetadataError> {
    let (mut certificates, mut bare_keys) = (vec![], vec![]);
    let descriptors = sp
        .children_named(uri::MD.uri, "KeyDescriptor")
        .filter(|descriptor| matches!(descriptor.attribute("use"), None | Some("signing")));
    for key_info in descriptors.filter_map(|d| d.child(uri::DS.uri, "KeyInfo")) {
        let certificate_texts = key_info
            .children_named(uri::DS.uri, "X509Data")
            .flat_map(|data| data.children_named(uri::DS.uri, "X509Certificate"));
        let mut has_certificate = false;
        for certificate in certificate_texts {
            let der = signature::decode_base64(certificate.text()?).ok_or(MetadataError::Base64)?;
            VerifyingKey::from_certificate_der(&der).map_err(MetadataError::Key)?;
            certificates.push(der);
            has_certificate = true;
        }
        if has_certificate {
            continue;
        }
        for key_value in key_info.children_named(uri::DS.uri, "KeyValue") {
            let key = VerifyingKey::from_key_value(key_value).map_err(MetadataError::Key)?;
            bare_keys.push(key.public_key_der().map_err(MetadataError::Key)?);
        }
    }
    Ok((certificates, bare_keys))
}

fn texts(sp: &Element, local: &str) -> Vec<String> {
    sp.children_named(uri::MD.uri, local)
        .filter_map(|element| element.text().ok())
        .map(|text| text.trim().to_owned())
        .collect()
}

/// An English name if there is one, else the first; shown as text, shortened.
fn display_name(entity: &Element, sp: &Element) -> Option<String> {
    let of_ui = sp
        .child(uri::MD.uri, "Extensions")
        .and_then(|extensions| extensions.child(uri::MDUI.uri, "UIInfo"))
        .and_then(|info| pick_language(info, uri::MDUI.uri, "DisplayName"));
    let of_organization = || {
        let organization = entity.child(uri::MD.uri, "Organization")?;
        pick_language(organization, uri::MD.uri, "OrganizationDisplayName")
    };
    of_ui.or_else(of_organization)
}

fn pick_language(parent: &Element, namespace: &str, local: &str) -> Option<String> {
    let language =
        |element: &&Element| element.attribute_ns(xml::XML_NAMESPACE, "lang") == Some("en");
    let named = || parent.children_named(namespace, local);
    let chosen = named().find(language).or_else(|| named().next())?;
    let text: String = chosen
        .text()
        .ok()?
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect();
    if text.is_empty() { None } else { Some(text) }
}

fn boolean(element: &Element, attribute: &str) -> Result<bool, MetadataError> {
    match element.attribute(attribute).map(str::trim) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(MetadataError::Boolean),
    }
}
