//! What becomes of a source's entities, refresh by refresh, on a clock that the test moves.

use std::time::Duration;

use doorward::access::{Refusal, verdict};
use doorward::clock::{Clock, random_id};
use doorward::config::Config;
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::directory::metadata_source::{MetadataSource, Place, SourceState};
use doorward::directory::name::{EntityId, RoleName, SourceId, SourceName, UserId, UserName};
use doorward::directory::rule::{Quantifier, Rule};
use doorward::directory::service_provider::ServiceProvider;
use doorward::directory::session::SessionLimits;
use doorward::sources::{RefreshError, Refreshed, Report, Sources};
use doorward::storage::{AuditFilter, Durability, NewUser, Store, StoreError};

use crate::federation::{DAY, Entity, Federation, NOW};
use crate::support::database::Database;
use crate::support::http_server::{Page, Server};

const LIMITS: SessionLimits = SessionLimits {
    idle: Duration::from_hours(2),
    absolute: Duration::from_hours(12),
};

/// An installation with a database, and the federation's server beside it.
pub(crate) struct Home {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) sources: Sources,
    pub(crate) server: Server,
    pub(crate) federation: Federation,
    pub(crate) folder: tempfile::TempDir,
    _database: Database,
}

impl Home {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(NOW);
        let database = Database::fresh(folder.path());
        let store = Store::open(&database.url(), Durability::Normal)
            .await
            .unwrap();
        let label = "test".to_owned();
        store.start([9; 32], label, clock.clone()).await.unwrap();
        let variables = [("DOORWARD_FETCH_ALLOW".to_owned(), "loopback".to_owned())];
        let path = std::path::Path::new("/nowhere/doorward.toml");
        let config = Config::check("", path, variables.into_iter()).unwrap();
        let sources = Sources::new(
            store.clone(),
            clock.clone(),
            config.sources,
            "test".to_owned(),
        );
        let home = Self {
            store,
            clock,
            sources,
            server: Server::new(),
            federation: Federation::new(),
            folder,
            _database: database,
        };
        for role in ["staff", "guest"] {
            home.role(role).await;
        }
        home
    }

    pub(crate) async fn role(&self, name: &str) -> RoleName {
        let role = RoleName::parse(name).unwrap();
        let event = AuditEvent::new(NOW, AuditKind::RoleAdded);
        self.store.ensure_role(&role, event).await.unwrap();
        role
    }

    /// A source with the federation's key and the rule `staff`.
    pub(crate) fn source(&self, name: &str, place: Place) -> MetadataSource {
        let staff = RoleName::parse("staff").unwrap();
        MetadataSource {
            id: SourceId::from_stored(random_id().unwrap()),
            name: SourceName::parse(name).unwrap(),
            place,
            certificates: vec![self.federation.signing.certificate_der().to_vec()],
            rule: Rule::new(Quantifier::AnyOf, [staff]).unwrap(),
            added_at: self.clock.now(),
            state: SourceState::new(self.clock.now()),
        }
    }

    /// Adds the aggregate at `/all` as the source `all`.
    pub(crate) async fn add(&self, entities: &[Entity]) -> Report {
        self.publish(entities, "1");
        let source = self.source("all", Place::Url(self.server.url("/all")));
        report(self.try_add(&source).await.unwrap())
    }

    pub(crate) async fn try_add(&self, source: &MetadataSource) -> Result<Refreshed, RefreshError> {
        let event = AuditEvent::new(self.clock.now(), AuditKind::SourceAdded);
        self.sources.add(source, event, |_| {}).await
    }

    /// Publishes an aggregate at `/all` that is valid for a week from now.
    pub(crate) fn publish(&self, entities: &[Entity], etag: &str) {
        let until = self.clock.now().plus(7 * DAY);
        let document = self.federation.aggregate_until(until, entities);
        let etag = format!("\"{etag}\"");
        self.server
            .put("/all", Page::document(document).with("ETag", &etag));
    }

    pub(crate) async fn known(&self, name: &str) -> MetadataSource {
        self.store.metadata_source(name).await.unwrap().unwrap()
    }

    /// An SP that was registered by hand from this metadata.
    pub(crate) async fn registered_by_hand(&self, metadata: &str) -> ServiceProvider {
        self.add(&[Entity::new(1)]).await;
        let mut sp = self.sp(1).await;
        let read = doorward::saml::sp_metadata::parse(metadata.as_bytes(), self.clock.now());
        let read = read.unwrap();
        sp.id = doorward::directory::name::SpId::from_stored("by-hand");
        sp.entity_id = read.entity_id.clone();
        sp.name = doorward::directory::name::SpName::parse("mine").unwrap();
        read.replace_in(&mut sp, None).unwrap();
        let event = AuditEvent::new(NOW, AuditKind::SpAdded);
        self.store.add_sp(&sp, event).await.unwrap();
        sp
    }

    pub(crate) async fn refresh(&self, name: &str) -> Result<Refreshed, RefreshError> {
        let source = self.known(name).await;
        self.sources.refresh(&source, |_| {}).await
    }

    pub(crate) async fn sp(&self, number: usize) -> ServiceProvider {
        let id = EntityId::parse(&Entity::new(number).id).unwrap();
        self.store.sp_by_entity_id(&id).await.unwrap().unwrap()
    }

    pub(crate) async fn user(&self, name: &str, roles: &[&str]) -> UserName {
        let mut held = Vec::new();
        for role in roles {
            held.push(self.role(role).await);
        }
        let name = UserName::parse(name).unwrap();
        let user = NewUser {
            id: UserId::from_stored(random_id().unwrap()),
            name: name.clone(),
            display_name: name.as_str().to_owned(),
            email: None,
            roles: held.into_iter().collect(),
            attributes: Vec::new(),
            password_hash: None,
            must_change_password: false,
        };
        let event = AuditEvent::new(NOW, AuditKind::UserAdded);
        self.store.add_user(user, event).await.unwrap();
        name
    }

    /// What is decided about a person at a door.
    pub(crate) async fn decision(&self, user: &UserName, number: usize) -> Option<Refusal> {
        let (sp, now) = (self.sp(number).await, self.clock.now());
        let facts = self.store.supposed_facts(user, &sp.id, now).await.unwrap();
        verdict(&sp, facts.unwrap(), LIMITS, now).refusal
    }

    pub(crate) async fn audited(&self, kind: AuditKind) -> Vec<String> {
        let rows = self
            .store
            .audit_events(&AuditFilter::default())
            .await
            .unwrap();
        let mut details: Vec<_> = rows
            .into_iter()
            .filter(|row| row.event.kind == kind)
            .filter_map(|row| row.event.detail)
            .collect();
        details.sort();
        details
    }
}

