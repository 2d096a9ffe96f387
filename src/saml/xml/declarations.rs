//! Declarations: of namespaces, and of XML itself.

use super::attributes::{self, RawAttribute, RawName};
use super::chars::is_absolute_uri;
use super::{XML_NAMESPACE, XMLNS_NAMESPACE, XmlError};

/// The prefix that an attribute declares, if it is a namespace declaration, and its raw value.
pub(super) fn declaration<'x>(attribute: &RawAttribute<'x>) -> Option<(&'x str, &'x str)> {
    match attribute.name {
        RawName {
            prefix: "xmlns",
            local,
        } => Some((local, attribute.value)),
        RawName {
            prefix: "",
            local: "xmlns",
        } => Some(("", attribute.value)),
        _ => None,
    }
}

/// Namespaces in XML 1.0, section 3 and its constraints.
pub(super) fn check_binding(prefix: &str, namespace: String) -> Result<String, XmlError> {
    let reserved = match (prefix, namespace.as_str()) {
        ("xml", name) => name != XML_NAMESPACE,
        ("xmlns", _) | (_, XML_NAMESPACE | XMLNS_NAMESPACE) => true,
        _ => false,
    };
    if reserved {
        return Err(XmlError::ReservedPrefix);
    }
    match (prefix, namespace.is_empty()) {
        ("", true) => Ok(namespace),
        (_, true) => Err(XmlError::EmptyNamespace),
        (_, false) if is_absolute_uri(&namespace) => Ok(namespace),
        (_, false) => Err(XmlError::RelativeNamespace),
    }
}

/// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, in this order (production 23).
pub(super) fn check_declaration(declaration: &str) -> Result<(), XmlError> {
    let mut parts = Vec::new();
    attributes::read_tag(declaration, 3, &mut parts).map_err(|_| XmlError::Declaration)?;
    let mut parts = parts.into_iter().peekable();
    let mut next = |name: &str| {
        let is = |part: &RawAttribute<'_>| {
            part.name
                == RawName {
                    prefix: "",
                    local: name,
                }
        };
        parts.next_if(is).map(|part| part.value)
    };
    match next("version") {
        Some("1.0") => {}
        Some(_) => return Err(XmlError::ForeignVersion),
        None => return Err(XmlError::Declaration),
    }
    if next("encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("UTF-8")) {
        return Err(XmlError::ForeignEncoding);
    }
    if next("standalone").is_some_and(|value| !matches!(value, "yes" | "no")) {
        return Err(XmlError::Declaration);
    }
    if parts.next().is_some() {
        Err(XmlError::Declaration)
    } else {
        Ok(())
    }
}
