//! Users, roles and registrations.

use crate::database::Database;
use crate::home::{Home, name, new_user, service_provider};
use doorward::clock::Clock;
use doorward::directory::algorithms::{DataEncryption, SignatureAlgorithm};
use doorward::directory::attribute::ReleasedAttribute;
use doorward::directory::audit::AuditKind;
use doorward::directory::name::{EntityId, RoleName};
use doorward::directory::protection::{Encrypt, Protection};
use doorward::directory::release::{
    Amount, AttributeConsumingService, Lifetimes, ReleasePolicy, Requested, RequestedAttribute,
    SubjectIdRequirement,
};
use doorward::directory::rule::{Quantifier, Rule};
use doorward::directory::service_provider::{Denied, NameIdFormat, Policy, Sign, UsualNameId};
use doorward::storage::{Durability, Store, StoreError};
use std::time::Duration;

#[tokio::test]
async fn a_user_is_read_back_as_written() {
    let home = Home::new().await;
    let id = home.user("Ada", &["Internal/store", "publisher"]).await;
    let user = home.store.user(&name(" aDA ")).await.unwrap().unwrap();
    assert_eq!(user.id, id);
    assert_eq!(user.name.as_str(), "Ada");
    assert_eq!(user.email.as_deref(), Some("Ada@example.org"));
    assert_eq!(user.attribute("team").collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(user.roles.len(), 2);
    assert_eq!(user.created_at, home.now());
    let credential = home.store.credential("ada").await.unwrap().unwrap();
    assert_eq!(credential.user, id);
    assert!(home.store.credential("bob").await.unwrap().is_none());
}

#[tokio::test]
async fn a_sign_in_name_is_taken_without_case() {
    let home = Home::new().await;
    home.user("ada", &[]).await;
    let event = home.event(AuditKind::UserAdded);
    let again = home.store.add_user(new_user("ADA", vec![]), event).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    assert_eq!(home.store.users().await.unwrap().len(), 1);
}

#[tokio::test]
async fn role_and_sp_names_compare_byte_for_byte() {
    let home = Home::new().await;
    home.sp("store", &["store"]).await;
    home.sp("Store", &["Store"]).await;
    home.role("store ".trim_end()).await;
    let roles = home.store.roles().await.unwrap();
    let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["Store", "everyone", "store"]);
    let user = home.user("ada", &["store"]).await;
    let other = RoleName::parse("Store").unwrap();
    let event = home.event(AuditKind::RoleRevoked);
    assert!(!home.store.revoke(&user, &other, event).await.unwrap());
    let found = home.store.sp_by_name("Store").await.unwrap().unwrap();
    assert_eq!(found.name.as_str(), "Store");
    let unknown = EntityId::parse("https://STORE.example/saml").unwrap();
    assert!(
        home.store
            .sp_by_entity_id(&unknown)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_registration_is_read_back_as_written() {
    let home = Home::new().await;
    let roles = [home.role("a").await, home.role("b").await];
    let mut sp = service_provider("store", Rule::new(Quantifier::AllOf, roles).unwrap());
    sp.entity_id = EntityId::parse(&format!("https://sp.example/{}", "x".repeat(1000))).unwrap();
    sp.policy = Policy {
        display_name: Some("The Store".to_owned()),
        home_url: Some("https://store.example/".to_owned()),
        contact: Some("it@example.org".to_owned()),
        sign: Sign::Assertion,
        require_signed_requests: true,
        denied: Denied::Status,
        name_id: Some(UsualNameId::Format(NameIdFormat::EmailAddress)),
        release: ReleasePolicy {
            attributes: Some(vec![
                ReleasedAttribute::short("mail").unwrap(),
                ReleasedAttribute::new("x", Some("x:y"), Some("X"), "${a} ${b}", Some(","))
                    .unwrap(),
            ]),
            amount: Amount::Required,
            typed: true,
            consent: true,
            attribute_index: Some(7),
        },
        release_roles: Some(vec![]),
        allow_idp_initiated: true,
        allow_http: true,
        signing_key: None, // tests/storage/signing_keys.rs
        lifetimes: Lifetimes {
            assertion: Some(Duration::from_secs(90)),
            not_before_margin: Some(Duration::ZERO),
            session: Some(Duration::from_hours(1)),
        },
        protection: Protection {
            encrypt: Encrypt::Always,
            data_encryption: Some(DataEncryption::Aes128Gcm),
            signature: Some(SignatureAlgorithm::RsaSha512),
            plain_logout: true,
        },
    };
    sp.requested = requested();
    let event = home.event(AuditKind::SpAdded);
    home.store.add_sp(&sp, event).await.unwrap();
    let by_entity = home.store.sp_by_entity_id(&sp.entity_id).await.unwrap();
    assert_eq!(by_entity.as_ref(), Some(&sp));
    let by_name = home.store.sp_by_name("store").await.unwrap();
    assert_eq!(by_name.as_ref(), Some(&sp));
    let by_entity_id_as_name = home.store.sp_by_name(sp.entity_id.as_str()).await.unwrap();
    assert_eq!(by_entity_id_as_name.as_ref(), Some(&sp));
    assert_eq!(home.store.sp_by_id(&sp.id).await.unwrap(), Some(sp.clone()));
    assert_eq!(home.store.service_providers().await.unwrap().readable, [sp]);
}

/// Services with much, little and nothing in them, and both kinds of entity attributes.
fn requested() -> Requested {
    let attribute = |name: &str, values: &[&str]| RequestedAttribute {
        name: name.to_owned(),
        format: (name == "a").then(|| "x:y".to_owned()),
        required: name == "a",
        values: values.iter().map(|&value| value.to_owned()).collect(),
    };
    let service = |index, is_default, attributes| AttributeConsumingService {
        index,
        is_default,
        attributes,
    };
    Requested {
        services: vec![
            service(
                3,
                Some(false),
                vec![
                    attribute("a", &["1", "2"]),
                    attribute("a", &[]),
                    attribute("b", &["1"]),
                ],
            ),
            service(1, Some(true), vec![]),
            service(2, None, vec![attribute("b", &[])]),
        ],
        categories: vec!["urn:b".to_owned(), "urn:a".to_owned()],
        subject_id: Some(SubjectIdRequirement::Any),
    }
}

#[tokio::test]
async fn every_change_of_a_registration_counts_its_version_up() {
    let home = Home::new().await;
    let mut sp = home.sp("store", &["a"]).await;
    let event = || home.event(AuditKind::SpUpdated);
    sp.policy.contact = Some("it@example.org".to_owned());
    home.store.update_sp(&sp, event()).await.unwrap();
    let stale = home.store.update_sp(&sp, event()).await;
    assert!(matches!(stale, Err(StoreError::Conflict)));
    assert!(
        home.store
            .set_sp_enabled(&sp.id, false, event())
            .await
            .unwrap()
    );
    assert!(
        !home
            .store
            .set_sp_enabled(&sp.id, false, event())
            .await
            .unwrap()
    );
    let now = home.store.sp_by_id(&sp.id).await.unwrap().unwrap();
    assert_eq!((now.version, now.enabled), (3, false));
    assert_eq!(now.policy.contact, sp.policy.contact);
}

#[tokio::test]
async fn a_rule_names_roles_that_exist_and_is_never_written_empty() {
    let home = Home::new().await;
    let nameless = RoleName::parse("nobody made me").unwrap();
    let sp = service_provider("store", Rule::new(Quantifier::AnyOf, [nameless]).unwrap());
    let refused = home.store.add_sp(&sp, home.event(AuditKind::SpAdded)).await;
    assert!(matches!(refused, Err(StoreError::Dangling)));
    // Nothing of it was written.
    assert_eq!(home.count("SELECT COUNT(*) FROM service_providers"), 0);
    home.sp("store", &["a"]).await;
    assert_eq!(home.count("SELECT COUNT(*) FROM sp_required_roles"), 1);
}

#[tokio::test]
async fn a_role_that_a_rule_names_cannot_be_removed() {
    let home = Home::new().await;
    let sp = home.sp("publisher", &["publisher"]).await;
    home.user("ada", &["publisher"]).await;
    let role = home.role("publisher").await;
    let event = || home.event(AuditKind::RoleRemoved);
    match home.store.remove_role(&role, event()).await {
        Err(StoreError::RoleInUse { sp }) => assert_eq!(sp, "publisher"),
        other => panic!("{other:?}"),
    }
    home.store
        .remove_sp(&sp.id, home.event(AuditKind::SpRemoved))
        .await
        .unwrap();
    assert!(home.store.remove_role(&role, event()).await.unwrap());
    assert!(!home.store.remove_role(&role, event()).await.unwrap());
    let user = home.store.user(&name("ada")).await.unwrap().unwrap();
    assert!(user.roles.is_empty());
}

#[tokio::test]
async fn the_role_everyone_stays_and_is_granted_to_nobody() {
    let home = Home::new().await;
    let user = home.user("ada", &[]).await;
    let everyone = RoleName::everyone();
    let removed = home
        .store
        .remove_role(&everyone, home.event(AuditKind::RoleRemoved))
        .await;
    assert!(matches!(removed, Err(StoreError::BuiltInRole)));
    let granted = home
        .store
        .grant(&user, &everyone, home.event(AuditKind::RoleGranted))
        .await;
    assert!(matches!(granted, Err(StoreError::BuiltInRole)));
    home.sp("store", &["everyone"]).await;
}

#[tokio::test]
async fn a_change_that_changes_nothing_leaves_no_audit_row() {
    let home = Home::new().await;
    let user = home.user("ada", &["a"]).await;
    let role = home.role("a").await;
    let before = home.count("SELECT COUNT(*) FROM audit_events");
    let event = || home.event(AuditKind::RoleGranted);
    assert!(!home.store.grant(&user, &role, event()).await.unwrap());
    assert!(!home.store.ensure_role(&role, event()).await.unwrap());
    assert!(
        !home
            .store
            .set_disabled(&user, false, event())
            .await
            .unwrap()
    );
    assert_eq!(home.count("SELECT COUNT(*) FROM audit_events"), before);
    assert!(home.store.revoke(&user, &role, event()).await.unwrap());
    assert!(home.store.set_disabled(&user, true, event()).await.unwrap());
    assert_eq!(home.count("SELECT COUNT(*) FROM audit_events"), before + 2);
}

#[tokio::test]
async fn all_users_are_listed_by_name_page_by_page() {
    let home = Home::new().await;
    for number in 0..5 {
        home.user(&format!("user{number}"), &["a"]).await;
    }
    let all = home.store.users().await.unwrap();
    let names: Vec<_> = all.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["user0", "user1", "user2", "user3", "user4"]);
    assert!(
        all.iter()
            .all(|user| user.roles.len() == 1 && user.attributes.len() == 2)
    );
    let page = home
        .store
        .users_after(Some(&name("user2")), 1)
        .await
        .unwrap();
    assert_eq!(page[0].name.as_str(), "user3");
}

#[tokio::test]
async fn what_is_updated_about_a_user_is_what_was_given() {
    let home = Home::new().await;
    home.user("ada", &["a"]).await;
    let mut user = home.store.user(&name("ada")).await.unwrap().unwrap();
    user.email = None;
    user.attributes = vec![("n".to_owned(), "v".to_owned())];
    let event = || home.event(AuditKind::UserUpdated);
    assert!(home.store.update_user(&user, event()).await.unwrap());
    assert_eq!(
        home.store.user(&name("ada")).await.unwrap(),
        Some(user.clone())
    );
    let event = home.event(AuditKind::UserRemoved);
    assert!(
        home.store
            .remove_user(&user.id, event)
            .await
            .unwrap()
            .changed
    );
    assert!(home.store.user(&name("ada")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_restart_keeps_everything_and_the_file_is_the_owners_alone() {
    use std::os::unix::fs::MetadataExt as _;
    let home = Home::in_a_file().await;
    let sp = home.sp("store", &["a"]).await;
    home.user("ada", &["a"]).await;
    home.store.shut_down().await;
    let store = home.another_process().await;
    assert_eq!(store.service_providers().await.unwrap().readable, [sp]);
    assert_eq!(store.users().await.unwrap().len(), 1);
    assert_eq!(store.schema_version().await.unwrap(), last_migration());
    store.ping().await.unwrap();
    let mode = std::fs::metadata(home.file()).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_newer_schema_is_used_unless_it_says_that_this_program_cannot() {
    let home = Home::new().await;
    home.by_hand(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
    );
    let url = home.database.url();
    // The version after this one has added something, and both run side by side.
    let store = Store::open(&url, Durability::Normal).await.unwrap();
    assert_eq!(store.schema_version().await.unwrap(), 9999);
    store.shut_down().await;
    home.by_hand(
        "UPDATE schema_compatibility SET oldest_migration = 9999, oldest_program = '7.1.0'",
    );
    let error = Store::open(&url, Durability::Normal).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { .. }));
    let said = error.to_string();
    assert!(
        said.contains("newer Doorward") && said.contains("7.1.0"),
        "{said}"
    );
}

#[tokio::test]
async fn a_database_of_another_kind_is_refused() {
    let refused = Store::open("mongodb://u:secret@h/d", Durability::Full).await;
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("sqlite://") && !error.contains("secret"),
        "{error}"
    );
}

#[tokio::test]
async fn several_processes_may_start_on_one_fresh_database() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::fresh(folder.path());
    let url = database.url();
    let start = || {
        let url = url.clone();
        tokio::spawn(async move { Store::open(&url, Durability::Full).await })
    };
    for started in [start(), start(), start(), start()] {
        let store = started.await.unwrap().unwrap();
        assert_eq!(store.schema_version().await.unwrap(), last_migration());
    }
}

#[tokio::test]
async fn nothing_audited_is_written_before_the_chain_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::fresh(folder.path());
    let url = database.url();
    let store = Store::open(&url, Durability::Full).await.unwrap();
    let event =
        doorward::directory::audit::AuditEvent::new(Clock::System.now(), AuditKind::RoleAdded);
    let role = RoleName::parse("a").unwrap();
    let refused = store.add_role(&role, "", event).await;
    assert!(matches!(refused, Err(StoreError::NotRunning)));
}

/// The number of the newest migration in the repository.
fn last_migration() -> i64 {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let number = |file: std::io::Result<std::fs::DirEntry>| {
        let name = file.unwrap().file_name().into_string().unwrap();
        name.split('_').next().unwrap().parse::<i64>().unwrap()
    };
    let files = std::fs::read_dir(folder).unwrap();
    files.map(number).max().unwrap()
}
