//! What a person is shown before it is sent, and what the Response says about their consent
//! (Core 8.4).

use std::borrow::Cow;

use super::assertion::name_id;
use super::attributes::{self, Attribute};
use super::authn_request::Asked;
use super::name_id::NameId;
use super::response::{Issuer, ResponseError};
use crate::access::Grant;
use crate::directory::consent::Disclosed;
use crate::directory::service_provider::NameIdFormat;

/// The consent that a Response claims; it claims none where nobody was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentClaim {
    /// Given, some time (Core 8.4.2).
    Obtained,
    /// Given before the request came (Core 8.4.3).
    Prior,
    /// Given on the way to this answer (Core 8.4.5).
    CurrentExplicit,
}

impl ConsentClaim {
    /// The URI.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Obtained => "urn:oasis:names:tc:SAML:2.0:consent:obtained",
            Self::Prior => "urn:oasis:names:tc:SAML:2.0:consent:prior",
            Self::CurrentExplicit => "urn:oasis:names:tc:SAML:2.0:consent:current-explicit",
        }
    }
}

/// Everything that an SP would learn about a person.
#[derive(Debug)]
pub struct Disclosure<'g> {
    identifier: Option<NameId>,
    attributes: Vec<Attribute<'g>>,
}

/// What would be sent for this grant.
pub fn disclosure<'g>(
    grant: &'g Grant<'_>,
    asked: &Asked,
    issuer: &'g Issuer,
) -> Result<Disclosure<'g>, ResponseError> {
    // A transient id is not shown, so that it need not be that of the session.
    let identifier = name_id(grant, asked, issuer, "shown")?;
    // A random or pairwise id says nothing about anybody.
    let opaque = [NameIdFormat::Persistent, NameIdFormat::Transient];
    let identifier = Some(identifier).filter(|id| !opaque.contains(&id.format));
    let index = asked.attribute_service;
    let attributes = attributes::told(grant.user(), grant.sp(), issuer, index)?;
    Ok(Disclosure {
        identifier,
        attributes,
    })
}

impl Disclosure<'_> {
    /// Each thing with its values, the identifier first.
    #[must_use]
    pub fn items(&self) -> Vec<(Disclosed, Vec<&str>)> {
        let identifier = self.identifier.iter().map(|id| {
            let (label, format) = ("Identifier".to_owned(), id.format.uri().to_owned());
            let name = "NameID".to_owned();
            let item = Disclosed {
                name,
                format,
                label,
            };
            (item, vec![id.value.as_str()])
        });
        let attributes = self.attributes.iter().map(|one| {
            let registered = &one.registered;
            let item = Disclosed {
                name: registered.name.clone(),
                format: registered.format.clone(),
                label: label(one).into_owned(),
            };
            (item, one.values.iter().map(AsRef::as_ref).collect())
        });
        identifier.chain(attributes).collect()
    }
}

/// What people call an attribute: by what it is made from, else as it is registered.
fn label<'a>(attribute: &'a Attribute<'_>) -> Cow<'a, str> {
    let registered = &attribute.registered;
    match registered.value.single() {
        Some("mail") => "E-mail address".into(),
        Some("displayName") => "Name".into(),
        Some("uid" | "eduPersonPrincipalName") => "User name".into(),
        Some("givenName") => "First name".into(),
        Some("sn") => "Last name".into(),
        Some("role") => "Roles".into(),
        Some("pairwise-id") => "Identifier for this app alone".into(),
        Some("subject-id") => "Identifier, the same for every app".into(),
        Some("scope" | "o") => "Organization".into(),
        Some("telephoneNumber" | "mobile") => "Telephone number".into(),
        Some("eduPersonAffiliation" | "eduPersonScopedAffiliation") => "Affiliation".into(),
        _ => registered.label().into(),
    }
}
