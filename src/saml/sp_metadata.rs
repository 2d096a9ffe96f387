//! SP metadata as it is imported: what a registration takes from it (Metadata 2.4.4).
//!
//! The document comes from the administrator, who vouches for it, or from a source whose key is
//! pinned (`aggregate`); it goes through the same strict reader as a message. What it does not say,
//! the registration has to.

mod declared;

use std::time::Duration;

use thiserror::Error;

use super::requested;
use super::signature::{self, KeyError, VerifyingKey};
use super::uri;
use super::xml::{self, Element, Limits, XmlError};
use crate::directory::duration::parse_xs_duration;
use crate::directory::name::{EntityId, NameError};
use crate::directory::protection::Declared;
use crate::directory::release::Requested;
use crate::directory::service_provider::{
    AcsBinding, AcsEndpoint, AcsEndpoints, AcsError, ServiceProvider,
};
use crate::directory::slo_endpoint::{SloBinding, SloEndpoint, SloEndpoints};
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
    /// Its SingleLogoutService elements, in document order.
    pub slo: Vec<SloEndpoint>,
    /// Its signing certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Its signing keys that came without a certificate, as DER SubjectPublicKeyInfo.
    pub bare_keys: Vec<Vec<u8>>,
    /// Its NameIDFormat elements, in order.
    pub name_id_formats: Vec<String>,
    /// What it says about attributes.
    pub requested: Requested,
    /// What it declares about encryption and algorithms.
    pub declared: Declared,
    /// AuthnRequestsSigned: it signs, so what is unsigned is not from it.
    pub authn_requests_signed: bool,
    /// WantAssertionsSigned.
    pub want_assertions_signed: bool,
    /// Until when it may be used: the smallest validUntil of the entity and its role.
    pub valid_until: Option<UnixTime>,
    /// How long a copy may be kept: the smallest cacheDuration of the two.
    pub cache_duration: Option<Duration>,
    /// The document as it came.
    pub xml: String,
}

impl SpMetadata {
    /// Puts what it says in the place of what `before` said: all of it, no old endpoint or key
    /// stays (metadata interoperability profile, 2.3; C-MC7). What the administrator decided
    /// otherwise than `before` said stays.
    pub fn replace_in(
        self,
        sp: &mut ServiceProvider,
        before: Option<&Self>,
    ) -> Result<(), AcsError> {
        sp.acs = AcsEndpoints::new(self.acs, sp.policy.allow_http)?;
        sp.slo = SloEndpoints::new(self.slo, sp.policy.allow_http)?;
        sp.certificates = self.certificates;
        sp.bare_keys = self.bare_keys;
        sp.name_id_formats = self.name_id_formats;
        sp.requested = self.requested;
        sp.declared = self.declared;
        sp.metadata = Some(self.xml);
        let policy = &mut sp.policy;
        if policy.display_name.as_ref() == before.and_then(|before| before.display_name.as_ref()) {
            policy.display_name = self.display_name;
        }
        if policy.require_signed_requests == before.is_some_and(|b| b.authn_requests_signed) {
            policy.require_signed_requests = self.authn_requests_signed;
        }
        Ok(())
    }
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
    /// `cacheDuration` is no xs:duration.
    #[error("cacheDuration is not an xs:duration")]
    CacheDuration,
    /// An identity provider's, say.
    #[error("there is no SPSSODescriptor that speaks SAML 2.0")]
    NoServiceProvider,
    /// An endpoint without Location, Binding or index.
    #[error("an AssertionConsumerService lacks a Binding, a Location or a proper index")]
    Endpoint,
    /// A SingleLogoutService without Location or Binding.
    #[error("a SingleLogoutService lacks a Binding or a Location")]
    SloEndpoint,
    /// An AttributeConsumingService that cannot be read.
    #[error(
        "an AttributeConsumingService lacks a proper index or shares it, or a RequestedAttribute in it lacks a Name"
    )]
    AttributeConsumingService,
    /// A key that cannot be used.
    #[error("a key is refused: {0}")]
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
    let read = parse_whenever(bytes)?;
    match read.valid_until {
        Some(until) if until <= now => Err(MetadataError::Expired(until)),
        _ => Ok(read),
    }
}

