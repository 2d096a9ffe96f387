//! Signing keys at the command line: staged, activated, retired; and who is held at which.

use crate::support::Installation;
use serde_json::{Value, json};

/// The signing keys as `key list` has them: state and id.
#[cfg(test)]
fn keys(here: &Installation) -> Vec<(String, String)> {
    let listed = here.json(&["key", "list"]);
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    let keys = listed["keys"].as_array().unwrap().iter();
    keys.filter(|key| key["use"] == "signing")
        .map(|key| (text(key, "state"), text(key, "id")))
        .collect()
}

#[cfg(test)]
fn id_of(told: &Value) -> String {
    told["key"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_is_staged_activated_and_retired() {
    let here = Installation::new();
    let first = keys(&here)[0].1.clone();
    let staged = here.json(&["key", "rotate"]);
    let second = id_of(&staged);
    assert_eq!(staged["key"]["algorithm"], "p256", "the kind of the first");
    assert_eq!(
        keys(&here),
        [
            ("active".to_owned(), first.clone()),
            ("next".to_owned(), second.clone())
        ]
    );

    let told = here.json(&["key", "activate"]);
    assert_eq!(
        told,
        json!({"key": second, "changed": true, "retiring": first})
    );
    let again = here.json(&["key", "activate", &second[..6]]);
    assert_eq!(again["changed"], false);
    let back = here.json(&["key", "activate", &first]);
    assert_eq!(back["retiring"], second, "a step back is a step too");
    here.done(&["key", "activate", &second]);

    let told = here.done(&["key", "retire"]);
    assert!(told.contains(&first[..8]), "{told}");
    assert_eq!(keys(&here), [("active".to_owned(), second)]);
}

#[test]
fn illegal_steps_are_refused_with_what_to_do() {
    let here = Installation::new();
    let first = keys(&here)[0].1.clone();
    let nothing_staged = here.refused(&["key", "activate"]);
    assert!(nothing_staged.contains("key rotate"), "{nothing_staged}");
    let only = here.refused(&["key", "retire", &first]);
    assert!(only.contains("activate another first"), "{only}");
    let nothing_to_retire = here.refused(&["key", "retire"]);
    assert!(
        nothing_to_retire.contains("retiring"),
        "{nothing_to_retire}"
    );
    here.done(&["key", "rotate"]);
    here.done(&["key", "rotate", "--algorithm", "p384"]);
    let several = here.refused(&["key", "activate"]);
    assert!(several.contains("name one"), "{several}");
    let unknown = here.refused(&["key", "activate", "ffff"]);
    assert!(unknown.contains("key list"), "{unknown}");
}

#[test]
fn an_sp_is_held_at_a_key_until_it_is_let_go() {
    let here = Installation::new();
    let first = keys(&here)[0].1.clone();
    here.add_sp("store", &["consumer"]);
    here.add_sp("wiki", &["staff"]);
    let second = id_of(&here.json(&["key", "rotate", "--algorithm", "rsa2048"]));

    let moved = here.json(&["sp", "update", "wiki", "--signing-key", &first[..8]]);
    assert_eq!(moved["sp"]["signing_key"], json!(first));
    let told = here.done(&["key", "activate"]);
    assert!(told.contains("wiki"), "who stays is said: {told}");
    let refused = here.refused(&["key", "retire"]);
    assert!(
        refused.contains("sp update wiki --signing-key active"),
        "{refused}"
    );
    let listed = here.json(&["key", "list"]);
    assert_eq!(listed["keys"][0]["held_by"], json!(["wiki"]));

    let let_go = here.json(&["sp", "update", "wiki", "--signing-key", "active"]);
    assert_eq!(let_go["sp"]["signing_key"], json!(null));
    here.done(&["key", "retire"]);
    assert_eq!(keys(&here), [("active".to_owned(), second)]);
    let gone = here.refused(&["sp", "update", "wiki", "--signing-key", &first]);
    assert!(gone.contains("no key"), "{gone}");
}

#[test]
fn every_step_is_in_the_audit_log() {
    let here = Installation::new();
    here.done(&["key", "rotate"]);
    here.done(&["key", "activate"]);
    here.done(&["key", "retire"]);
    for kind in ["key-created", "key-activated", "key-retired"] {
        let log = here.json(&["audit", "list", "--kind", kind]);
        let events = log["events"].as_array().unwrap();
        let last = events.iter().find(|event| {
            let actor = event["actor"].as_str().unwrap_or_default();
            actor.starts_with("cli:")
        });
        assert!(last.is_some(), "{kind}: {log}");
    }
}

#[test]
fn the_list_fits_a_terminal_and_show_has_the_rest() {
    let here = Installation::new();
    let first = keys(&here)[0].1.clone();
    here.done(&["key", "rotate"]);
    let list = here.done(&["key", "list"]);
    let longest = list.lines().map(str::len).max().unwrap();
    assert!(longest <= 90, "{longest} columns:\n{list}");
    let shown = here.done(&["key", "show", &first[..5]]);
    assert!(shown.contains("-----BEGIN CERTIFICATE-----"), "{shown}");
    let listed = here.json(&["key", "list"]);
    let fingerprint = listed["keys"][0]["fingerprint_sha256"].as_str().unwrap();
    assert!(shown.contains(fingerprint), "{shown}");
}