fn report(refreshed: Refreshed) -> Report {
    match refreshed {
        Refreshed::Done(report) => *report,
        Refreshed::Unchanged => panic!("something was to be read"),
    }
}

fn names(all: &[doorward::directory::name::SpName]) -> Vec<&str> {
    all.iter().map(AsRef::as_ref).collect()
}

#[tokio::test]
async fn a_sources_registrations_stand_under_its_rule_until_given_their_own() {
    let home = Home::new().await;
    let added = home.add(&[Entity::new(1), Entity::new(2)]).await;
    assert_eq!(names(&added.added), ["sp1.example.org", "sp2.example.org"]);
    let staff = home.user("staffer", &["staff"]).await;
    let guest = home.user("guest", &["guest"]).await;
    for number in [1, 2] {
        assert_eq!(home.decision(&staff, number).await, None);
        assert_eq!(
            home.decision(&guest, number).await,
            Some(Refusal::MissingRole)
        );
    }
    // One gets a rule of its own.
    let mut own = home.sp(1).await;
    own.rule = Rule::new(Quantifier::AnyOf, [home.role("own").await]).unwrap();
    let source = home.known("all").await;
    let event = AuditEvent::new(NOW, AuditKind::SpUpdated);
    home.store
        .update_sp_of_source(&own, &source.id, true, event.clone())
        .await
        .unwrap();
    // The source's changes: at once for the other, and not for it.
    let version = home.sp(2).await.version;
    let rule = Rule::new(Quantifier::AnyOf, [home.role("guest").await]).unwrap();
    let changed = MetadataSource { rule, ..source };
    let done = home.store.update_metadata_source(&changed, event.clone());
    assert!(done.await.unwrap());
    assert_eq!(home.decision(&guest, 2).await, None);
    assert_eq!(home.decision(&staff, 2).await, Some(Refusal::MissingRole));
    assert_eq!(home.decision(&guest, 1).await, Some(Refusal::MissingRole));
    assert_eq!(home.sp(1).await.rule, own.rule);
    assert!(
        home.sp(2).await.version > version,
        "what is cached is stale"
    );
    // A refresh leaves both as they are, and a new one stands under the new rule.
    home.publish(&[Entity::new(1), Entity::new(2), Entity::new(3)], "2");
    let second = report(home.refresh("all").await.unwrap());
    assert_eq!(names(&second.added), ["sp3.example.org"]);
    assert_eq!(second.unchanged, 2);
    assert_eq!(home.sp(1).await.rule, own.rule);
    assert_eq!(home.decision(&guest, 3).await, None);
    // Back under the source's rule, whatever it says now.
    let sp = home.sp(1).await;
    let back = home
        .store
        .update_sp_of_source(&sp, &changed.id, false, event);
    back.await.unwrap();
    assert_eq!(home.decision(&guest, 1).await, None);
    // A role that a source's rule names cannot be removed.
    let event = AuditEvent::new(NOW, AuditKind::RoleRemoved);
    let guest = RoleName::parse("guest").unwrap();
    let refused = home.store.remove_role(&guest, event).await;
    assert!(matches!(refused, Err(StoreError::RoleInUse { .. })));
}

