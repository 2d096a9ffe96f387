//! What each engine has its own idea of, and has to do alike here: equal names, instants, nothing
//! as against an empty text, bytes, long texts, and what is left of a write that failed.

use crate::home::{Home, name, new_user};
use doorward::access::{Refusal, verdict};
use doorward::directory::audit::AuditKind;
use doorward::directory::name::RoleName;
use doorward::directory::rule::{Quantifier, Rule};
use doorward::storage::{StoreError, TokenHash};

use crate::home::{LIMITS, service_provider};

/// Five names that some collation holds to be one.
const ALIKE: [&str; 5] = ["store", "Store", "store ", "stor\u{e9}", "store\u{301}"];

#[tokio::test]
async fn names_compare_byte_for_byte_with_case_blanks_and_accents() {
    let home = Home::new().await;
    for name in ALIKE {
        let added = format!("INSERT INTO roles (name, description) VALUES ('{name}', '')");
        assert_eq!(home.by_hand(&added), 1, "{name:?} is a name of its own");
        let found = format!("SELECT COUNT(*) FROM roles WHERE name = '{name}'");
        assert_eq!(home.count(&found), 1, "{name:?} is found alone");
    }
    let distinct =
        "SELECT COUNT(*) FROM (SELECT DISTINCT name FROM roles WHERE name <> 'everyone') d";
    assert_eq!(home.count(distinct), 5);
    // In the order of their bytes.
    let listed = home.database.texts("SELECT name FROM roles ORDER BY name");
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(listed, sorted);
}

#[tokio::test]
async fn a_role_of_another_case_opens_no_door() {
    let home = Home::new().await;
    home.user("ada", &["Store", "stor\u{e9}"]).await;
    let sp = home.sp("shop", &["store"]).await;
    let ada = home.store.user(&name("ada")).await.unwrap().unwrap();
    home.sign_in(&ada.id, "t").await;
    let token = TokenHash::of("t");
    let facts = home.store.facts(Some(&token), &sp.entity_id, home.now());
    let facts = facts.await.unwrap().unwrap();
    let verdict = verdict(&sp, facts, LIMITS, home.now());
    assert_eq!(verdict.refusal, Some(Refusal::MissingRole));
}

#[tokio::test]
async fn instants_come_back_as_they_were_to_the_millisecond() {
    let home = Home::new().await;
    home.user("ada", &[]).await;
    let ada = home.store.user(&name("ada")).await.unwrap().unwrap();
    assert_eq!(ada.created_at, home.now());
    for instant in [0, -1, i64::MAX, i64::MIN + 1] {
        home.by_hand(&format!("UPDATE users SET created_at = {instant}"));
        let ada = home.store.user(&name("ada")).await.unwrap().unwrap();
        assert_eq!(ada.created_at.millis(), instant);
    }
}

#[tokio::test]
async fn nothing_is_not_the_empty_text() {
    let home = Home::new().await;
    for (user, email) in [("ada", None), ("bob", Some(String::new()))] {
        let mut new = new_user(user, Vec::new());
        new.email.clone_from(&email);
        let event = home.event(AuditKind::UserAdded);
        home.store.add_user(new, event).await.unwrap();
        let read = home.store.user(&name(user)).await.unwrap().unwrap();
        assert_eq!(read.email, email);
    }
    let none = home.count("SELECT COUNT(*) FROM users WHERE email IS NULL");
    assert_eq!(none, 1);
}

#[tokio::test]
async fn bytes_and_long_texts_come_back_as_they_were() {
    let home = Home::new().await;
    let rule = Rule::new(Quantifier::AnyOf, vec![home.role("a").await]).unwrap();
    let mut sp = service_provider("store", rule);
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    // Longer than the 64 KiB that some engines' usual types take.
    sp.certificates = vec![every_byte.clone(), every_byte.repeat(400)];
    let line = "<!-- ein Ärger, 語, \u{1f600}, a\\b 'c' \"d\" %_ -->\r\n";
    sp.metadata = Some(line.repeat((1 << 20) / line.len() + 1));
    sp.policy.contact = Some("\u{1f600}".repeat(100));
    let event = home.event(AuditKind::SpAdded);
    home.store.add_sp(&sp, event).await.unwrap();
    let read = home.store.sp_by_name("store").await.unwrap().unwrap();
    assert!(read == sp, "what was read differs from what was written");
    let setting = every_byte.repeat(300);
    assert!(home.store.insert_setting("blob", &setting).await.unwrap());
    assert_eq!(home.store.setting("blob").await.unwrap(), Some(setting));
}

#[tokio::test]
async fn names_of_the_longest_kind_fit_in_characters_of_four_bytes() {
    let home = Home::new().await;
    let mut new = new_user("ada", Vec::new());
    new.display_name = "\u{1f600}".repeat(255);
    new.attributes = vec![("\u{1f600}".repeat(255), "\u{1f600}".repeat(10_000))];
    let event = home.event(AuditKind::UserAdded);
    home.store.add_user(new.clone(), event).await.unwrap();
    let read = home.store.user(&name("ada")).await.unwrap().unwrap();
    assert_eq!(read.display_name, new.display_name);
    assert_eq!(read.attributes, new.attributes);
}

#[tokio::test]
async fn a_write_that_fails_half_way_leaves_nothing_and_the_next_one_works() {
    let home = Home::new().await;
    let staff = home.role("staff").await;
    let rows = "SELECT COUNT(*) FROM audit_events";
    let before = home.count(rows);
    // The user row is in when the role turns out to be none.
    let nowhere = RoleName::parse("nowhere").unwrap();
    let event = home.event(AuditKind::UserAdded);
    let new = new_user("ada", vec![staff.clone(), nowhere]);
    let failed = home.store.add_user(new, event.clone()).await;
    assert!(matches!(failed, Err(StoreError::Dangling)), "{failed:?}");
    assert_eq!(home.count("SELECT COUNT(*) FROM users"), 0);
    assert_eq!(home.count("SELECT COUNT(*) FROM user_roles"), 0);
    assert_eq!(home.count(rows), before);
    // A name that is taken, whichever of its two keys says so.
    let new = new_user("ada", vec![staff.clone()]);
    home.store.add_user(new, event.clone()).await.unwrap();
    let taken = home.store.add_user(new_user("ADA", vec![]), event).await;
    assert!(matches!(taken, Err(StoreError::Conflict)), "{taken:?}");
    assert_eq!(home.count(rows), before + 1);
    // What it is already is no error.
    let ada = home.store.user(&name("ada")).await.unwrap().unwrap();
    for _ in 0..2 {
        let event = home.event(AuditKind::RoleGranted);
        assert!(!home.store.grant(&ada.id, &staff, event).await.unwrap());
    }
    assert_eq!(home.count(rows), before + 1);
    let event = home.event(AuditKind::RoleRevoked);
    assert!(home.store.revoke(&ada.id, &staff, event).await.unwrap());
}
