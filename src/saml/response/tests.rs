//! What an assertion says, held against Core 2 and Profiles 4.1.4.2, and against values that
//! try to say more.

mod subject;

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::access::{AcsChoice, Freshness, SignOn, authorize};
use crate::directory::attribute::ReleasedAttribute;
use crate::directory::facts::{DoorFacts, Facts, FactsParts, PersonFacts, Presence};
use crate::directory::name::{EntityId, RoleName, SessionId, SpId, SpName, UserId, UserName};
use crate::directory::release::{ReleasePolicy, Requested};
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::{
    AcsBinding, AcsEndpoint, AcsEndpoints, NameIdFormat, Policy, ServiceProvider, UsualNameId,
};
use crate::directory::session::Session;
use crate::directory::slo_endpoint::SloEndpoints;
use crate::directory::user::User;
use crate::saml::authn_context::AuthnContext;
use crate::saml::authn_request::AskedSubject;
use crate::saml::signature::{KeyKind, Place, VerifyingKey, generate, verify_enveloped};
use crate::saml::xml::{self, Document, Element, Limits};

const NOW: UnixTime = UnixTime::from_millis(1_800_000_000_000);
const SIGNED_IN: UnixTime = UnixTime::from_millis(1_799_999_000_000);
const LIMITS: SessionLimits = SessionLimits {
    idle: Duration::from_hours(2),
    absolute: Duration::from_hours(12),
};

fn sp(policy: Policy) -> ServiceProvider {
    let location = "https://sp.example/acs?a=1&b=2".to_owned();
    let acs = AcsEndpoint {
        binding: AcsBinding::HttpPost,
        location,
        index: 0,
        is_default: None,
    };
    let roles = ["store", "shop"].map(|role| RoleName::parse(role).unwrap());
    ServiceProvider {
        id: SpId::from_stored("sp"),
        version: 1,
        name: SpName::parse("store").unwrap(),
        entity_id: EntityId::parse("https://sp.example/metadata?x=1&y=2").unwrap(),
        enabled: true,
        rule: Rule::new(Quantifier::AnyOf, roles).unwrap(),
        acs: AcsEndpoints::new(vec![acs], false).unwrap(),
        slo: SloEndpoints::default(),
        certificates: vec![],
        bare_keys: vec![],
        name_id_formats: vec![],
        requested: Requested::default(),
        declared: crate::directory::protection::Declared::default(),
        metadata: None,
        policy,
    }
}

/// Attributes as the command line lists them.
fn listed(attributes: &[&str]) -> ReleasePolicy {
    let attributes = attributes
        .iter()
        .map(|text| ReleasedAttribute::parse(text).unwrap());
    ReleasePolicy {
        attributes: Some(attributes.collect()),
        ..ReleasePolicy::default()
    }
}

fn ada() -> User {
    let roles = ["store", "shop", "publisher"].map(|role| RoleName::parse(role).unwrap());
    User {
        id: UserId::from_stored("u1"),
        name: UserName::parse("ada").unwrap(),
        display_name: "Ada".to_owned(),
        email: Some("ada@example.org".to_owned()),
        disabled: false,
        must_change_password: false,
        roles: BTreeSet::from(roles),
        attributes: vec![],
        created_at: SIGNED_IN,
    }
}

fn session() -> Session {
    Session {
        id: SessionId::from_stored("s"),
        user: UserId::from_stored("u1"),
        signed_in_at: SIGNED_IN,
        started_at: SIGNED_IN,
        last_seen_at: SIGNED_IN,
        source: None,
        user_agent: None,
    }
}

fn grant(sp: &ServiceProvider, user: User, known_to_sp: bool) -> Grant<'_> {
    let rule = Some(sp.rule.clone());
    let door = DoorFacts {
        sp: sp.id.clone(),
        version: 1,
        enabled: true,
        rule,
        key_version: 1,
        backing: None,
    };
    let presence = Presence::SignedIn {
        session: Box::new(session()),
        fresh_for: None,
        participant: None,
        known_to_sp,
    };
    let person = Some(PersonFacts { user, presence });
    let facts = Facts::as_read(FactsParts {
        read_at: NOW,
        door,
        person,
    });
    let id = Some(MessageId::parse("_request").unwrap());
    let sign_on = SignOn::requested(sp, AcsChoice::Default, id, Freshness::AnySession).unwrap();
    authorize(sign_on, facts, LIMITS, NOW).unwrap()
}

fn issuer() -> Issuer {
    Issuer {
        denied: DeniedAlgorithms::default(),
        entity_id: "https://idp.example/saml/metadata".to_owned(),
        pairwise_secret: PairwiseSecret::new([1; 32]),
        limits: LIMITS,
        release: SiteRelease::default(),
    }
}