/// The same for a document that was valid when it was taken.
pub fn parse_whenever(bytes: &[u8]) -> Result<SpMetadata, MetadataError> {
    let document = xml::read(bytes, &Limits::METADATA)?;
    if document.root().is(uri::MD.uri, "EntitiesDescriptor") {
        return Err(MetadataError::ManyEntities);
    }
    let read = of_entity(document.root())?;
    Ok(SpMetadata {
        xml: String::from_utf8_lossy(bytes).into_owned(),
        ..read
    })
}

/// Reads one md:EntityDescriptor, wherever it stands; its `xml` is left empty.
pub(super) fn of_entity(entity: &Element) -> Result<SpMetadata, MetadataError> {
    if !entity.is(uri::MD.uri, "EntityDescriptor") {
        return Err(MetadataError::NotAnEntityDescriptor);
    }
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    let entity_id = EntityId::parse_lenient(entity_id).map_err(MetadataError::EntityId)?;
    let sp = sp_role(entity).ok_or(MetadataError::NoServiceProvider)?;
    let lifetime = Lifetime::of(entity)?.and(Lifetime::of(sp)?);
    let (certificates, bare_keys) = signing_keys(sp)?;
    Ok(SpMetadata {
        entity_id,
        display_name: display_name(entity, sp),
        acs: endpoints(sp)?,
        slo: slo_endpoints(sp)?,
        certificates,
        bare_keys,
        name_id_formats: texts(sp, "NameIDFormat"),
        requested: requested::read(entity, sp)?,
        declared: declared::read(entity, sp)?,
        authn_requests_signed: boolean(sp, "AuthnRequestsSigned")?,
        want_assertions_signed: boolean(sp, "WantAssertionsSigned")?,
        valid_until: lifetime.valid_until,
        cache_duration: lifetime.cache_duration,
        xml: String::new(),
    })
}

/// Its first role as a service provider of SAML 2.0. The keys of other roles are not looked at
/// (metadata interoperability profile, 2.6; C-MC6).
pub(super) fn sp_role(entity: &Element) -> Option<&Element> {
    entity
        .children_named(uri::MD.uri, "SPSSODescriptor")
        .find(|role| speaks_saml_2(role))
}

/// How long metadata lasts. It is said at every level, and the smallest counts (Metadata 2.3.1,
/// 2.3.2, 2.4.1; E94).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lifetime {
    pub(super) valid_until: Option<UnixTime>,
    pub(super) cache_duration: Option<Duration>,
}

impl Lifetime {
    /// What one element says.
    pub(super) fn of(element: &Element) -> Result<Self, MetadataError> {
        let valid_until = element.attribute("validUntil").map(str::trim);
        let cache_duration = element.attribute("cacheDuration");
        Ok(Self {
            valid_until: valid_until
                .map(UnixTime::parse_xs_date_time)
                .transpose()
                .map_err(|_| MetadataError::ValidUntil)?,
            cache_duration: cache_duration
                .map(parse_xs_duration)
                .transpose()
                .map_err(|_| MetadataError::CacheDuration)?,
        })
    }

    /// The smaller of two.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            valid_until: smallest(self.valid_until, other.valid_until),
            cache_duration: smallest(self.cache_duration, other.cache_duration),
        }
    }
}

/// The smaller of what is there.
pub(super) fn smallest<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
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
        uri::HTTP_ARTIFACT => AcsBinding::HttpArtifact,
        uri::PAOS => AcsBinding::Paos,
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

fn slo_endpoints(sp: &Element) -> Result<Vec<SloEndpoint>, MetadataError> {
    sp.children_named(uri::MD.uri, "SingleLogoutService")
        .map(|element| {
            let attribute = |name| element.attribute(name).ok_or(MetadataError::SloEndpoint);
            Ok(SloEndpoint {
                binding: match attribute("Binding")? {
                    uri::HTTP_REDIRECT => SloBinding::HttpRedirect,
                    uri::HTTP_POST => SloBinding::HttpPost,
                    uri::SOAP_BINDING => SloBinding::Soap,
                    _ => SloBinding::Other,
                },
                location: attribute("Location")?.to_owned(),
                response_location: element.attribute("ResponseLocation").map(str::to_owned),
            })
        })
        .collect()
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
