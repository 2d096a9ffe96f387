//! The attributes that an assertion carries: names, formats, lists of values (Core 2.7.3.1).

use std::borrow::Cow;

use super::response::Issuer;
use super::uri;
use super::xml::Writer;
use crate::directory::attribute::ReleasedAttribute;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::template::TooManyValues;
use crate::directory::user::User;

/// The prefixes that only values use; every signature over typed values names them.
pub(super) const TYPE_PREFIXES: [&str; 2] = ["xs", "xsi"];

/// One attribute with its values; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// What was registered.
    pub registered: Cow<'a, ReleasedAttribute>,
    /// The values, in order. An empty one is a value as well (Core 2.7.3.1.1); where nothing is
    /// known there is none, and the attribute is left out.
    pub values: Vec<Cow<'a, str>>,
}

/// What an SP is told about a person: each attribute once, and only if there is a value. `index`
/// is the AttributeConsumingServiceIndex of the request.
pub fn told<'a>(
    user: &'a User,
    sp: &'a ServiceProvider,
    issuer: &'a Issuer,
    index: Option<u16>,
) -> Result<Vec<Attribute<'a>>, TooManyValues> {
    let registered = sp.told(&issuer.release, index);
    let mut attributes = Vec::with_capacity(registered.len());
    for one in registered {
        let template = &one.attribute.value;
        let mut values = template.fill(|name| values_of(name, user, sp, issuer))?;
        if one.attribute.is_scoped() {
            let scope = issuer.release.scope.as_deref();
            values.retain(|value| scope.is_some_and(|scope| is_within(value, scope)));
        }
        if !one.only.is_empty() {
            values.retain(|value| one.only.iter().any(|wanted| wanted == value));
        }
        if let Some(separator) = one.attribute.join.as_deref().filter(|_| values.len() > 1) {
            values = vec![Cow::Owned(values.join(separator))];
        }
        if !values.is_empty() {
            attributes.push(Attribute {
                registered: one.attribute,
                values,
            });
        }
    }
    Ok(attributes)
}

/// The values that a placeholder stands for.
fn values_of<'a>(
    name: &str,
    user: &'a User,
    sp: &ServiceProvider,
    issuer: &'a Issuer,
) -> Vec<Cow<'a, str>> {
    let scope = issuer.release.scope.as_deref();
    let scoped = |id: String| scope.map(|scope| Cow::Owned(format!("{id}@{scope}")));
    let own = || user.attribute(name).map(Cow::Borrowed).collect::<Vec<_>>();
    match name {
        "uid" => vec![Cow::Borrowed(user.name.as_str())],
        "mail" => user
            .email
            .as_deref()
            .map(Cow::Borrowed)
            .into_iter()
            .collect(),
        "displayName" => vec![Cow::Borrowed(user.display_name.as_str())],
        "role" => {
            let roles = sp.told_roles(user).into_iter();
            roles.map(|role| Cow::Borrowed(role.as_str())).collect()
        }
        "scope" => scope.map(Cow::Borrowed).into_iter().collect(),
        "subject-id" => {
            let id = issuer.pairwise_secret.subject_id(&user.id);
            scoped(id).into_iter().collect()
        }
        "pairwise-id" => {
            let id = issuer
                .pairwise_secret
                .persistent_id(&user.id, &sp.entity_id);
            scoped(id).into_iter().collect()
        }
        // What the directory holds, else what follows from the sign-in name.
        "eduPersonPrincipalName" => match own() {
            own if own.is_empty() => principal_name(user, scope).into_iter().collect(),
            own => own,
        },
        "eduPersonScopedAffiliation" => match own() {
            own if own.is_empty() => user
                .attribute("eduPersonAffiliation")
                .filter_map(|affiliation| scoped(affiliation.to_owned()))
                .collect(),
            own => own,
        },
        _ => own(),
    }
}

/// The sign-in name with our scope; one that looks like an address counts where it is in it.
fn principal_name<'a>(user: &'a User, scope: Option<&str>) -> Option<Cow<'a, str>> {
    let (name, scope) = (user.name.as_str(), scope?);
    if name.contains('@') {
        is_within(name, scope).then_some(Cow::Borrowed(name))
    } else {
        Some(Cow::Owned(format!("{name}@{scope}")))
    }
}

/// Whether a value is `something@scope`, with this very scope.
fn is_within(value: &str, scope: &str) -> bool {
    value
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && domain.eq_ignore_ascii_case(scope))
}

/// Whether an SP may be told the e-mail address.
pub(super) fn releases_mail(sp: &ServiceProvider, issuer: &Issuer) -> bool {
    let told = sp.told(&issuer.release, None);
    told.iter()
        .any(|one| one.attribute.value.names().any(|name| name == "mail"))
}

/// Writes the AttributeStatement; none at all if there is nothing to tell, since an empty one is
/// no SAML.
pub(super) fn write(attributes: &[Attribute<'_>], typed: bool, writer: &mut Writer<'_>) {
    if attributes.is_empty() {
        return;
    }
    writer.start(uri::SAML, "AttributeStatement");
    for Attribute { registered, values } in attributes {
        writer.start(uri::SAML, "Attribute");
        if let Some(friendly_name) = &registered.friendly_name {
            writer.attribute("FriendlyName", friendly_name);
        }
        writer.attribute("Name", &registered.name);
        writer.attribute("NameFormat", &registered.format);
        for value in values {
            writer.start(uri::SAML, "AttributeValue");
            if typed {
                writer.attribute_ns(uri::XSI, "type", "xs:string");
            }
            writer.text(value).end();
        }
        writer.end();
    }
    writer.end();
}
