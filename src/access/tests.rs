//! The decision, held against a table and against random facts.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::directory::facts::FactsParts;
use crate::directory::name::{EntityId, SessionId, SpId, UserId, UserName};
use crate::directory::release::Requested;
use crate::directory::rule::Quantifier;
use crate::directory::service_provider::{AcsBinding, AcsEndpoints, Policy};
use crate::directory::slo_endpoint::SloEndpoints;

const NOW: UnixTime = UnixTime::from_millis(1_800_000_000_000);
const LIMITS: SessionLimits = SessionLimits {
    idle: Duration::from_hours(2),
    absolute: Duration::from_hours(12),
};

fn roles(names: &[&str]) -> BTreeSet<RoleName> {
    names
        .iter()
        .map(|name| RoleName::parse(name).unwrap())
        .collect()
}

fn sp(rule: Rule) -> ServiceProvider {
    let location = "https://sp.example/acs".to_owned();
    let acs = AcsEndpoint {
        binding: AcsBinding::HttpPost,
        location,
        index: 0,
        is_default: None,
    };
    ServiceProvider {
        id: SpId::from_stored("sp"),
        version: 7,
        name: SpName::parse("publisher").unwrap(),
        entity_id: EntityId::parse("https://sp.example").unwrap(),
        enabled: true,
        rule,
        acs: AcsEndpoints::new(vec![acs], false).unwrap(),
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

fn user(held: &[&str], disabled: bool) -> User {
    User {
        id: UserId::from_stored("u"),
        name: UserName::parse("ada").unwrap(),
        display_name: "Ada".into(),
        email: None,
        disabled,
        must_change_password: false,
        roles: roles(held),
        attributes: vec![],
        created_at: NOW,
    }
}

fn session(age_ms: i64, idle_ms: i64) -> Session {
    Session {
        id: SessionId::from_stored("s"),
        user: UserId::from_stored("u"),
        signed_in_at: UnixTime::from_millis(NOW.millis() - age_ms),
        started_at: UnixTime::from_millis(NOW.millis() - age_ms),
        last_seen_at: UnixTime::from_millis(NOW.millis() - idle_ms),
        source: None,
        user_agent: None,
    }
}

fn facts(rule: Option<Rule>, enabled: bool, version: i64, person: Option<PersonFacts>) -> Facts {
    let door = DoorFacts {
        sp: SpId::from_stored("sp"),
        version,
        enabled,
        rule,
        key_version: 1,
        backing: None,
    };
    Facts::as_read(FactsParts {
        read_at: NOW,
        door,
        person,
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands where facts may hold nobody"
)]
fn here(user: User, age_ms: i64, idle_ms: i64, fresh_for: Option<&str>) -> Option<PersonFacts> {
    let presence = Presence::SignedIn {
        session: Box::new(session(age_ms, idle_ms)),
        fresh_for: fresh_for.map(str::to_owned),
        participant: None,
        known_to_sp: false,
    };
    Some(PersonFacts { user, presence })
}

fn refusal(sp: &ServiceProvider, facts: Facts, freshness: Freshness) -> Option<Refusal> {
    let sign_on = SignOn::requested(sp, AcsChoice::Default, None, freshness).unwrap();
    authorize(sign_on, facts, LIMITS, NOW)
        .err()
        .map(|denial| denial.refusal)
}

#[test]
fn a_store_session_never_opens_the_publisher() {
    let rule = Rule::new(Quantifier::AnyOf, roles(&["publisher"])).unwrap();
    let sp = sp(rule.clone());
    let store_only = here(user(&["store"], false), 0, 0, None);
    let answer = refusal(
        &sp,
        facts(Some(rule), true, 7, store_only),
        Freshness::AnySession,
    );
    assert_eq!(answer, Some(Refusal::MissingRole));
}

#[test]
fn a_table_without_a_rule_is_closed_and_not_vacuously_true() {
    let sp = sp(Rule::new(Quantifier::AllOf, roles(&["everyone"])).unwrap());
    let person = here(user(&["publisher"], false), 0, 0, None);
    let answer = refusal(&sp, facts(None, true, 7, person), Freshness::AnySession);
    assert_eq!(answer, Some(Refusal::ClosedRule));
}

#[test]
fn an_unregistered_acs_cannot_be_named() {
    let sp = sp(Rule::new(Quantifier::AnyOf, roles(&["everyone"])).unwrap());
    for url in [
        "https://sp.example/acs/",
        "https://SP.example/acs",
        "",
        "https://evil.example/",
    ] {
        let choice = AcsChoice::Location(url);
        assert!(
            SignOn::requested(&sp, choice, None, Freshness::AnySession).is_err(),
            "{url}"
        );
    }
    for index in [1, 99, 65_535] {
        let choice = AcsChoice::Index(index);
        assert!(SignOn::requested(&sp, choice, None, Freshness::AnySession).is_err());
    }
}

#[test]
fn a_forced_sign_in_is_answered_only_for_the_flow_that_it_was_made_for() {
    let rule = Rule::new(Quantifier::AnyOf, roles(&["everyone"])).unwrap();
    let sp = sp(rule.clone());
    let ask = |fresh_for, freshness| {
        let person = here(user(&[], false), 0, 0, fresh_for);
        refusal(&sp, facts(Some(rule.clone()), true, 7, person), freshness)
    };
    assert_eq!(
        ask(None, Freshness::SignInAgain),
        Some(Refusal::SignInTooOld)
    );
    let flow = |name: &str| Freshness::SignedInFor(name.to_owned());
    assert_eq!(
        ask(Some("other"), flow("this")),
        Some(Refusal::SignInTooOld)
    );
    assert_eq!(ask(None, flow("this")), Some(Refusal::SignInTooOld));
    assert_eq!(ask(Some("this"), flow("this")), None);
}

#[test]
fn a_grant_is_acted_on_for_two_seconds() {
    let rule = Rule::new(Quantifier::AnyOf, roles(&["everyone"])).unwrap();
    let sp = sp(rule.clone());
    let person = here(user(&[], false), 0, 0, None);
    let facts = facts(Some(rule), true, 7, person);
    let grant = authorize(SignOn::unsolicited(&sp), facts, LIMITS, NOW).unwrap();
    assert!(grant.is_current(NOW.plus(Duration::from_secs(2))));
    assert!(!grant.is_current(NOW.plus(Duration::from_millis(2001))));
}

#[test]
fn only_the_roles_of_the_rule_are_released_unless_registered_otherwise() {
    let rule = Rule::new(Quantifier::AnyOf, roles(&["store"])).unwrap();
    let held = || here(user(&["store", "publisher", "audit"], false), 0, 0, None);
    let released = |sp: &ServiceProvider| -> Vec<String> {
        let facts = facts(Some(rule.clone()), true, 7, held());
        let grant = authorize(SignOn::unsolicited(sp), facts, LIMITS, NOW).unwrap();
        grant
            .released_roles()
            .into_iter()
            .map(ToString::to_string)
            .collect()
    };
    let mut sp = sp(rule.clone());
    assert_eq!(released(&sp), ["store"]);
    sp.policy.release_roles = Some(vec![RoleName::parse("audit").unwrap()]);
    assert_eq!(released(&sp), ["audit"]);
}

proptest! {
    /// Somebody enters if and only if everything holds at once.
    #[test]
    fn somebody_enters_exactly_when_all_conditions_hold(
        rule_roles in proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
        held in proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
        all in any::<bool>(),
        disabled in any::<bool>(),
        enabled in any::<bool>(),
        version in 6_i64..=8,
        present in any::<bool>(),
        age in 0_i64..14 * 3_600_000,
        idle in 0_i64..3 * 3_600_000,
    ) {
        let quantifier = if all { Quantifier::AllOf } else { Quantifier::AnyOf };
        let rule = Rule::new(quantifier, roles(&rule_roles)).ok();
        let sp = sp(Rule::new(Quantifier::AnyOf, roles(&["everyone"])).unwrap());
        let person = if present { here(user(&held, disabled), age, idle, None) } else { None };
        let answer =
            refusal(&sp, facts(rule, enabled, version, person), Freshness::AnySession);
        let holds = |role: &&str| held.contains(role);
        let fits = if all { rule_roles.iter().all(&holds) }
            else { rule_roles.iter().any(holds) };
        let expected = present && enabled && version == 7 && !disabled
            && !rule_roles.is_empty() && fits
            && age < 12 * 3_600_000 && idle < 2 * 3_600_000;
        prop_assert_eq!(answer.is_none(), expected);
    }
}
