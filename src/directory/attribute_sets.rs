//! The attribute names that people know, and the ready-made sets of them (Profiles 8.2).

use std::sync::LazyLock;

use super::attribute::{
    AttributeError, FORMAT_BASIC, FORMAT_URI, PAIRWISE_ID, ReleasedAttribute, SUBJECT_ID,
    usual_format,
};
use super::template::Template;

/// A name that people know, with the Name that SAML has for it (Profiles 8.2).
pub(super) struct WellKnown {
    short: &'static str,
    name: &'static str,
    /// The placeholder that it is filled from.
    placeholder: &'static str,
}

impl WellKnown {
    /// As it is registered by its short name.
    pub(super) fn attribute(&self) -> ReleasedAttribute {
        let plain = self.short == self.name;
        ReleasedAttribute {
            name: self.name.to_owned(),
            format: usual_format(self.name).to_owned(),
            friendly_name: (!plain).then(|| self.short.to_owned()),
            value: Template::of(self.placeholder),
            join: None,
        }
    }
}

const fn known(short: &'static str, name: &'static str) -> WellKnown {
    from(short, name, short)
}

const fn from(short: &'static str, name: &'static str, placeholder: &'static str) -> WellKnown {
    WellKnown {
        short,
        name,
        placeholder,
    }
}

/// The names of inetOrgPerson, eduPerson and schac, and our own `role`.
const WELL_KNOWN: &[WellKnown] = &[
    known("uid", "urn:oid:0.9.2342.19200300.100.1.1"),
    known("mail", "urn:oid:0.9.2342.19200300.100.1.3"),
    known("displayName", "urn:oid:2.16.840.1.113730.3.1.241"),
    known("role", "role"),
    known("givenName", "urn:oid:2.5.4.42"),
    known("sn", "urn:oid:2.5.4.4"),
    from("cn", "urn:oid:2.5.4.3", "displayName"),
    known("o", "urn:oid:2.5.4.10"),
    known("ou", "urn:oid:2.5.4.11"),
    known("title", "urn:oid:2.5.4.12"),
    known("description", "urn:oid:2.5.4.13"),
    known("telephoneNumber", "urn:oid:2.5.4.20"),
    known("mobile", "urn:oid:0.9.2342.19200300.100.1.41"),
    known("c", "urn:oid:2.5.4.6"),
    known("l", "urn:oid:2.5.4.7"),
    known("st", "urn:oid:2.5.4.8"),
    known("street", "urn:oid:2.5.4.9"),
    known("postalCode", "urn:oid:2.5.4.17"),
    known("departmentNumber", "urn:oid:2.16.840.1.113730.3.1.2"),
    known("employeeNumber", "urn:oid:2.16.840.1.113730.3.1.3"),
    known("employeeType", "urn:oid:2.16.840.1.113730.3.1.4"),
    known("preferredLanguage", "urn:oid:2.16.840.1.113730.3.1.39"),
    known("eduPersonAffiliation", "urn:oid:1.3.6.1.4.1.5923.1.1.1.1"),
    known("eduPersonNickname", "urn:oid:1.3.6.1.4.1.5923.1.1.1.2"),
    known(
        "eduPersonPrimaryAffiliation",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.5",
    ),
    known("eduPersonPrincipalName", "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"),
    known("eduPersonEntitlement", "urn:oid:1.3.6.1.4.1.5923.1.1.1.7"),
    known(
        "eduPersonScopedAffiliation",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
    ),
    known("eduPersonAssurance", "urn:oid:1.3.6.1.4.1.5923.1.1.1.11"),
    known("eduPersonUniqueId", "urn:oid:1.3.6.1.4.1.5923.1.1.1.13"),
    known("eduPersonOrcid", "urn:oid:1.3.6.1.4.1.5923.1.1.1.16"),
    from(
        "schacHomeOrganization",
        "urn:oid:1.3.6.1.4.1.25178.1.2.9",
        "scope",
    ),
    known("subject-id", SUBJECT_ID),
    known("pairwise-id", PAIRWISE_ID),
];

/// The well-known attribute with this short name.
pub(super) fn find_known(short: &str) -> Option<&'static WellKnown> {
    WELL_KNOWN.iter().find(|known| known.short == short)
}

/// The placeholders that every person has a value for, or that are made for them.
pub const BUILT_IN: [&str; 9] = [
    "uid",
    "mail",
    "displayName",
    "role",
    "scope",
    "subject-id",
    "pairwise-id",
    "eduPersonPrincipalName",
    "eduPersonScopedAffiliation",
];

/// Whether a placeholder has a value without anybody giving it to a user by hand, or is a name that
/// directories commonly have.
#[must_use]
pub fn is_known_placeholder(name: &str) -> bool {
    BUILT_IN.contains(&name) || WELL_KNOWN.iter().any(|known| known.placeholder == name)
}

