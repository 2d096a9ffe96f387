//! The rules of an AuthnRequest, one row each (Core 3.4.1, Profiles 4.1.4.1).

mod wishes;

use std::time::Duration;

use super::*;
use crate::directory::name::{RoleName, SpId, SpName};
use crate::directory::release::Requested;
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::{AcsBinding, AcsEndpoints, NameIdFormat, Policy};
use crate::directory::slo_endpoint::SloEndpoints;
use crate::saml::status::Status;

const NOW: UnixTime = UnixTime::from_millis(1_800_000_000_000);
const SP: &str = "https://sp.example/metadata";
const ACS: &str = "https://sp.example/acs";
const SSO: &str = "https://idp.example/saml/sso";

fn sp() -> ServiceProvider {
    let endpoint = |index, location: &str, binding| AcsEndpoint {
        binding,
        location: location.to_owned(),
        index,
        is_default: None,
    };
    let acs = vec![
        endpoint(0, "https://sp.example/redirect", AcsBinding::Other),
        endpoint(1, ACS, AcsBinding::HttpPost),
        endpoint(2, "https://sp.example/acs2", AcsBinding::HttpPost),
    ];
    ServiceProvider {
        id: SpId::from_stored("sp"),
        version: 1,
        name: SpName::parse("sp").unwrap(),
        entity_id: EntityId::parse(SP).unwrap(),
        enabled: true,
        rule: Rule::new(Quantifier::AnyOf, [RoleName::everyone()]).unwrap(),
        acs: AcsEndpoints::new(acs, false).unwrap(),
        slo: SloEndpoints::default(),
        certificates: vec![],
        bare_keys: vec![],
        name_id_formats: vec![],
        requested: Requested::default(),
        declared: crate::directory::protection::Declared::default(),
        metadata: None,
        policy: Policy::default(),
    }
}

fn receiver() -> Receiver {
    Receiver {
        decryption: crate::saml::encryption::DecryptionKeys::default(),
        entity_id: "https://idp.example/saml/metadata".to_owned(),
        sso_location: SSO.to_owned(),
        ecp_location: "https://login.example/saml/ecp".to_owned(),
        context: AuthnContext::PasswordProtectedTransport,
        contexts: ContextOrder::new([AuthnContext::Password.uri().to_owned()]),
        clock_skew: Duration::from_mins(3),
    }
}

/// A request with these attributes after the mandatory ones, and these children after the Issuer.
fn request(attributes: &str, children: &str) -> String {
    let now = NOW.to_string();
    wrapped(
        &format!("ID=\"_1\" Version=\"2.0\" IssueInstant=\"{now}\" {attributes}"),
        children,
    )
}

fn wrapped(attributes: &str, children: &str) -> String {
    format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{}\" xmlns:saml=\"{}\" {attributes}>\
         <saml:Issuer>{SP}</saml:Issuer>{children}</samlp:AuthnRequest>",
        uri::SAMLP.uri,
        uri::SAML.uri
    )
}

fn parse(xml: &str) -> Result<UnverifiedAuthnRequest, RequestError> {
    UnverifiedAuthnRequest::parse(Inbound {
        binding: Binding::Post,
        xml: xml.as_bytes().to_vec(),
        relay_state: Some("state".to_owned()),
        detached: None,
    })
}

/// What was asked, or why not and whether the SP is told.
fn outcome(xml: &str) -> Result<Asked, (RequestError, bool)> {
    let sp = sp();
    let unverified = parse(xml).map_err(|error| (error, false))?;
    unverified
        .verify(&sp, &[], &receiver(), NOW)
        .map(|request| request.asked().clone())
        .map_err(|refused| (refused.error, refused.reply.is_some()))
}

fn asked(attributes: &str, children: &str) -> Result<Asked, (RequestError, bool)> {
    outcome(&request(attributes, children))
}

fn policy(attributes: &str) -> String {
    format!("<samlp:NameIDPolicy {attributes}/>")
}

#[test]
fn a_plain_request_asks_for_the_defaults() {
    let asked = asked("", "").unwrap();
    assert_eq!(asked.id.as_deref(), Some("_1"));
    assert_eq!(asked.acs, AskedAcs::Default);
    assert_eq!(asked.relay_state.as_deref(), Some("state"));
    assert!(!asked.force_authn && !asked.is_passive && !asked.signed);
}

