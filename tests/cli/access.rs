use serde_json::json;

use crate::support::{Installation, sp_acs};

/// A store for consumers, a publisher for publishers, and one person of each kind.
fn two_doors() -> Installation {
    let here = Installation::new();
    here.add_sp("store", &["consumer"]);
    here.add_sp("publisher", &["publisher"]);
    for (name, roles) in [
        ("carol", &["consumer"][..]),
        ("peter", &["publisher"]),
        ("both", &["consumer", "publisher"]),
        ("gone", &["consumer", "publisher"]),
    ] {
        let email = format!("{name}@example.org");
        let mut line = vec![
            "user",
            "add",
            name,
            "--email",
            &email,
            "--display-name",
            name,
        ];
        for role in roles {
            line.extend(["--role", role]);
        }
        here.done(&line);
    }
    here.done(&["user", "disable", "gone"]);
    here
}

#[test]
fn the_matrix_says_who_may_enter_what() {
    let here = two_doors();
    let text = here.done(&["access", "matrix"]);
    let expected = "\
       publisher         store
both   ✓                 ✓
carol  ·                 ✓
gone   · user-disabled   · user-disabled
peter  ✓                 ·

✓ may enter   · may not
";
    let squeeze = |text: &str| -> Vec<String> {
        let lines = text.lines();
        lines
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    assert_eq!(squeeze(&text), squeeze(expected), "{text}");
    let told = here.json(&["access", "matrix"]);
    assert_eq!(told["sps"], json!(["publisher", "store"]));
    let carol = &told["users"][1];
    assert_eq!(carol["name"], "carol");
    assert_eq!(
        carol["doors"]["store"],
        json!({"allowed": true, "reason": null})
    );
    assert_eq!(
        carol["doors"]["publisher"],
        json!({"allowed": false, "reason": "missing-role"})
    );
}

#[test]
fn explain_gives_the_decision_its_reason_and_the_fix() {
    let here = two_doors();
    assert!(
        here.done(&["access", "explain", "carol", "store"])
            .starts_with("✓ carol may enter store")
    );
    let ended = here.run(&["access", "explain", "carol", "publisher", "--json"]);
    assert_eq!(ended.status, 1);
    assert_eq!(ended.complained.lines().count(), 1);
    assert!(
        ended
            .complained
            .contains("`doorward user grant carol publisher` opens the door")
    );
    let told = ended.json();
    assert_eq!(
        (&told["allowed"], &told["reason"]),
        (&json!(false), &json!("missing-role"))
    );
    assert_eq!(told["rule"], json!({"any_of": ["publisher"]}));
    assert_eq!(
        (&told["roles"], &told["missing_roles"]),
        (&json!(["consumer"]), &json!(["publisher"]))
    );
    here.done(&["user", "grant", "carol", "publisher"]);
    here.done(&["access", "explain", "carol", "publisher"]);
    here.done(&["user", "revoke", "carol", "publisher"]);
    assert!(
        here.refused(&["access", "explain", "carol", "publisher"])
            .contains("role")
    );
    assert!(
        here.refused(&["access", "explain", "gone", "store"])
            .contains("user enable gone")
    );
    here.done(&["sp", "disable", "store"]);
    assert!(
        here.refused(&["access", "explain", "carol", "store"])
            .contains("sp enable store")
    );
    assert!(
        here.refused(&["access", "explain", "nobody", "store"])
            .contains("no user")
    );
    assert!(
        here.refused(&["access", "explain", "carol", "nowhere"])
            .contains("no service provider")
    );
}

#[test]
fn everyone_is_a_role_that_is_chosen_by_name() {
    let here = two_doors();
    let told = here.add_sp("lobby", &["everyone"]);
    assert!(!told.contains("created role"), "{told}");
    here.done(&["access", "explain", "peter", "lobby"]);
    here.refused(&["access", "explain", "gone", "lobby"]);
    assert_eq!(
        here.json(&["user", "grant", "peter", "everyone"])["changed"],
        false
    );
    here.refused(&["user", "revoke", "peter", "everyone"]);
}

#[test]
fn try_shows_an_assertion_that_nobody_can_use() {
    let here = two_doors();
    let told = here.json(&["access", "try", "carol", "store"]);
    let xml = told["assertion"].as_str().unwrap();
    assert_eq!(told["recipient"], json!(sp_acs("store")));
    assert!(
        xml.starts_with("<saml:Assertion ") && xml.contains("carol@example.org"),
        "{xml}"
    );
    assert!(
        xml.contains(">consumer<") && !xml.contains(">publisher<"),
        "{xml}"
    );
    assert!(!xml.contains("Signature"), "{xml}");
    assert!(
        here.refused(&["access", "try", "carol", "publisher"])
            .contains("nothing would be sent")
    );
    let log = here.json(&["audit", "list", "--kind", "assertion"]);
    assert_eq!(log["events"], json!([]), "a dry run releases nothing");
}