fn stamp() -> Stamp {
    let id = |text| MessageId::parse(text).unwrap();
    Stamp {
        now: NOW,
        response_id: id("_response"),
        assertion_id: id("_assertion"),
    }
}

fn asked() -> Asked {
    Asked::unsolicited(
        Some("relay".to_owned()),
        AuthnContext::PasswordProtectedTransport,
    )
}

fn key() -> (SigningKey, VerifyingKey) {
    let made = generate(KeyKind::P256, "idp.example", 0, 4_000_000_000, [1; 20]).unwrap();
    let key = SigningKey::from_der(&made.pkcs8, &made.certificate).unwrap();
    (
        key,
        VerifyingKey::from_certificate_der(&made.certificate).unwrap(),
    )
}

fn success(sp: &ServiceProvider, user: User, asked: &Asked) -> Result<Response, ResponseError> {
    let grant = grant(sp, user, false);
    let release = grant.release(|| "_index".to_owned()).unwrap();
    Response::success(grant, asked, &release, &issuer(), &stamp())
}

fn sent(sp: &ServiceProvider, user: User, asked: &Asked) -> Document {
    let signed = success(sp, user, asked).unwrap().sign(&key().0).unwrap();
    let document = xml::read(signed.xml().as_bytes(), &Limits::MESSAGE).unwrap();
    let canonical = xml::canonicalize(document.root(), &[], None);
    assert_eq!(
        String::from_utf8(canonical).unwrap(),
        signed.xml(),
        "decision 7"
    );
    document
}

fn find<'e>(element: &'e Element, path: &[&str]) -> &'e Element {
    path.iter().fold(element, |element, local| {
        element
            .children()
            .find(|child| child.local_name() == *local)
            .expect(local)
    })
}

#[test]
fn c_a1_to_c_a9_the_assertion_is_for_this_sp_this_request_and_this_session() {
    let document = sent(&sp(Policy::default()), ada(), &asked());
    let response = document.root();
    assert_eq!(response.attribute("InResponseTo"), Some("_request"));
    assert_eq!(
        response.attribute("Destination"),
        Some("https://sp.example/acs?a=1&b=2")
    );
    let assertion = find(response, &["Assertion"]);
    let data = find(
        assertion,
        &["Subject", "SubjectConfirmation", "SubjectConfirmationData"],
    );
    assert_eq!(
        data.attribute("Recipient"),
        Some("https://sp.example/acs?a=1&b=2")
    );
    assert_eq!(data.attribute("InResponseTo"), Some("_request"));
    assert_eq!(data.attribute("NotBefore"), None);
    let at = |offset: i64| UnixTime::from_millis(NOW.millis() + offset).to_string();
    assert_eq!(data.attribute("NotOnOrAfter"), Some(at(300_000).as_str()));
    let conditions = find(assertion, &["Conditions"]);
    assert_eq!(
        conditions.attribute("NotBefore"),
        Some(at(-60_000).as_str())
    );
    let audience = find(conditions, &["AudienceRestriction", "Audience"]);
    assert_eq!(
        audience.text().unwrap(),
        "https://sp.example/metadata?x=1&y=2"
    );
    let statement = find(assertion, &["AuthnStatement"]);
    assert_eq!(
        statement.attribute("AuthnInstant"),
        Some(SIGNED_IN.to_string().as_str())
    );
    assert_eq!(statement.attribute("SessionIndex"), Some("_index"));
    let end = SIGNED_IN.plus(LIMITS.absolute).to_string();
    assert_eq!(
        statement.attribute("SessionNotOnOrAfter"),
        Some(end.as_str())
    );
}

#[test]
fn c_s1_what_is_registered_to_be_signed_is_signed() {
    let (key, verifying) = key();
    for (sign, response_signed, assertion_signed) in [
        (Sign::Both, true, true),
        (Sign::Response, true, false),
        (Sign::Assertion, false, true),
    ] {
        let sp = sp(Policy {
            sign,
            ..Policy::default()
        });
        let signed = success(&sp, ada(), &asked()).unwrap().sign(&key).unwrap();
        let document = xml::read(signed.xml().as_bytes(), &Limits::MESSAGE).unwrap();
        let has = |element: &Element| element.children().any(|c| c.local_name() == "Signature");
        assert_eq!(has(document.root()), response_signed, "{sign:?}");
        assert_eq!(
            has(find(document.root(), &["Assertion"])),
            assertion_signed,
            "{sign:?}"
        );
        let alone = xml::canonicalize(find(document.root(), &["Assertion"]), &[], None);
        assert!(
            signed.xml().contains(std::str::from_utf8(&alone).unwrap()),
            "decision 7"
        );
        let alone = xml::read(&alone, &Limits::MESSAGE).unwrap();
        let verified =
            verify_enveloped(&alone, std::slice::from_ref(&verifying), Place::AfterIssuer);
        assert_eq!(verified.is_ok(), assertion_signed, "{sign:?}");
    }
}

