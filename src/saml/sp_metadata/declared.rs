//! What SP metadata declares about encryption (Metadata 2.4.1.1) and about algorithms (SAML algorithm
//! support profile). It is taken down as it stands; whether it can be met is said where it is used.

use super::MetadataError;
use crate::directory::protection::{
    Declared, EncryptionKey, EncryptionMethod, KeyForm, SigningMethod,
};
use crate::saml::signature::{self, VerifyingKey};
use crate::saml::uri;
use crate::saml::xml::Element;

pub(super) fn read(entity: &Element, sp: &Element) -> Result<Declared, MetadataError> {
    let mut encryption_keys = Vec::new();
    for descriptor in sp.children_named(uri::MD.uri, "KeyDescriptor") {
        let is_for_encryption = match descriptor.attribute("use") {
            Some("encryption") => true,
            None => false,
            Some(_) => continue,
        };
        if let Some(key) = key(descriptor)? {
            encryption_keys.push(EncryptionKey {
                key,
                is_for_encryption,
                methods: encryption_methods(descriptor),
            });
        }
    }
    Ok(Declared {
        encryption_keys,
        signing_methods: algorithms(entity, sp, "SigningMethod")
            .into_iter()
            .filter_map(signing_method)
            .collect(),
        digest_methods: algorithms(entity, sp, "DigestMethod")
            .into_iter()
            .filter_map(|method| method.attribute("Algorithm").map(str::to_owned))
            .collect(),
    })
}

/// The first representation of the key; several stand for the same one (SAML metadata
/// interoperability profile, section 2.6.1).
fn key(descriptor: &Element) -> Result<Option<KeyForm>, MetadataError> {
    let Some(key_info) = descriptor.child(uri::DS.uri, "KeyInfo") else {
        return Ok(None);
    };
    let certificate = key_info
        .children_named(uri::DS.uri, "X509Data")
        .find_map(|data| data.child(uri::DS.uri, "X509Certificate"));
    if let Some(certificate) = certificate {
        let der = signature::decode_base64(certificate.text()?).ok_or(MetadataError::Base64)?;
        return Ok(Some(KeyForm::Certificate(der)));
    }
    let Some(value) = key_info.child(uri::DS.uri, "KeyValue") else {
        return Ok(None);
    };
    let key = VerifyingKey::from_key_value(value).map_err(MetadataError::Key)?;
    let der = key.public_key_der().map_err(MetadataError::Key)?;
    Ok(Some(KeyForm::Bare(der)))
}

fn encryption_methods(descriptor: &Element) -> Vec<EncryptionMethod> {
    let algorithm = |element: Option<&Element>| {
        element
            .and_then(|element| element.attribute("Algorithm"))
            .map(str::to_owned)
    };
    descriptor
        .children_named(uri::MD.uri, "EncryptionMethod")
        .filter_map(|method| {
            Some(EncryptionMethod {
                algorithm: algorithm(Some(method))?,
                digest: algorithm(method.child(uri::DS.uri, "DigestMethod")),
                mgf: algorithm(method.child(uri::XENC11.uri, "MGF")),
            })
        })
        .collect()
}

/// What the role says goes before what the entity says.
fn algorithms<'e>(entity: &'e Element, sp: &'e Element, local: &'e str) -> Vec<&'e Element> {
    let of = |element: &'e Element| -> Vec<&'e Element> {
        element
            .child(uri::MD.uri, "Extensions")
            .into_iter()
            .flat_map(|extensions| extensions.children_named(uri::ALG.uri, local))
            .collect()
    };
    let of_role = of(sp);
    if of_role.is_empty() {
        of(entity)
    } else {
        of_role
    }
}

fn signing_method(element: &Element) -> Option<SigningMethod> {
    let bits = |name| element.attribute(name)?.trim().parse().ok();
    Some(SigningMethod {
        algorithm: element.attribute("Algorithm")?.to_owned(),
        minimum_bits: bits("MinKeySize"),
        maximum_bits: bits("MaxKeySize"),
    })
}
