//! A message as an administrator may see it: indented, and without what is personal or secret.
//!
//! What names a person, ends a session or proves something is shortened to its length: identifiers,
//! values of attributes, session indexes, artifacts, signatures, keys and whatever is encrypted.

use std::fmt::Write as _;

use super::uri;
use super::xml::{self, Element, Limits, XmlError};

/// The elements whose text is never shown.
const SECRET: &[&str] = &[
    "AttributeValue",
    "Artifact",
    "BaseID",
    "CipherValue",
    "DigestValue",
    "Exponent",
    "GeneratedKey",
    "Modulus",
    "NameID",
    "NewID",
    "PublicKey",
    "SessionIndex",
    "SignatureValue",
    "X509Certificate",
];

/// The attributes whose value is never shown.
const SECRET_ATTRIBUTES: &[&str] = &["SessionIndex", "Address"];

/// The prefixes under which the namespaces are known.
const PREFIXES: &[xml::Namespace<'static>] = &[
    uri::SAMLP,
    uri::SAML,
    uri::MD,
    uri::MDUI,
    uri::ALG,
    uri::DS,
    uri::SOAP,
];

/// The longest text and attribute value that is shown whole.
const SHOWN: usize = 300;

/// A document with its secrets shortened, one element a line.
///
/// # Errors
/// It is not strict XML; then nothing in it can be told apart, and nothing is shown.
pub fn readable(document: &[u8]) -> Result<String, XmlError> {
    let document = xml::read(document, &Limits::MESSAGE)?;
    let mut text = String::new();
    write_element(&mut text, document.root(), 0);
    Ok(text)
}

fn write_element(out: &mut String, element: &Element, depth: usize) {
    let (name, margin) = (name(element.namespace(), element.local_name()), depth * 2);
    // Writing to a String cannot fail, here and below.
    let _ = write!(out, "{:margin$}<{name}", "");
    for attribute in element.attributes() {
        let key = self::name(attribute.namespace(), attribute.local_name());
        let value = if SECRET_ATTRIBUTES.contains(&attribute.local_name()) {
            length(attribute.value())
        } else {
            shown(attribute.value())
        };
        let _ = write!(out, " {key}=\"{value}\"");
    }
    let text: String = element.texts().map(str::trim).collect();
    let mut children = element.children().peekable();
    if children.peek().is_none() {
        let _ = if text.is_empty() {
            writeln!(out, "/>")
        } else if SECRET.contains(&element.local_name()) {
            writeln!(out, ">{}</{name}>", length(&text))
        } else {
            writeln!(out, ">{}</{name}>", shown(&text))
        };
        return;
    }
    let _ = writeln!(out, ">");
    for child in children {
        write_element(out, child, depth.saturating_add(1));
    }
    let _ = writeln!(out, "{:margin$}</{name}>", "");
}

fn name(namespace: &str, local: &str) -> String {
    if namespace.is_empty() {
        return local.to_owned();
    }
    let known = PREFIXES.iter().find(|known| known.uri == namespace);
    known.map_or_else(
        || format!("{{{}}}{local}", shown(namespace)),
        |known| format!("{}:{local}", known.prefix),
    )
}

/// How long a secret is.
fn length(text: &str) -> String {
    match text.chars().count() {
        1 => "[1 character]".to_owned(),
        count => format!("[{count} characters]"),
    }
}

/// A value as it stands in a line: shortened, its line ends and controls made visible.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(SHOWN) {
        match c {
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '"' => shown.push_str("&quot;"),
            c if c.is_control() => {
                let _ = write!(shown, "&#{};", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_personal_or_proves_something_is_a_length() {
        let message = r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_1"><saml:Issuer>https://idp.example</saml:Issuer><ds:SignatureValue>c2VjcmV0</ds:SignatureValue><saml:NameID Format="urn:f">ada@example.org</saml:NameID><saml:AuthnStatement SessionIndex="_secret"/><saml:Attribute Name="mail"><saml:AttributeValue>ada@example.org</saml:AttributeValue></saml:Attribute><e:x xmlns:e="urn:e">kept &lt;&#10;b</e:x></samlp:Response>"#;
        let readable = readable(message.as_bytes()).unwrap();
        assert!(!readable.contains("ada"), "{readable}");
        assert!(!readable.contains("secret") && !readable.contains("c2Vj"));
        assert_eq!(
            readable,
            "<samlp:Response ID=\"_1\">\n  \
             <saml:Issuer>https://idp.example</saml:Issuer>\n  \
             <ds:SignatureValue>[8 characters]</ds:SignatureValue>\n  \
             <saml:NameID Format=\"urn:f\">[15 characters]</saml:NameID>\n  \
             <saml:AuthnStatement SessionIndex=\"[7 characters]\"/>\n  \
             <saml:Attribute Name=\"mail\">\n    \
             <saml:AttributeValue>[15 characters]</saml:AttributeValue>\n  \
             </saml:Attribute>\n  \
             <{urn:e}x>kept &lt;&#10;b</{urn:e}x>\n\
             </samlp:Response>\n"
        );
    }

    #[test]
    fn what_is_no_xml_is_not_shown() {
        assert!(super::readable(b"<NameID>ada").is_err());
    }
}