#[tokio::test]
async fn c_mc7_new_metadata_replaces_the_old_entirely_and_the_policy_stays() {
    let home = Home::new().await;
    let (old, new) = (Federation::new(), Federation::new());
    let mut entity = Entity::new(1);
    entity.certificates = vec![old.signing.certificate_der().to_vec()];
    entity.in_role = "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient\
        </md:NameIDFormat>"
        .to_owned();
    home.add(&[entity.clone(), Entity::new(2)]).await;
    let mut sp = home.sp(1).await;
    sp.policy.contact = Some("it@example.org".to_owned());
    sp.policy.allow_idp_initiated = true;
    let source = home.known("all").await.id;
    let event = AuditEvent::new(NOW, AuditKind::SpUpdated);
    let kept = home.store.update_sp_of_source(&sp, &source, false, event);
    kept.await.unwrap();
    // Key rollover: both keys, then the new one alone (C-S7).
    entity
        .certificates
        .push(new.signing.certificate_der().to_vec());
    home.publish(&[entity.clone(), Entity::new(2)], "2");
    let refreshed = report(home.refresh("all").await.unwrap());
    assert_eq!((refreshed.changed.len(), refreshed.unchanged), (1, 1));
    assert_eq!(home.sp(1).await.certificates, entity.certificates);
    entity.certificates.remove(0);
    entity.acs = "https://sp1.example.org/other".to_owned();
    entity.in_role = "<md:SingleLogoutService \
        Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
        Location=\"https://sp1.example.org/saml/slo\"/>"
        .to_owned();
    home.publish(&[entity.clone(), Entity::new(2)], "3");
    let refreshed = report(home.refresh("all").await.unwrap());
    let what = refreshed.changed[0].what.join("\n");
    for said in [
        "answers go to https://sp1.example.org/saml/acs: removed",
        "answers go to https://sp1.example.org/other: added",
        "sign-out goes to https://sp1.example.org/saml/slo: added",
        "\nkey ",
        "nameid-format:transient: removed",
    ] {
        assert!(what.contains(said), "{what}");
    }
    let after = home.sp(1).await;
    assert_eq!(after.acs.iter().count(), 1);
    assert_eq!(after.certificates, entity.certificates);
    assert!(after.name_id_formats.is_empty());
    assert_eq!(after.policy, sp.policy);
    assert!(after.version > sp.version);
    let audited = home.audited(AuditKind::SpUpdated).await;
    assert!(
        audited
            .iter()
            .any(|one| one.contains("sp1.example.org/other: added"))
    );
}

