//! Attributes that an SP may be told: under which Name, in which format, from which value
//! (Core 2.7.3.1), and the ready-made sets of them.

use thiserror::Error;

use super::attribute_sets::{SETS, find_known};
use super::name::is_beyond_xml;
use super::template::{Template, TemplateError};

/// Attribute names that are URIs (Core 8.2.2).
pub const FORMAT_URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
/// Attribute names that are plain words (Core 8.2.3).
pub const FORMAT_BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
/// Attribute names of which nothing is said (Core 8.2.1).
pub const FORMAT_UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified";

/// `urn:oasis:names:tc:SAML:attribute:subject-id`: one person, the same at every SP.
pub const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
/// `urn:oasis:names:tc:SAML:attribute:pairwise-id`: one person, another at every SP.
pub const PAIRWISE_ID: &str = "urn:oasis:names:tc:SAML:attribute:pairwise-id";

/// The longest Name, NameFormat, FriendlyName and separator, in bytes.
const LONGEST: usize = 1000;

/// One attribute that an SP is registered to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedAttribute {
    /// Name: any string.
    pub name: String,
    /// NameFormat: any URI.
    pub format: String,
    /// FriendlyName, for people's eyes only.
    pub friendly_name: Option<String>,
    /// Where its values come from.
    pub value: Template,
    /// What several values are joined with into one, for SPs that read no lists.
    pub join: Option<String>,
}

/// Why an attribute cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AttributeError {
    /// No Name, or one with outer blanks, control characters or too many bytes.
    #[error(
        "the Name {0:?} is empty, longer than {LONGEST} bytes, or has outer blanks or control characters"
    )]
    Name(String),
    /// The NameFormat is no URI.
    #[error("the NameFormat {0:?} is no URI; uri, basic and unspecified stand for those of SAML")]
    Format(String),
    /// FriendlyName or separator.
    #[error("{0:?} is longer than {LONGEST} bytes or has control characters")]
    Text(String),
    /// The template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A set that does not exist.
    #[error("there is no attribute set {0:?}; known are {known}", known = SETS.map(|(name, _)| name).join(", "))]
    Set(String),
}

impl ReleasedAttribute {
    /// From its parts; the format may be one of the words `uri`, `basic`, `unspecified`.
    pub fn new(
        name: &str,
        format: Option<&str>,
        friendly_name: Option<&str>,
        value: &str,
        join: Option<&str>,
    ) -> Result<Self, AttributeError> {
        if !is_name(name) {
            return Err(AttributeError::Name(name.chars().take(80).collect()));
        }
        for text in [friendly_name, join].into_iter().flatten() {
            if text.len() > LONGEST || text.contains(is_odd) {
                return Err(AttributeError::Text(text.chars().take(80).collect()));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            format: format.map_or_else(|| Ok(usual_format(name).to_owned()), parse_format)?,
            friendly_name: friendly_name.map(str::to_owned),
            value: Template::parse(value)?,
            join: join.map(str::to_owned),
        })
    }

    /// By its short name: a well-known one such as `mail`, or else a user attribute that is told
    /// under its own name.
    pub fn short(name: &str) -> Result<Self, AttributeError> {
        if let Some(known) = find_known(name) {
            return Ok(known.attribute());
        }
        Self::new(name, None, None, &format!("${{{name}}}"), None)
    }

    /// As the command line writes it: `NAME`, or `NAME=TEMPLATE`.
    pub fn parse(text: &str) -> Result<Self, AttributeError> {
        let Some((name, value)) = text.split_once('=') else {
            return Self::short(text);
        };
        let known = find_known(name);
        match known {
            // A well-known attribute with a value of one's own.
            Some(known) => Ok(Self {
                value: Template::parse(value)?,
                ..known.attribute()
            }),
            None => Self::new(name, None, None, value, None),
        }
    }

    /// Whether its values come with a scope, which has to be one of ours (shibmd:Scope).
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        SCOPED.contains(&self.name.as_str())
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> &str {
        self.friendly_name.as_deref().unwrap_or(&self.name)
    }
}

fn is_odd(c: char) -> bool {
    c.is_control() || is_beyond_xml(c)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.trim() == name && !name.contains(is_odd)
}

/// What a Name with a colon is taken for: a URI.
pub(super) fn usual_format(name: &str) -> &'static str {
    if name.contains(':') {
        FORMAT_URI
    } else {
        FORMAT_BASIC
    }
}

fn parse_format(text: &str) -> Result<String, AttributeError> {
    let uri = match text {
        "uri" => FORMAT_URI,
        "basic" => FORMAT_BASIC,
        "unspecified" => FORMAT_UNSPECIFIED,
        uri => uri,
    };
    let is_uri = uri.len() <= LONGEST
        && uri
            .split_once(':')
            .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
        && uri.bytes().all(|b| b.is_ascii_graphic());
    if is_uri {
        Ok(uri.to_owned())
    } else {
        Err(AttributeError::Format(text.chars().take(80).collect()))
    }
}

/// Names whose values are `something@scope`.
const SCOPED: [&str; 5] = [
    SUBJECT_ID,
    PAIRWISE_ID,
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.13",
];

/// Adds an attribute to a list; one with the same Name takes the place of the one that was there,
/// and, where it came from the command line, keeps how that one was written.
pub fn put(list: &mut Vec<ReleasedAttribute>, attribute: ReleasedAttribute) {
    match list.iter_mut().find(|there| there.name == attribute.name) {
        Some(there) => there.value = attribute.value,
        None => list.push(attribute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, String, Option<String>, String) {
        let ReleasedAttribute {
            name,
            format,
            friendly_name,
            value,
            ..
        } = ReleasedAttribute::parse(text).unwrap();
        let format = format.rsplit(':').next().unwrap().to_owned();
        (name, format, friendly_name, value.to_string())
    }

    fn line(
        name: &str,
        format: &str,
        friendly: Option<&str>,
        value: &str,
    ) -> (String, String, Option<String>, String) {
        (
            name.into(),
            format.into(),
            friendly.map(Into::into),
            value.into(),
        )
    }

    #[test]
    fn c_at6_short_names_stand_for_their_oid() {
        let mail = "urn:oid:0.9.2342.19200300.100.1.3";
        assert_eq!(parsed("mail"), line(mail, "uri", Some("mail"), "${mail}"));
        assert_eq!(
            parsed("eduPersonPrincipalName").0,
            "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"
        );
        assert_eq!(parsed("mail=${uid}@x").0, mail, "a value of one's own");
        assert_eq!(parsed("role"), line("role", "basic", None, "${role}"));
        assert_eq!(parsed("team"), line("team", "basic", None, "${team}"));
    }

    #[test]
    fn c_a13_a_name_is_any_string_and_a_format_any_uri() {
        let name = "urn:x:full name/Ä";
        let full = line(name, "uri", None, "${givenName} ${sn}");
        assert_eq!(parsed("urn:x:full name/Ä=${givenName} ${sn}"), full);
        let odd = ReleasedAttribute::new("9 lives", Some("x:y"), None, "cat", None).unwrap();
        assert_eq!((odd.name.as_str(), odd.format.as_str()), ("9 lives", "x:y"));
        for (name, format) in [
            ("", None),
            (" a", None),
            ("a", Some("no uri")),
            ("a", Some(":")),
        ] {
            assert!(ReleasedAttribute::new(name, format, None, "v", None).is_err());
        }
    }
}
