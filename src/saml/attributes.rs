//! The attributes that an assertion carries: names, formats, lists of values (Core 2.7.3.1).

use super::uri;
use super::xml::Writer;
use crate::access::Grant;

/// One attribute with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attribute<'a> {
    name: &'a str,
    friendly_name: Option<&'a str>,
    format: &'static str,
    values: Vec<&'a str>,
}

/// What is released where the registration says nothing.
const DEFAULT_SET: [&str; 3] = ["mail", "displayName", "role"];

/// Names that stand for an attribute of the directory.
const MAIL: &str = "urn:oid:0.9.2342.19200300.100.1.3";
const DISPLAY_NAME: &str = "urn:oid:2.16.840.1.113730.3.1.241";
const UID: &str = "urn:oid:0.9.2342.19200300.100.1.1";

/// Writes the AttributeStatement of a grant; none at all if there is nothing to tell, since an
/// empty one is no SAML.
pub(super) fn write(grant: &Grant<'_>, writer: &mut Writer<'_>) {
    let attributes = released(grant);
    if attributes.is_empty() {
        return;
    }
    writer.start(uri::SAML, "AttributeStatement");
    for attribute in &attributes {
        writer.start(uri::SAML, "Attribute");
        if let Some(friendly_name) = attribute.friendly_name {
            writer.attribute("FriendlyName", friendly_name);
        }
        writer.attribute("Name", attribute.name);
        writer.attribute("NameFormat", attribute.format);
        for value in &attribute.values {
            writer.element(uri::SAML, "AttributeValue", value);
        }
        writer.end();
    }
    writer.end();
}

/// Each attribute that this SP is told, once, and only if there is a value.
fn released<'a>(grant: &'a Grant<'_>) -> Vec<Attribute<'a>> {
    let registered = grant.sp().policy.attributes.as_deref();
    let names: Vec<&'a str> = match registered {
        None => DEFAULT_SET.to_vec(),
        Some(names) => names.iter().map(String::as_str).collect(),
    };
    let mut attributes: Vec<Attribute<'a>> = Vec::with_capacity(names.len());
    for name in names {
        let attribute = resolve(grant, name);
        let known = attributes
            .iter()
            .any(|a| (a.name, a.format) == (attribute.name, attribute.format));
        if !known && !attribute.values.is_empty() {
            attributes.push(attribute);
        }
    }
    attributes
}

fn resolve<'a>(grant: &'a Grant<'_>, name: &'a str) -> Attribute<'a> {
    let user = grant.user();
    let named = |name, friendly_name, values| Attribute {
        name,
        friendly_name: Some(friendly_name),
        format: uri::ATTRIBUTE_URI,
        values,
    };
    match name {
        "mail" => named(MAIL, "mail", user.email.as_deref().into_iter().collect()),
        "displayName" => named(
            DISPLAY_NAME,
            "displayName",
            vec![user.display_name.as_str()],
        ),
        "uid" => named(UID, "uid", vec![user.name.as_str()]),
        "role" => Attribute {
            name,
            friendly_name: None,
            format: uri::ATTRIBUTE_BASIC,
            values: grant
                .released_roles()
                .into_iter()
                .map(AsRef::as_ref)
                .collect(),
        },
        other => Attribute {
            name: other,
            friendly_name: None,
            format: if other.contains(':') {
                uri::ATTRIBUTE_URI
            } else {
                uri::ATTRIBUTE_BASIC
            },
            values: user.attribute(other).collect(),
        },
    }
}