#[test]
fn c_r1_the_issuer_is_an_entity_and_stands_in_its_namespace() {
    let now = NOW.to_string();
    let with = |issuer: &str| {
        format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{}\" xmlns:saml=\"{}\" ID=\"_1\" Version=\"2.0\" \
             IssueInstant=\"{now}\">{issuer}</samlp:AuthnRequest>",
            uri::SAMLP.uri,
            uri::SAML.uri
        )
    };
    for issuer in [
        "",
        "<saml:Issuer/>",
        "<saml:Issuer> </saml:Issuer>",
        "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">https://sp.example/metadata</saml:Issuer>",
    ] {
        assert_eq!(
            parse(&with(issuer)).err(),
            Some(RequestError::Issuer),
            "{issuer}"
        );
    }
    let foreign = "<e:Issuer xmlns:e=\"urn:e\">https://sp.example/metadata</e:Issuer>";
    assert_eq!(
        parse(&with(foreign)).err(),
        Some(RequestError::Schema),
        "an Issuer of another namespace is none"
    );
    let upper = "<saml:Issuer>https://SP.example/metadata</saml:Issuer>";
    assert_eq!(
        outcome(&with(upper)).err(),
        Some((RequestError::IssuerMismatch, false)),
        "entityIDs compare byte for byte (Core 1.3.1)"
    );
}

#[test]
fn t_type_and_t_ns_1_only_an_authn_request_of_the_protocol_is_one() {
    for root in ["LogoutRequest", "Response", "authnRequest"] {
        let xml = request("", "").replace("AuthnRequest", root);
        assert_eq!(
            parse(&xml).err(),
            Some(RequestError::NotAnAuthnRequest),
            "{root}"
        );
    }
    let evil = request("", "").replace(uri::SAMLP.uri, "urn:evil");
    assert_eq!(parse(&evil).err(), Some(RequestError::NotAnAuthnRequest));
}

#[test]
fn c_r2_only_registered_endpoints_of_the_post_binding_are_answered_to() {
    let at = |url: &str| asked(&format!("AssertionConsumerServiceURL=\"{url}\""), "");
    assert!(at(ACS).is_ok());
    assert!(at("https://sp.example/acs2").is_ok());
    for url in [
        "https://sp.example/acs/",
        "https://sp.example/acs?x=1",
        "https://sp.example/acs#f",
        "https://sp.example:443/acs",
        "HTTPS://SP.EXAMPLE/acs",
        "https://sp.example/acs%2e",
        "https://sp.example/./acs",
        "https://sp.example/x/../acs",
        "https://sp.example.evil/acs",
        "https://sp.example@evil/acs",
        "https://evil\\@sp.example/acs",
        "https://sp.example/acs ",
        "http://sp.example/acs",
        "//sp.example/acs",
        "javascript:alert(1)//https://sp.example/acs",
        "data:text/html,x",
        "https://sp.example/redirect",
        "",
    ] {
        assert_eq!(
            at(url).err(),
            Some((RequestError::UnregisteredAcs, false)),
            "{url:?}"
        );
    }
    let foreign = "e:AssertionConsumerServiceURL=\"https://evil.example/\" xmlns:e=\"urn:e\"";
    assert_eq!(
        asked(foreign, "").err(),
        Some((RequestError::Schema, false)),
        "an attribute of another namespace"
    );
}

#[test]
fn c_r3_and_c_r4_an_index_chooses_alone() {
    let index = |text: &str| asked(&format!("AssertionConsumerServiceIndex=\"{text}\""), "");
    assert_eq!(index("2").unwrap().acs, AskedAcs::Index(2));
    for text in ["0", "99", "65535"] {
        assert_eq!(
            index(text).err(),
            Some((RequestError::UnregisteredAcs, false)),
            "{text}"
        );
    }
    for text in ["-1", "4294967296", "", "x"] {
        assert_eq!(
            index(text).err(),
            Some((RequestError::AcsIndex, false)),
            "{text}"
        );
    }
    let both = format!("AssertionConsumerServiceIndex=\"1\" AssertionConsumerServiceURL=\"{ACS}\"");
    assert_eq!(
        asked(&both, "").err(),
        Some((RequestError::AcsTwice, false))
    );
    let binding = format!(
        "AssertionConsumerServiceIndex=\"1\" ProtocolBinding=\"{}\"",
        uri::HTTP_POST
    );
    assert_eq!(
        asked(&binding, "").err(),
        Some((RequestError::AcsTwice, false))
    );
    let redirect = format!("ProtocolBinding=\"{}\"", uri::HTTP_REDIRECT);
    assert_eq!(
        asked(&redirect, "").err(),
        Some((RequestError::ProtocolBinding, false))
    );
}

#[test]
fn c_g7_another_version_is_told_which_way_it_is_wrong() {
    for (version, error) in [
        ("1.1", RequestError::VersionTooLow),
        ("3.0", RequestError::VersionTooHigh),
        ("2.1", RequestError::VersionTooHigh),
    ] {
        let xml = request("", "").replace("Version=\"2.0\"", &format!("Version=\"{version}\""));
        assert_eq!(
            outcome(&xml).err(),
            Some((error.clone(), true)),
            "{version}"
        );
        assert_eq!(
            error.status().top_level(),
            Status::RequestVersionTooLow.top_level()
        );
    }
}

