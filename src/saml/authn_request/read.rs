//! Reading the parts of an AuthnRequest, each rule a function.

use std::time::Duration;

use super::{
    Asked, AskedAcs, AskedBinding, AskedNameId, AskedSubject, MAXIMUM_AGE, Receiver, RequestError,
};
use crate::directory::name::{EntityId, MessageId};
use crate::directory::service_provider::{NameIdFormat, ServiceProvider};
use crate::directory::time::UnixTime;
use crate::saml::authn_context::{AuthnContext, Comparison};
use crate::saml::binding::Binding;
use crate::saml::encryption::DecryptError;
use crate::saml::uri;
use crate::saml::xml::Element;

/// What a request is held against.
pub(super) struct Context<'a> {
    pub(super) sp: &'a ServiceProvider,
    pub(super) receiver: &'a Receiver,
    pub(super) now: UnixTime,
    pub(super) signed: bool,
    pub(super) binding: Binding,
}

/// The children of an AuthnRequest in the order of the schema (Core 3.2.1, 3.4.1).
pub(super) const CHILDREN: [(&str, &str); 8] = [
    (uri::SAML.uri, "Issuer"),
    (uri::DS.uri, "Signature"),
    (uri::SAMLP.uri, "Extensions"),
    (uri::SAML.uri, "Subject"),
    (uri::SAMLP.uri, "NameIDPolicy"),
    (uri::SAML.uri, "Conditions"),
    (uri::SAMLP.uri, "RequestedAuthnContext"),
    (uri::SAMLP.uri, "Scoping"),
];

/// Each known child at most once, in order, and nothing else: no place for a wrapped original. The
/// schema has no attributes of other namespaces here either: what another reader could take for
/// `ID` or `AssertionConsumerServiceURL` is refused.
pub(in crate::saml) fn check_children(
    root: &Element,
    allowed: &[(&str, &str)],
) -> Result<(), RequestError> {
    if !root.attributes().all(|a| a.namespace().is_empty()) {
        return Err(RequestError::Schema);
    }
    let mut next = 0;
    for child in root.children() {
        let place = allowed
            .iter()
            .position(|(namespace, local)| child.is(namespace, local));
        match place {
            Some(place) if place >= next => next = place + 1,
            _ => return Err(RequestError::Schema),
        }
    }
    if root.texts().all(|text| text.trim().is_empty()) {
        Ok(())
    } else {
        Err(RequestError::Schema)
    }
}

/// The Issuer: present, of the format entity or none (Profiles 4.1.4.1).
pub(in crate::saml) fn issuer(root: &Element) -> Result<EntityId, RequestError> {
    let issuer = root
        .child(uri::SAML.uri, "Issuer")
        .ok_or(RequestError::Issuer)?;
    if issuer
        .attribute("Format")
        .is_some_and(|format| format != uri::ENTITY)
    {
        return Err(RequestError::Issuer);
    }
    let text = issuer.text().map_err(|_| RequestError::Issuer)?;
    EntityId::parse_lenient(text).map_err(|_| RequestError::Issuer)
}

/// How the request chooses its endpoint (Core 3.4.1). What an enhanced client brings is answered at
/// an endpoint for enhanced clients, what a browser brings at one for browsers.
pub(super) fn acs(root: &Element, came_by: Binding) -> Result<AskedAcs, RequestError> {
    let location = root.attribute("AssertionConsumerServiceURL");
    let binding = root.attribute("ProtocolBinding");
    let index = root.attribute("AssertionConsumerServiceIndex");
    if index.is_some() && (location.is_some() || binding.is_some()) {
        return Err(RequestError::AcsTwice);
    }
    let is_paos = came_by == Binding::Soap;
    let binding = match (binding, is_paos) {
        (None, false) => None,
        (None | Some(uri::PAOS), true) => Some(AskedBinding::Paos),
        (Some(uri::HTTP_POST), false) => Some(AskedBinding::Post),
        (Some(uri::HTTP_ARTIFACT), false) => Some(AskedBinding::Artifact),
        (Some(_), _) => return Err(RequestError::ProtocolBinding),
    };
    if let Some(index) = index {
        let index = index.trim().parse().map_err(|_| RequestError::AcsIndex)?;
        return Ok(if is_paos {
            AskedAcs::PaosIndex(index)
        } else {
            AskedAcs::Index(index)
        });
    }
    let location = location.map(str::to_owned);
    Ok(match (binding, location) {
        (Some(binding), location) => AskedAcs::Bound(binding, location),
        (None, Some(location)) => AskedAcs::Location(location),
        (None, None) => AskedAcs::Default,
    })
}