/// What is released where nothing is registered.
pub static DEFAULT_SET: LazyLock<Vec<ReleasedAttribute>> =
    LazyLock::new(|| well_known(&["mail", "displayName", "role"]));

/// The well-known attributes with these short names.
pub(super) fn well_known(names: &[&str]) -> Vec<ReleasedAttribute> {
    let find = |name: &&str| WELL_KNOWN.iter().find(|known| known.short == *name);
    names
        .iter()
        .filter_map(find)
        .map(WellKnown::attribute)
        .collect()
}

/// One line of a ready-made set: Name and placeholder.
type Line = (&'static str, &'static str);

/// The sets that are made of plain lines: their names, NameFormat and lines.
const LINES: [(&str, &str, &[Line]); 3] = [
    (
        "plain",
        FORMAT_BASIC,
        &[
            ("username", "uid"),
            ("email", "mail"),
            ("displayName", "displayName"),
            ("firstName", "givenName"),
            ("lastName", "sn"),
            ("role", "role"),
        ],
    ),
    (
        "wso2",
        FORMAT_BASIC,
        &[
            ("http://wso2.org/claims/username", "uid"),
            ("http://wso2.org/claims/emailaddress", "mail"),
            ("http://wso2.org/claims/displayName", "displayName"),
            ("http://wso2.org/claims/fullname", "displayName"),
            ("http://wso2.org/claims/givenname", "givenName"),
            ("http://wso2.org/claims/lastname", "sn"),
            ("http://wso2.org/claims/organization", "o"),
            ("http://wso2.org/claims/telephone", "telephoneNumber"),
            ("http://wso2.org/claims/mobile", "mobile"),
            ("http://wso2.org/claims/country", "c"),
            ("http://wso2.org/claims/role", "role"),
        ],
    ),
    (
        "microsoft",
        FORMAT_URI,
        &[
            (
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
                "uid",
            ),
            (
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
                "mail",
            ),
            (
                "http://schemas.microsoft.com/identity/claims/displayname",
                "displayName",
            ),
            (
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
                "givenName",
            ),
            (
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
                "sn",
            ),
            (
                "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
                "role",
            ),
        ],
    ),
];

/// The short names of the set `ldap`.
const LDAP: [&str; 11] = [
    "uid",
    "mail",
    "displayName",
    "cn",
    "givenName",
    "sn",
    "eduPersonPrincipalName",
    "eduPersonAffiliation",
    "eduPersonScopedAffiliation",
    "eduPersonEntitlement",
    "role",
];

/// The ready-made sets, each with what it is for.
pub const SETS: [(&str, &str); 4] = [
    (
        "ldap",
        "LDAP and eduPerson names as urn:oid, NameFormat uri",
    ),
    (
        "plain",
        "username, email, firstName and so on, NameFormat basic",
    ),
    (
        "wso2",
        "the claim URIs http://wso2.org/claims/…, NameFormat basic",
    ),
    (
        "microsoft",
        "the claim URIs of AD FS and Entra, NameFormat uri",
    ),
];

/// The attributes of a ready-made set.
pub fn set(name: &str) -> Result<Vec<ReleasedAttribute>, AttributeError> {
    if name == "ldap" {
        return Ok(well_known(&LDAP));
    }
    let found = LINES.iter().find(|(set, ..)| *set == name);
    let (_, format, lines) = found.ok_or_else(|| AttributeError::Set(name.to_owned()))?;
    let line = |(name, placeholder): &Line| ReleasedAttribute {
        name: (*name).to_owned(),
        format: (*format).to_owned(),
        friendly_name: None,
        value: Template::of(placeholder),
        join: None,
    };
    Ok(lines.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::attribute::put;

    #[test]
    fn every_set_has_each_name_once() {
        for (name, _) in SETS {
            let all = set(name).unwrap();
            let names: std::collections::BTreeSet<_> = all.iter().map(|a| &a.name).collect();
            assert_eq!(names.len(), all.len(), "{name}");
            for attribute in all {
                let again = Template::parse(attribute.value.as_str());
                assert_eq!(again, Ok(attribute.value));
            }
        }
        assert!(set("none").is_err());
        assert_eq!(well_known(&LDAP).len(), LDAP.len());
    }

    #[test]
    fn a_value_of_ones_own_takes_the_place_in_a_set() {
        let mut list = set("wso2").unwrap();
        let length = list.len();
        let role = "http://wso2.org/claims/role";
        let own = ReleasedAttribute::parse("http://wso2.org/claims/role=Internal/${role}");
        put(&mut list, own.unwrap());
        let changed = list.iter().find(|a| a.name == role).unwrap();
        assert_eq!(list.len(), length);
        assert_eq!(changed.format, FORMAT_BASIC, "as the set writes it");
        assert_eq!(changed.value.as_str(), "Internal/${role}");
    }
}
