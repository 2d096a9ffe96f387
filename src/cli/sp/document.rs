//! A registration as the command line shows it.

use serde_json::{Value, json};

use super::super::certificate::fingerprint;
use super::super::context::names;
use super::super::output::{Style, record, yes_or_no};
use super::{attributes, told};
use crate::directory::algorithms::{DataEncryption, SignatureAlgorithm};
use crate::directory::name::KeyId;
use crate::directory::protection::Encrypt;
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::{
    AcsBinding, AcsEndpoint, Denied, Policy, ServiceProvider, Sign, UsualNameId,
};
use crate::directory::slo_endpoint::SloEndpoint;
use crate::storage::changes_of;

pub(super) fn document(sp: &ServiceProvider) -> Value {
    let endpoints: Vec<_> = sp
        .acs
        .iter()
        .map(|endpoint| {
            json!({"url": endpoint.location, "index": endpoint.index,
                "binding": acs_binding(endpoint.binding), "usable": endpoint.binding.is_used(),
                "default": endpoint == sp.acs.default_endpoint()})
        })
        .collect();
    let slo: Vec<_> = sp.slo.iter().map(slo_document).collect();
    let policy = &sp.policy;
    json!({"id": sp.id.as_str(), "version": changes_of(sp.version), "name": sp.name.as_str(),
        "entity_id": sp.entity_id.as_str(), "enabled": sp.enabled, "rule": rule(&sp.rule),
        "acs": endpoints, "slo": slo, "certificates_sha256": fingerprints(sp),
        "bare_keys": sp.bare_keys.len(), "nameid_formats": sp.name_id_formats,
        "from_metadata": sp.metadata.is_some(), "display_name": policy.display_name,
        "home_url": policy.home_url, "contact": policy.contact, "sign": sign(policy.sign),
        "require_signed_requests": policy.require_signed_requests,
        "denied": denied(policy.denied), "nameid": policy.name_id.map(UsualNameId::word),
        "attributes": policy.release.attributes.as_ref().map(|list| {
            list.iter().map(attributes::document).collect::<Vec<_>>()
        }),
        "release": told::release(sp), "lifetimes": told::lifetimes(sp),
        "release_roles": policy.release_roles.as_ref().map(names),
        "allow_idp_initiated": policy.allow_idp_initiated, "allow_http": policy.allow_http,
        "encryption_keys": sp.declared.encryption_keys.len(),
        "encrypt": policy.protection.encrypt.word(),
        "encryption_algorithm": policy.protection.data_encryption.map(DataEncryption::word),
        "signature_algorithm": policy.protection.signature.map(SignatureAlgorithm::word),
        "plain_logout": policy.protection.plain_logout,
        "signing_key": policy.signing_key.as_ref().map(KeyId::as_str)})
}

fn slo_document(endpoint: &SloEndpoint) -> Value {
    json!({"binding": endpoint.binding.word(), "url": endpoint.location,
        "response_url": endpoint.response_location})
}

/// A rule in a document: `{"any_of": […]}` or `{"all_of": […]}`.
pub(in super::super) fn rule(rule: &Rule) -> Value {
    let roles = names(rule.roles());
    match rule.quantifier() {
        Quantifier::AnyOf => json!({ "any_of": roles }),
        Quantifier::AllOf => json!({ "all_of": roles }),
    }
}

fn fingerprints(sp: &ServiceProvider) -> Vec<String> {
    sp.certificates.iter().map(|der| fingerprint(der)).collect()
}

fn acs_binding(binding: AcsBinding) -> &'static str {
    match binding {
        AcsBinding::HttpPost => "post",
        AcsBinding::HttpArtifact => "artifact",
        AcsBinding::Paos => "paos",
        AcsBinding::Other => "other",
    }
}

fn sign(sign: Sign) -> &'static str {
    match sign {
        Sign::Both => "both",
        Sign::Assertion => "assertion",
        Sign::Response => "response",
    }
}

fn signs(policy: &Policy) -> String {
    let what = sign(policy.sign);
    policy.protection.signature.map_or_else(
        || what.to_owned(),
        |algorithm| format!("{what}, {}", algorithm.word()),
    )
}

fn encrypts(sp: &ServiceProvider) -> String {
    let protection = sp.policy.protection;
    let keys = sp.declared.encryption_keys.iter();
    let named = keys.filter(|key| key.is_for_encryption).count();
    let when = match (protection.encrypt, named) {
        (Encrypt::Auto, 0) => "auto (no key is named for it)",
        (when, _) => when.word(),
    };
    protection.data_encryption.map_or_else(
        || when.to_owned(),
        |algorithm| format!("{when}, {}", algorithm.word()),
    )
}

fn denied(denied: Denied) -> &'static str {
    match denied {
        Denied::Page => "page",
        Denied::Status => "status",
    }
}

/// A value in words, or what holds without one.
pub(super) fn or<T>(value: Option<T>, text: impl Fn(T) -> String, default: &str) -> String {
    value.map_or_else(|| default.to_owned(), text)
}

/// An endpoint with what is to be known about it.
fn endpoint(sp: &ServiceProvider, endpoint: &AcsEndpoint) -> String {
    let mark = match endpoint.binding {
        AcsBinding::HttpPost => "",
        AcsBinding::HttpArtifact => " (by artifact)",
        AcsBinding::Paos => " (by an enhanced client)",
        AcsBinding::Other => " (another binding, never used)",
    };
    let default = if endpoint == sp.acs.default_endpoint() {
        " (default)"
    } else {
        ""
    };
    format!("{}{mark}{default}", endpoint.location)
}

pub(super) fn print(style: Style, sp: &ServiceProvider) -> String {
    let policy = &sp.policy;
    let state = if sp.enabled { "enabled" } else { "disabled" };
    let mut fields = vec![
        ("name", sp.name.as_str().to_owned()),
        ("entity ID", sp.entity_id.as_str().to_owned()),
        ("state", state.to_owned()),
        ("may enter", sp.rule.to_string()),
        ("display name", sp.title().to_owned()),
    ];
    let endpoints = sp
        .acs
        .iter()
        .map(|acs| ("answers go to", endpoint(sp, acs)));
    fields.extend(endpoints);
    fields.extend(sp.slo.iter().map(|endpoint| {
        let binding = endpoint.binding.word();
        ("logs out at", format!("{} ({binding})", endpoint.location))
    }));
    fields.extend(
        fingerprints(sp)
            .into_iter()
            .map(|print| ("certificate", print)),
    );
    let name_id = or(
        policy.name_id,
        |format| format.word().to_owned(),
        "as its metadata says",
    );
    let with_key = or(
        policy.signing_key.as_ref(),
        |id| id.as_str().to_owned(),
        "the active one",
    );
    fields.extend([
        ("signs", signs(policy)),
        ("encrypts", encrypts(sp)),
        ("with key", with_key),
        ("signed requests", yes_or_no(policy.require_signed_requests)),
        ("when refused", denied(policy.denied).to_owned()),
        ("NameID", name_id),
    ]);
    fields.extend(told::fields(sp));
    fields.extend([
        ("starts here", yes_or_no(policy.allow_idp_initiated)),
        ("plain http", yes_or_no(policy.allow_http)),
        ("home", policy.home_url.clone().unwrap_or_default()),
        ("contact", policy.contact.clone().unwrap_or_default()),
    ]);
    record(style, &fields)
}