/// Everything else, in the order in which an SP is best told what is wrong.
pub(super) fn asked(root: &Element, context: &Context<'_>) -> Result<Asked, RequestError> {
    version(root)?;
    let id = root.attribute("ID").ok_or(RequestError::Id)?;
    let id = MessageId::parse(id).map_err(|_| RequestError::Id)?;
    issue_instant(root, context.receiver.clock_skew, context.now)?;
    destination(root, context)?;
    scoping(root, context.receiver)?;
    Ok(Asked {
        id: Some(id.as_str().to_owned()),
        acs: AskedAcs::Default,
        relay_state: None,
        force_authn: boolean(root, "ForceAuthn")?.unwrap_or(false),
        is_passive: boolean(root, "IsPassive")?.unwrap_or(false),
        signed: context.signed,
        name_id: name_id_policy(root, context.sp)?,
        context: authn_context(root, context.receiver)?,
        subject: subject(root, context.receiver)?,
        attribute_service: attribute_service(root, context.sp)?,
        channel: None,
        session_key: None,
    })
}

/// The list of attributes that the request names; one that is not registered is no other one
/// (Core 3.4.1).
fn attribute_service(root: &Element, sp: &ServiceProvider) -> Result<Option<u16>, RequestError> {
    let Some(index) = root.attribute("AttributeConsumingServiceIndex") else {
        return Ok(None);
    };
    let index = index.trim().parse().ok();
    match index.filter(|index| sp.has_attribute_service(*index)) {
        Some(index) => Ok(Some(index)),
        None => Err(RequestError::AttributeConsumingService),
    }
}

/// Version 2.0 and no other (Core 4.1.3).
pub(in crate::saml) fn version(root: &Element) -> Result<(), RequestError> {
    let version = root.attribute("Version").unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, ""));
    let number = |text: &str| text.parse::<u32>().ok();
    match (number(major), number(minor)) {
        (Some(2), Some(0)) if version == "2.0" => Ok(()),
        (Some(major), Some(_)) if major >= 2 => Err(RequestError::VersionTooHigh),
        (Some(_), Some(_)) => Err(RequestError::VersionTooLow),
        _ => Err(RequestError::Schema),
    }
}

/// The window of IssueInstant (Bindings 3.4.5).
pub(in crate::saml) fn issue_instant(
    root: &Element,
    skew: Duration,
    now: UnixTime,
) -> Result<(), RequestError> {
    let text = root
        .attribute("IssueInstant")
        .ok_or(RequestError::IssueInstant)?;
    let issued = UnixTime::parse_xs_date_time(text).map_err(|_| RequestError::IssueInstant)?;
    let (first, last) = window(skew, now);
    if issued > last {
        return Err(RequestError::Future);
    }
    if issued < first {
        return Err(RequestError::Stale);
    }
    Ok(())
}

/// The first and the last IssueInstant that is taken now.
pub(in crate::saml) fn window(skew: Duration, now: UnixTime) -> (UnixTime, UnixTime) {
    (now.minus(MAXIMUM_AGE + skew), now.plus(skew))
}

/// Destination is ours, and is there where a browser brings a signed request (Bindings 3.4.5.2,
/// 3.5.5.2). An SP that speaks to an enhanced client does not know which of us it will choose.
fn destination(root: &Element, context: &Context<'_>) -> Result<(), RequestError> {
    let by_browser = context.binding != Binding::Soap;
    let ours = if by_browser {
        &context.receiver.sso_location
    } else {
        &context.receiver.ecp_location
    };
    match root.attribute("Destination") {
        Some(destination) if destination == ours => Ok(()),
        Some(_) => Err(RequestError::Destination),
        None if context.signed && by_browser => Err(RequestError::NoDestination),
        None => Ok(()),
    }
}

/// An IDPList has to name us; everything else in Scoping is for proxies (Core 3.4.1.2).
fn scoping(root: &Element, receiver: &Receiver) -> Result<(), RequestError> {
    let list = root
        .child(uri::SAMLP.uri, "Scoping")
        .and_then(|scoping| scoping.child(uri::SAMLP.uri, "IDPList"));
    let names_us = |list: &Element| {
        list.children_named(uri::SAMLP.uri, "IDPEntry")
            .any(|entry| entry.attribute("ProviderID") == Some(receiver.entity_id.as_str()))
    };
    if list.is_none_or(names_us) {
        Ok(())
    } else {
        Err(RequestError::Scoping)
    }
}

