//! What the metadata of an SP says about attributes: its AttributeConsumingServices (Metadata
//! 2.4.4.1) and the entity attributes that attributes are released by.

use super::sp_metadata::MetadataError;
use super::uri;
use super::xml::Element;
use crate::directory::release::{
    AttributeConsumingService, Requested, RequestedAttribute, SubjectIdRequirement,
};

/// The entity attribute that holds categories.
const CATEGORY: &str = "http://macedir.org/entity-category";
/// The entity attribute that says which identifier is wanted (subject-id 4).
const SUBJECT_ID_REQ: &str = "urn:oasis:names:tc:SAML:profiles:subject-id:req";

/// Reads it off an EntityDescriptor and its SPSSODescriptor.
pub(super) fn read(entity: &Element, sp: &Element) -> Result<Requested, MetadataError> {
    let services = sp.children_named(uri::MD.uri, "AttributeConsumingService");
    let services: Vec<_> = services.map(service).collect::<Result<_, _>>()?;
    let mut indexes = std::collections::BTreeSet::new();
    if !services.iter().all(|service| indexes.insert(service.index)) {
        return Err(MetadataError::AttributeConsumingService);
    }
    let signal = entity_attribute(entity, SUBJECT_ID_REQ);
    Ok(Requested {
        services,
        categories: entity_attribute(entity, CATEGORY),
        subject_id: signal
            .first()
            .and_then(|word| SubjectIdRequirement::parse(word)),
    })
}

fn service(element: &Element) -> Result<AttributeConsumingService, MetadataError> {
    let index = element
        .attribute("index")
        .and_then(|index| index.trim().parse().ok())
        .ok_or(MetadataError::AttributeConsumingService)?;
    let attributes = element.children_named(uri::MD.uri, "RequestedAttribute");
    Ok(AttributeConsumingService {
        index,
        is_default: boolean(element, "isDefault")?,
        attributes: attributes.map(attribute).collect::<Result<_, _>>()?,
    })
}

fn attribute(element: &Element) -> Result<RequestedAttribute, MetadataError> {
    let name = element
        .attribute("Name")
        .ok_or(MetadataError::AttributeConsumingService)?;
    let values = element.children_named(uri::SAML.uri, "AttributeValue");
    // A value that is no text would otherwise widen the request to all values.
    let values: Result<_, _> = values
        .map(|value| value.text().map(str::to_owned))
        .collect();
    Ok(RequestedAttribute {
        name: name.to_owned(),
        format: element.attribute("NameFormat").map(str::to_owned),
        required: boolean(element, "isRequired")?.unwrap_or(false),
        values: values.map_err(|_| MetadataError::AttributeConsumingService)?,
    })
}

fn boolean(element: &Element, name: &str) -> Result<Option<bool>, MetadataError> {
    match element.attribute(name).map(str::trim) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(MetadataError::AttributeConsumingService),
    }
}

/// The values of one attribute in mdattr:EntityAttributes. Those inside assertions are not read:
/// who made them is not known here.
fn entity_attribute(entity: &Element, name: &str) -> Vec<String> {
    let attributes = entity
        .child(uri::MD.uri, "Extensions")
        .and_then(|extensions| extensions.child(uri::MDATTR.uri, "EntityAttributes"));
    attributes
        .into_iter()
        .flat_map(|all| all.children_named(uri::SAML.uri, "Attribute"))
        .filter(|attribute| attribute.attribute("Name") == Some(name))
        .flat_map(|attribute| attribute.children_named(uri::SAML.uri, "AttributeValue"))
        .filter_map(|value| value.text().ok())
        .map(|text| text.trim().to_owned())
        .collect()
}
