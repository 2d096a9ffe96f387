//! What a registration says about attributes and lifetimes, as the command line shows it.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::context::names;
use super::super::output::yes_or_no;
use super::document::or;
use super::release::in_words;
use crate::directory::release::{Amount, Lifetimes, SubjectIdRequirement};
use crate::directory::service_provider::ServiceProvider;

/// How much is released, and what the metadata asks for.
pub(super) fn release(sp: &ServiceProvider) -> Value {
    let (policy, asks) = (&sp.policy.release, &sp.requested);
    let services = asks.services.iter().map(|service| {
        let attributes = service.attributes.iter().map(|one| {
            json!({"name": one.name, "format": one.format, "required": one.required,
                "values": one.values})
        });
        json!({"index": service.index, "default": service.is_default,
            "attributes": attributes.collect::<Vec<_>>()})
    });
    json!({"amount": policy.amount.word(), "types": policy.typed,
        "consent": policy.consent,
        "attribute_index": policy.attribute_index, "requested": services.collect::<Vec<_>>(),
        "entity_categories": asks.categories,
        "subject_id_req": asks.subject_id.map(SubjectIdRequirement::word)})
}

/// In milliseconds; null is the default.
pub(super) fn lifetimes(sp: &ServiceProvider) -> Value {
    let Lifetimes {
        assertion,
        not_before_margin,
        session,
    } = sp.policy.lifetimes;
    let millis = |time: Option<Duration>| time.map(|time| time.as_millis());
    json!({"assertion_ms": millis(assertion), "not_before_margin_ms": millis(not_before_margin),
        "session_ms": millis(session)})
}

/// How much of the attributes is told; nothing, where that is all.
fn amount(sp: &ServiceProvider) -> String {
    let policy = &sp.policy.release;
    let mut words = match policy.amount {
        Amount::All => vec![],
        Amount::Requested => vec!["those that its metadata requests".to_owned()],
        Amount::Required => vec!["those that its metadata requires".to_owned()],
    };
    if policy.typed {
        words.push("each value with xsi:type".to_owned());
    }
    words.join("; ")
}

/// What its metadata says about attributes.
fn asks(sp: &ServiceProvider) -> String {
    let mut words = Vec::new();
    for service in &sp.requested.services {
        let count = service.attributes.len();
        let required = service.attributes.iter().filter(|one| one.required).count();
        let index = service.index;
        words.push(format!(
            "{count} attributes, {required} required (service {index})"
        ));
    }
    if let Some(index) = sp.policy.release.attribute_index {
        words.push(format!("everything (service {index}, by hand)"));
    }
    if let Some(id) = sp.requested.subject_id {
        words.push(format!("subject-id:req {}", id.word()));
    }
    let categories = sp.requested.categories.iter();
    words.extend(categories.map(|uri| format!("category {uri}")));
    words.join("; ")
}

/// The lines of `sp show`.
pub(super) fn fields(sp: &ServiceProvider) -> Vec<(&'static str, String)> {
    let policy = &sp.policy;
    let list = |names: Vec<String>| {
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    };
    let labels = policy.release.attributes.as_ref().map(|attributes| {
        let labels = attributes.iter().map(|one| one.label().to_owned());
        labels.collect()
    });
    let attributes = or(labels, list, "mail, displayName, role");
    let roles = policy.release_roles.as_ref().map(names);
    let session = policy.lifetimes.session;
    vec![
        ("attributes", attributes),
        ("of these", amount(sp)),
        ("asks for", asks(sp)),
        ("roles released", or(roles, list, "those of the rule")),
        ("asks the person", yes_or_no(policy.release.consent)),
        ("assertion lifetime", in_words(policy.lifetimes.assertion())),
        (
            "not-before margin",
            in_words(policy.lifetimes.not_before_margin()),
        ),
        (
            "session lifetime",
            or(session, in_words, "as long as the one here"),
        ),
    ]
}
