use doorward::cli::boot;
use doorward::clock::Clock;
use doorward::config::Config;
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::storage::{NewSession, TokenHash};
use serde_json::json;

use crate::support::Installation;

fn with_ada() -> Installation {
    let here = Installation::new();
    let ada = [
        "user",
        "add",
        "ada",
        "--email",
        "ada@example.org",
        "--display-name",
        "Ada",
    ];
    here.done(&[&ada[..], &["--role", "consumer"]].concat());
    here
}

#[test]
fn a_user_is_added_with_a_fresh_password_that_is_printed_once() {
    let here = Installation::new();
    let line = [
        "user",
        "add",
        "ada",
        "--email",
        "ada@example.org",
        "--display-name",
        "Ada",
    ];
    let text = here.done(&[&line[..], &["--role", "consumer"]].concat());
    assert!(
        text.starts_with("created role consumer\nadded ada\npassword: "),
        "{text}"
    );
    let shown = here.json(&["user", "show", " ADA "]);
    assert_eq!(shown["user"]["name"], "ada");
    assert_eq!(shown["user"]["roles"], json!(["consumer"]));
    assert!(!shown.to_string().contains("password\":\""), "{shown}");
    let again = here.refused(&["user", "add", "Ada"]);
    assert!(again.contains("already"), "{again}");
}

#[test]
fn the_password_may_come_from_stdin_and_keeps_the_policy() {
    let here = Installation::new();
    let line = [
        "user",
        "add",
        "ada",
        "--email",
        "a@x.org",
        "--display-name",
        "A",
    ];
    let line = [&line[..], &["--password-stdin", "--json"]].concat();
    let short = here.run_with(&line, "seven77\n", &[]);
    assert_eq!(short.status, 1);
    assert!(
        short.complained.contains("at least 8 characters"),
        "{short:?}"
    );
    let long = here.run_with(&line, &"x".repeat(1025), &[]);
    assert!(long.complained.contains("at most 1024 bytes"), "{long:?}");
    assert_eq!(here.json(&["user", "list"])["users"], json!([]));
    let added = here.run_with(&line, "correct horse\nanother line\n", &[]);
    assert_eq!(added.status, 0);
    assert_eq!(added.json()["password"], json!(null));
    let set = ["user", "set-password", "ada", "--password-stdin"];
    let set = here.run_with(&set, "battery staple\n", &[]);
    assert_eq!(set.status, 0);
    assert!(!set.said.contains("battery"));
    let fresh = here.json(&["user", "set-password", "ada"]);
    assert_eq!(fresh["password"].as_str().unwrap().len(), 19);
}

#[test]
fn fields_roles_and_attributes_are_updated() {
    let here = with_ada();
    let line = [
        "user",
        "update",
        "ada",
        "--display-name",
        "Ada L.",
        "--email",
        "",
    ];
    let attributes = [
        "--attribute",
        "dept=a",
        "--attribute",
        "dept=b",
        "--role",
        "publisher",
    ];
    let told = here.json(&[&line[..], &attributes].concat());
    assert_eq!(told["created_roles"], json!(["publisher"]));
    assert_eq!(told["user"]["display_name"], "Ada L.");
    assert_eq!(told["user"]["email"], json!(null));
    assert_eq!(told["user"]["roles"], json!(["publisher"]));
    assert_eq!(told["user"]["attributes"], json!({"dept": ["a", "b"]}));
    let told = here.json(&["user", "update", "ada", "--attribute", "dept="]);
    assert_eq!(told["user"]["attributes"], json!({}));
    assert_eq!(told["user"]["roles"], json!(["publisher"]));
}