#[tokio::test]
async fn c_mc7_a_bad_refresh_keeps_the_last_good_copy_until_it_expires() {
    let home = Home::new().await;
    home.add(&[Entity::new(1)]).await;
    let ada = home.user("ada", &["staff"]).await;
    let other = Federation::new();
    let until = NOW.plus(7 * DAY);
    let good = home.federation.aggregate_until(until, &[Entity::new(1)]);
    for bad in [
        Page::status(500),
        Page::status(404),
        Page::document("no metadata"),
        Page::document(good.replace("sp1.example.org/saml/acs", "evil.example.org/saml/acs")),
        Page::document(other.aggregate(&[Entity::new(666)])),
        Page::document(home.federation.aggregate_until(NOW, &[Entity::new(666)])),
        Page::document(home.federation.aggregate_until(NOW.plus(99 * DAY), &[])),
    ] {
        home.server.put("/all", bad);
        assert!(home.refresh("all").await.is_err());
        assert_eq!(
            home.decision(&ada, 1).await,
            None,
            "the last good copy is used"
        );
    }
    let source = home.known("all").await;
    assert_eq!(source.state.failures, 7);
    assert!(source.state.failure.is_some());
    assert_eq!(source.state.valid_until, Some(until));
    assert_eq!(
        home.store.service_providers().await.unwrap().readable.len(),
        1
    );
    // On the very instant the door shuts, with a code of its own.
    home.clock.advance(6 * DAY + Duration::from_hours(23));
    assert_eq!(home.decision(&ada, 1).await, None);
    home.clock.advance(Duration::from_hours(1));
    let refused = home.decision(&ada, 1).await.unwrap();
    assert_eq!(refused, Refusal::MetadataExpired);
    assert_eq!(refused.reason().word(), "metadata-expired");
    // And opens with the next good copy, though its ETag is the one that was known.
    home.publish(&[Entity::new(1)], "1");
    report(home.refresh("all").await.unwrap());
    assert_eq!(home.decision(&ada, 1).await, None);
    assert_eq!(home.known("all").await.state.failures, 0);
}

#[tokio::test]
async fn c_mc5_an_entity_that_expires_before_its_source_is_shut_before_it() {
    let home = Home::new().await;
    let mut short = Entity::new(1);
    short.attributes = format!(" validUntil=\"{}\"", NOW.plus(DAY));
    home.add(&[short, Entity::new(2)]).await;
    let ada = home.user("ada", &["staff"]).await;
    home.clock.advance(DAY);
    assert_eq!(home.decision(&ada, 1).await, Some(Refusal::MetadataExpired));
    assert_eq!(home.decision(&ada, 2).await, None);
}

#[tokio::test]
async fn an_entity_that_is_not_listed_any_more_is_shut_and_keeps_its_policy() {
    let home = Home::new().await;
    home.add(&[Entity::new(1), Entity::new(2)]).await;
    let ada = home.user("ada", &["staff"]).await;
    let id = home.sp(1).await.id;
    home.publish(&[Entity::new(2)], "2");
    let (say, mut said) = tokio::sync::mpsc::unbounded_channel();
    let sources = home.sources.clone().saying_what_is_withdrawn(say);
    let all = home.known("all").await;
    let refreshed = report(sources.refresh(&all, |_| {}).await.unwrap());
    assert_eq!(said.try_recv(), Ok(id.clone()), "its app is to be told");
    assert_eq!(refreshed.withdrawn[0].0.as_str(), "sp1.example.org");
    assert_eq!(home.decision(&ada, 1).await, Some(Refusal::SpWithdrawn));
    assert_eq!(home.decision(&ada, 2).await, None);
    let audited = home.audited(AuditKind::SpWithdrawn).await;
    assert_eq!(audited, ["from all: not listed any more"]);
    // A second refresh does not say it again; listed again, it is what it was.
    home.publish(&[Entity::new(2)], "3");
    assert!(!report(home.refresh("all").await.unwrap()).changes_something());
    home.publish(&[Entity::new(1), Entity::new(2)], "4");
    let refreshed = report(home.refresh("all").await.unwrap());
    assert!(refreshed.changed[0].what[0].contains("listed by all again"));
    assert_eq!(home.decision(&ada, 1).await, None);
    assert_eq!(home.sp(1).await.id, id);
    // Listed, but not so that it can be used: shut as well, and the reason is told.
    let mut bad = Entity::new(1);
    bad.acs = "javascript:alert(1)".to_owned();
    home.publish(&[bad, Entity::new(2)], "5");
    let refreshed = report(home.refresh("all").await.unwrap());
    assert_eq!(refreshed.withdrawn.len(), 1);
    assert_eq!(home.decision(&ada, 1).await, Some(Refusal::SpWithdrawn));
}