#[test]
fn c_r5_the_destination_is_ours_or_absent() {
    assert!(asked(&format!("Destination=\"{SSO}\""), "").is_ok());
    for wrong in [
        "https://idp.example/saml/sso/",
        "https://other.example/saml/sso",
        "",
    ] {
        let attribute = format!("Destination=\"{wrong}\"");
        assert_eq!(
            asked(&attribute, "").err(),
            Some((RequestError::Destination, true)),
            "{wrong}"
        );
    }
}

#[test]
fn c_r14_requests_from_the_past_and_the_future_are_refused() {
    let issued = |offset: i64| {
        let instant = UnixTime::from_millis(NOW.millis() + offset);
        let id = format!("ID=\"_1\" Version=\"2.0\" IssueInstant=\"{instant}\"");
        outcome(&wrapped(&id, ""))
            .map(|_| ())
            .map_err(|(error, _)| error)
    };
    assert_eq!(issued(-8 * 60_000), Ok(()));
    assert_eq!(issued(-8 * 60_000 - 1), Err(RequestError::Stale));
    assert_eq!(issued(3 * 60_000), Ok(()));
    assert_eq!(issued(3 * 60_000 + 1), Err(RequestError::Future));
    for text in [
        "",
        "yesterday",
        "2027-01-15T08:00:00",
        "2027-01-15T08:00:00+01:00",
    ] {
        let id = format!("ID=\"_1\" Version=\"2.0\" IssueInstant=\"{text}\"");
        assert_eq!(
            outcome(&wrapped(&id, "")).err(),
            Some((RequestError::IssueInstant, true))
        );
    }
}

#[test]
fn c_g11_extensions_conditions_and_consent_are_passed_over() {
    let children = "<samlp:Extensions><x:y xmlns:x=\"urn:x\">z</x:y></samlp:Extensions>\
                    <saml:Conditions/>";
    assert!(asked("ProviderName=\"Shop\" Consent=\"urn:x\"", children).is_ok());
}

#[test]
fn unknown_repeated_and_misplaced_children_are_refused() {
    let twice = policy("") + &policy("");
    let order = format!("{}<samlp:Extensions/>", policy(""));
    for children in [
        "<samlp:Other/>",
        "<saml:NameID>x</saml:NameID>",
        "text",
        &twice,
        &order,
    ] {
        assert_eq!(
            parse(&request("", children)).err(),
            Some(RequestError::Schema),
            "{children}"
        );
    }
}

#[test]
fn c_r18_an_unreadable_id_is_answered_without_in_response_to() {
    let sp = sp();
    let now = NOW.to_string();
    for id in ["", "a b", "xpointer(/)", &"a".repeat(10_000)] {
        let xml = wrapped(
            &format!("ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\""),
            "",
        );
        let refused = parse(&xml)
            .unwrap()
            .verify(&sp, &[], &receiver(), NOW)
            .unwrap_err();
        assert_eq!(refused.error, RequestError::Id);
        assert!(refused.reply.unwrap().id.is_none());
    }
}

#[test]
fn c_r6_an_unsigned_request_of_an_sp_that_signs_is_refused_without_an_answer() {
    let mut sp = sp();
    sp.policy.require_signed_requests = true;
    let refused = parse(&request("", ""))
        .unwrap()
        .verify(&sp, &[], &receiver(), NOW)
        .unwrap_err();
    assert_eq!(refused.error, RequestError::Unsigned);
    assert!(refused.reply.is_none());
}

#[test]
fn a_resumed_request_is_held_against_the_registration_of_now() {
    let mut sp = sp();
    let location = AskedAcs::Location(ACS.to_owned());
    let asked = Asked {
        acs: location,
        ..asked("", "").unwrap()
    };
    assert!(AuthnRequest::resumed(&sp, asked.clone()).is_ok());
    sp.policy.require_signed_requests = true;
    let error = AuthnRequest::resumed(&sp, asked.clone()).err();
    assert_eq!(error, Some(RequestError::Unsigned));
    sp.policy.require_signed_requests = false;
    let moved = AcsEndpoint {
        binding: AcsBinding::HttpPost,
        location: "https://sp.example/moved".to_owned(),
        index: 1,
        is_default: None,
    };
    sp.acs = AcsEndpoints::new(vec![moved], false).unwrap();
    assert_eq!(
        AuthnRequest::resumed(&sp, asked).err(),
        Some(RequestError::UnregisteredAcs)
    );
}