/// An xs:boolean: `true`, `false`, `1` or `0`.
fn boolean(element: &Element, attribute: &str) -> Result<Option<bool>, RequestError> {
    match element.attribute(attribute).map(str::trim) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(RequestError::Boolean),
    }
}

/// The NameIDPolicy, with a format of ours or none (Core 3.4.1.1).
fn name_id_policy(root: &Element, sp: &ServiceProvider) -> Result<AskedNameId, RequestError> {
    let Some(policy) = root.child(uri::SAMLP.uri, "NameIDPolicy") else {
        return Ok(AskedNameId {
            format: None,
            create_forbidden: false,
            sp_name_qualifier: false,
            encrypted: false,
        });
    };
    let asked = policy.attribute("Format");
    let format = match asked {
        None | Some(uri::ENCRYPTED) => None,
        Some(uri) => match NameIdFormat::from_uri(uri) {
            Some(NameIdFormat::Unspecified) => None,
            Some(format) => Some(format.uri().to_owned()),
            None => return Err(RequestError::NameIdPolicy),
        },
    };
    let qualifier = policy.attribute("SPNameQualifier");
    if qualifier.is_some_and(|qualifier| qualifier != sp.entity_id.as_str()) {
        return Err(RequestError::NameIdPolicy);
    }
    Ok(AskedNameId {
        format,
        create_forbidden: boolean(policy, "AllowCreate")? == Some(false),
        sp_name_qualifier: qualifier.is_some(),
        encrypted: asked == Some(uri::ENCRYPTED),
    })
}

/// The context to assert (Core 3.3.2.2.1). Declarations, beside classes or instead of them, are not
/// offered.
fn authn_context(root: &Element, receiver: &Receiver) -> Result<AuthnContext, RequestError> {
    let Some(requested) = root.child(uri::SAMLP.uri, "RequestedAuthnContext") else {
        return Ok(receiver.context);
    };
    let comparison = match requested.attribute("Comparison") {
        None => Comparison::Exact,
        Some(word) => Comparison::parse(word).ok_or(RequestError::AuthnContext)?,
    };
    let classes: Vec<&str> = requested
        .children_named(uri::SAML.uri, "AuthnContextClassRef")
        .filter_map(|class| class.text().ok())
        .map(str::trim)
        .collect();
    if requested.children().count() != classes.len() {
        return Err(RequestError::AuthnContext);
    }
    AuthnContext::fitting(receiver.context, comparison, &classes, &receiver.contexts)
        .ok_or(RequestError::AuthnContext)
}

/// The Subject, a NameID or EncryptedID without confirmation (Profiles 4.1.4.1).
fn subject(root: &Element, receiver: &Receiver) -> Result<Option<AskedSubject>, RequestError> {
    let Some(subject) = root.child(uri::SAML.uri, "Subject") else {
        return Ok(None);
    };
    let mut children = subject.children();
    let (Some(identifier), None) = (children.next(), children.next()) else {
        return Err(RequestError::Subject);
    };
    if !identifier.is(uri::SAML.uri, "EncryptedID") {
        return asked_subject(identifier).map(Some);
    }
    let opened = receiver.decryption.decrypt(identifier)?;
    // What is inside is told as little about as why it could not be opened.
    let inside = asked_subject(opened.root());
    inside.map(Some).map_err(|_| DecryptError.into())
}

fn asked_subject(name_id: &Element) -> Result<AskedSubject, RequestError> {
    if !name_id.is(uri::SAML.uri, "NameID") {
        return Err(RequestError::Subject);
    }
    let value = name_id.text().map_err(|_| RequestError::Subject)?;
    let unspecified = NameIdFormat::Unspecified.uri();
    Ok(AskedSubject {
        value: value.to_owned(),
        format: name_id
            .attribute("Format")
            .unwrap_or(unspecified)
            .to_owned(),
        name_qualifier: name_id.attribute("NameQualifier").map(str::to_owned),
        sp_name_qualifier: name_id.attribute("SPNameQualifier").map(str::to_owned),
    })
}