#[tokio::test]
async fn c_mc11_of_two_that_describe_one_entity_the_first_registration_counts() {
    let home = Home::new().await;
    home.add(&[Entity::new(1)]).await;
    let mut by_hand = home.sp(1).await;
    by_hand.id = doorward::directory::name::SpId::from_stored("by-hand");
    by_hand.entity_id = EntityId::parse(&Entity::new(2).id).unwrap();
    by_hand.name = doorward::directory::name::SpName::parse("mine").unwrap();
    let event = AuditEvent::new(NOW, AuditKind::SpAdded);
    home.store.add_sp(&by_hand, event.clone()).await.unwrap();
    let mut evil = [Entity::new(1), Entity::new(2), Entity::new(3)];
    for one in &mut evil {
        one.acs = "https://other.example/acs".to_owned();
    }
    home.server
        .put("/more", Page::document(home.federation.aggregate(&evil)));
    let more = home.source("more", Place::Url(home.server.url("/more")));
    let second = report(home.try_add(&more).await.unwrap());
    assert_eq!(
        names(&second.added),
        ["other.example"].map(|_| "sp3.example.org")
    );
    let skipped: Vec<_> = second.skipped.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(
        skipped,
        [
            "registered from another source as sp1.example.org",
            "registered by hand as mine"
        ]
    );
    assert_eq!(
        home.sp(1).await.acs.default_endpoint().location,
        Entity::new(1).acs
    );
    // Once the first is gone, the next refresh of the other takes it up.
    let all = home.known("all").await;
    let gone = |_: &str| event.clone();
    assert_eq!(
        home.store
            .remove_registrations_of(&all.id, gone)
            .await
            .unwrap(),
        1
    );
    assert!(
        home.store
            .remove_metadata_source(&all.id, event.clone())
            .await
            .unwrap()
    );
    home.store.forget_validators().await.unwrap();
    let third = report(home.refresh("more").await.unwrap());
    assert_eq!(names(&third.added), ["sp1.example.org"]);
}

#[tokio::test]
async fn c_mc1_what_is_due_is_asked_conditionally_and_by_one_node() {
    let home = Home::new().await;
    home.add(&[Entity::new(1)]).await;
    home.server.asked();
    assert_eq!(
        home.sources.refresh_due().await.unwrap(),
        0,
        "nothing is due yet"
    );
    home.clock.advance(Duration::from_hours(1));
    let (one, other) = tokio::join!(home.sources.refresh_due(), home.sources.refresh_due());
    assert_eq!(one.unwrap() + other.unwrap(), 1, "one of two nodes asks");
    let asked = home.server.asked();
    assert_eq!(
        (asked.len(), asked[0].headers["if-none-match"].as_str()),
        (1, "\"1\"")
    );
    let state = home.known("all").await.state;
    assert_eq!(state.refreshed_at, Some(home.clock.now()));
    let wait = state.next_at.since(home.clock.now());
    let usual = Duration::from_mins(54)..=Duration::from_hours(1);
    assert!(usual.contains(&wait), "{wait:?}");
    // A failure is tried again soon.
    home.server.put("/all", Page::status(503));
    home.clock.advance(Duration::from_hours(1));
    home.sources.refresh_due().await.unwrap();
    let wait = home
        .known("all")
        .await
        .state
        .next_at
        .since(home.clock.now());
    assert!(wait <= Duration::from_mins(1), "{wait:?}");
}

#[tokio::test]
async fn a_file_of_the_administrator_is_read_and_read_again() {
    let home = Home::new().await;
    let path = home.folder.path().join("all.xml");
    let document = |entities: &[Entity]| {
        let inside: String = entities.iter().map(Entity::xml).collect();
        crate::federation::root("", &inside)
    };
    std::fs::write(&path, document(&[Entity::new(1)])).unwrap();
    let place = Place::File(path.to_str().unwrap().to_owned());
    let mut source = home.source("file", place);
    // With a key it is held to what a key is for.
    assert!(home.try_add(&source).await.is_err());
    source.certificates.clear();
    assert_eq!(report(home.try_add(&source).await.unwrap()).added.len(), 1);
    let again = home.refresh("file").await.unwrap();
    assert!(matches!(again, Refreshed::Unchanged));
    std::fs::write(&path, document(&[Entity::new(1), Entity::new(2)])).unwrap();
    assert_eq!(report(home.refresh("file").await.unwrap()).added.len(), 1);
    let ada = home.user("ada", &["staff"]).await;
    home.clock.advance(99 * DAY);
    assert_eq!(home.decision(&ada, 2).await, None, "no end was said");
}

#[tokio::test]
async fn nobody_else_is_registered_under_our_own_entity_id() {
    let mut home = Home::new().await;
    let own = Entity::new(2).id;
    home.sources = home.sources.beside(&own);
    let report = home.add(&[Entity::new(1), Entity::new(2)]).await;
    assert_eq!(names(&report.added), ["sp1.example.org"]);
    let why = "it has our own entityID".to_owned();
    assert_eq!(report.skipped, [(own.clone(), why)]);
    let own = EntityId::parse(&own).unwrap();
    assert!(home.store.sp_by_entity_id(&own).await.unwrap().is_none());
}