#[test]
fn granting_and_revoking_twice_is_as_good_as_once() {
    let here = with_ada();
    let granted = here.done(&["user", "grant", "ada", "Internal/publisher"]);
    assert_eq!(
        granted,
        "created role Internal/publisher\ngranted Internal/publisher to ada\n"
    );
    let again = here.json(&["user", "grant", "ada", "Internal/publisher"]);
    assert_eq!(
        (&again["changed"], &again["created_roles"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(
        here.json(&["user", "revoke", "ada", "consumer"])["changed"],
        true
    );
    assert_eq!(
        here.json(&["user", "revoke", "ada", "consumer"])["changed"],
        false
    );
    let slip = here.run(&["user", "revoke", "ada", "Consumer"]);
    assert_eq!(slip.status, 0);
    assert!(
        slip.complained.contains("no role Consumer at all"),
        "{slip:?}"
    );
}

#[test]
fn users_are_disabled_enabled_unlocked_and_removed() {
    let here = with_ada();
    assert_eq!(here.json(&["user", "disable", "ada"])["changed"], true);
    assert_eq!(here.json(&["user", "disable", "ada"])["changed"], false);
    assert_eq!(
        here.json(&["user", "show", "ada"])["user"]["disabled"],
        true
    );
    assert_eq!(here.json(&["user", "enable", "ada"])["disabled"], false);
    assert_eq!(here.json(&["user", "unlock", "ada"])["unlocked"], true);
    assert_eq!(here.json(&["user", "remove", "ada"])["removed"], true);
    for verb in ["show", "disable", "unlock", "remove", "set-password"] {
        let told = here.refused(&["user", verb, "ada"]);
        assert!(told.contains("no user \"ada\""), "{told}");
    }
}

#[test]
fn a_role_that_a_rule_names_stays() {
    let here = with_ada();
    here.add_sp("store", &["consumer"]);
    let told = here.refused(&["role", "remove", "consumer"]);
    assert!(
        told.contains("store") && told.contains("sp update"),
        "{told}"
    );
    here.done(&["role", "add", "spare", "--description", "For later"]);
    assert!(here.refused(&["role", "add", "spare"]).contains("already"));
    let roles = here.json(&["role", "list"]);
    let consumer = &roles["roles"].as_array().unwrap()[0];
    assert_eq!(consumer["name"], "consumer");
    assert_eq!(
        (&consumer["holders"], &consumer["required_by"]),
        (&json!(1), &json!(["store"]))
    );
    here.done(&["role", "remove", "spare"]);
    here.refused(&["role", "remove", "spare"]);
    here.refused(&["role", "remove", "everyone"]);
}

#[test]
fn every_change_is_in_the_audit_log_with_who_did_it() {
    let here = with_ada();
    here.done(&["user", "grant", "ada", "publisher"]);
    here.done(&["user", "disable", "ada"]);
    here.add_sp("store", &["consumer"]);
    let log = here.json(&["audit", "list"]);
    let kinds: Vec<_> = log["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["kind"] != "chain-started")
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    let expected = [
        "key-created",
        "key-created",
        "role-added",
        "user-added",
        "role-added",
        "role-granted",
        "user-disabled",
        "sp-added",
    ];
    assert_eq!(kinds, expected);
    let granted = here.json(&["audit", "list", "--kind", "role-granted", "--user", "ADA"]);
    let event = &granted["events"][0];
    assert!(
        event["actor"].as_str().unwrap().starts_with("cli:"),
        "{event}"
    );
    assert_eq!(
        (&event["detail"], &event["outcome"]),
        (&json!("publisher"), &json!("done"))
    );
    let at_store = here.json(&["audit", "list", "--sp", "store", "--since", "1h"]);
    assert_eq!(at_store["events"].as_array().unwrap().len(), 1);
    let future = here.json(&["audit", "list", "--since", "2999-01-01"]);
    assert_eq!(future["events"], json!([]));
    let whole = here.json(&["audit", "verify"]);
    assert_eq!((&whole["ok"], &whole["broken"]), (&json!(true), &json!([])));
}

#[test]
fn an_altered_audit_log_is_found() {
    let here = with_ada();
    let altered = here
        .database
        .by_hand("UPDATE audit_events SET actor = 'cli:nobody' WHERE kind = 'user-added'");
    assert_eq!(altered, 1);
    let told = here.refused(&["audit", "verify"]);
    assert!(told.contains("altered"), "{told}");
    assert_eq!(here.run(&["check", "--offline"]).status, 1);
}

/// Signs ada in as the sign-in page does.
async fn sign_in(here: &Installation, token: &str) {
    let file = here.path().join("doorward.toml");
    let config = Config::load(Some(&file), here.variables().into_iter()).unwrap();
    let booted = boot(config, Clock::System, "test").await.unwrap();
    let ada = booted.store.credential("ada").await.unwrap().unwrap();
    let event = AuditEvent::new(booted.clock.now(), AuditKind::SignIn);
    let new = NewSession {
        logout: doorward::storage::NewLogout::default(),
        user: ada.user,
        token: TokenHash::of(token),
        replaces: None,
        fresh_for: None,
        source: Some("192.0.2.7".to_owned()),
        user_agent: Some("A browser".to_owned()),
        checked_hash: ada.password_hash.unwrap(),
        rehash: None,
        account_key: "ada".to_owned(),
    };
    booted.store.sign_in(new, event).await.unwrap();
    booted.store.shut_down().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let here = with_ada();
    here.write("doorward.toml", "");
    for token in ["one", "two", "three"] {
        sign_in(&here, token).await;
    }
    let listed = here.json(&["session", "list", "ada"]);
    let sessions = listed["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 3);
    assert_eq!(
        (&sessions[0]["user"], &sessions[0]["source"]),
        (&json!("ada"), &json!("192.0.2.7"))
    );
    assert!(here.done(&["session", "list"]).contains("A browser"));
    let id = sessions[0]["id"].as_str().unwrap();
    assert_eq!(
        here.json(&["session", "revoke", id])["revoked"],
        json!([id])
    );
    here.refused(&["session", "revoke", id]);
    let all = here.json(&["session", "revoke", "--user", "ada"]);
    assert_eq!(all["revoked"].as_array().unwrap().len(), 2);
    assert_eq!(here.json(&["session", "list"])["sessions"], json!([]));
    sign_in(&here, "four").await;
    here.done(&["user", "set-password", "ada"]);
    assert_eq!(
        here.json(&["session", "list"])["sessions"],
        json!([]),
        "a new password ends them"
    );
}

#[test]
fn nobody_is_signed_in_yet() {
    let here = with_ada();
    assert_eq!(here.json(&["session", "list"])["sessions"], json!([]));
    assert_eq!(
        here.json(&["session", "list", "ada"])["sessions"],
        json!([])
    );
    assert_eq!(
        here.json(&["session", "revoke", "--user", "ada"])["revoked"],
        json!([])
    );
    here.refused(&["session", "revoke", "nonsense"]);
    here.refused(&["session", "list", "bob"]);
}