#[test]
fn c_a12_values_are_lists_and_an_empty_statement_is_left_out() {
    let document = sent(&sp(Policy::default()), ada(), &asked());
    let statement = find(document.root(), &["Assertion", "AttributeStatement"]);
    let roles: Vec<_> = statement
        .children()
        .find(|attribute| attribute.attribute("Name") == Some("role"))
        .unwrap()
        .children()
        .map(|value| value.text().unwrap().to_owned())
        .collect();
    assert_eq!(roles, ["shop", "store"], "only those that the rule names");
    let silent = Policy {
        release: listed(&[]),
        ..Policy::default()
    };
    let document = sent(&sp(silent), ada(), &asked());
    let assertion = find(document.root(), &["Assertion"]);
    assert!(
        assertion
            .children()
            .all(|child| child.local_name() != "AttributeStatement")
    );
}

#[test]
fn a_decision_makes_nothing_after_two_seconds() {
    let sp = sp(Policy::default());
    let grant = grant(&sp, ada(), false);
    let release = grant.release(|| "_index".to_owned()).unwrap();
    let late = Stamp {
        now: NOW.plus(Duration::from_millis(2001)),
        ..stamp()
    };
    let answer = Response::success(grant, &asked(), &release, &issuer(), &late);
    assert!(matches!(answer, Err(ResponseError::NotCurrent)));
}

#[test]
fn a_preview_is_unsigned_and_expired_before_it_was_made() {
    let sp = sp(Policy::default());
    let xml = preview(grant(&sp, ada(), false), &asked(), &issuer(), &stamp()).unwrap();
    let document = xml::read(xml.as_bytes(), &Limits::MESSAGE).unwrap();
    let until = find(document.root(), &["Conditions"])
        .attribute("NotOnOrAfter")
        .unwrap();
    assert!(UnixTime::parse_xs_date_time(until).unwrap() < NOW);
    assert!(!xml.contains("Signature"));
}

#[test]
fn characters_that_xml_cannot_carry_are_refused_and_not_dropped() {
    for value in ["a\u{0}b", "a\u{8}b", "\u{b}", "\u{fffe}"] {
        let user = User {
            display_name: value.to_owned(),
            ..ada()
        };
        let answer = success(&sp(Policy::default()), user, &asked());
        assert!(matches!(answer, Err(ResponseError::Write(_))), "{value:?}");
    }
}

#[test]
fn c_a3_a_status_stands_nested_and_carries_no_assertion() {
    let sp = sp(Policy::default());
    let reply = ReplyTo {
        sp: &sp,
        acs: sp.acs.default_endpoint(),
        id: None,
        relay_state: Some("relay".to_owned()),
    };
    let signed = Response::failure(reply, Status::NoPassive, &issuer(), &stamp())
        .sign(&key().0)
        .unwrap();
    assert_eq!(signed.relay_state(), Some("relay"));
    let document = xml::read(signed.xml().as_bytes(), &Limits::MESSAGE).unwrap();
    let top = find(document.root(), &["Status", "StatusCode"]);
    assert_eq!(top.attribute("Value"), Some(Status::NoPassive.top_level()));
    assert_eq!(
        find(top, &["StatusCode"]).attribute("Value"),
        Status::NoPassive.second_level()
    );
    assert_eq!(document.root().attribute("InResponseTo"), None);
    assert!(
        document
            .root()
            .children()
            .all(|child| child.local_name() != "Assertion")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a name holds, it comes out as that very value, and as nothing else.
    #[test]
    fn values_stay_values(
        name in "[^\\p{Cc}\u{fffe}\u{ffff}]{1,40}|]]>|</saml:AttributeValue><saml:AttributeValue>admin|<!--|&amp;|AT&T|\"><script>",
        value in "[^\\p{Cc}\u{fffe}\u{ffff}]{0,40}|\t\r\n|]]>|&#0;",
    ) {
        let release = listed(&["displayName", "note"]);
        let sp = sp(Policy { release, ..Policy::default() });
        let attributes = vec![("note".to_owned(), value.clone())];
        let user = User { display_name: name.clone(), attributes, ..ada() };
        let document = sent(&sp, user, &asked());
        let statement = find(document.root(), &["Assertion", "AttributeStatement"]);
        let values: Vec<Vec<String>> = statement
            .children()
            .map(|attribute| attribute.children().map(|v| v.text().unwrap().to_owned()).collect())
            .collect();
        prop_assert_eq!(values, vec![vec![name], vec![value]]);
    }
}
