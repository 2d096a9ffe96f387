//! Lists of more than a screen: cut for people, who are told so, and complete for scripts.

use serde_json::{Value, json};

use crate::support::Installation;

fn names(list: &Value) -> Vec<&str> {
    let all = list.as_array().unwrap().iter();
    all.map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn service_providers_are_listed_a_page_at_a_time() {
    let here = Installation::new();
    for name in ["blog", "portal", "store", "wiki"] {
        here.add_sp(name, &["staff"]);
    }
    let listed = here.run(&["sp", "list", "--limit", "2"]);
    assert!(listed.said.contains("portal") && !listed.said.contains("store"));
    let more = &listed.complained;
    assert!(
        more.contains("2 more are registered") && more.contains("--after portal"),
        "{more}"
    );
    let listed = here.run(&["sp", "list", "--after", "portal"]);
    assert!(listed.said.contains("wiki") && !listed.said.contains("blog"));
    assert_eq!(listed.complained, "");
    // In the name, the entityID, or what pages call it, whatever the case.
    let found = here.json(&["sp", "list", "--search", "OR"]);
    assert_eq!(names(&found["sps"]), ["portal", "store"]);
    let all = here.json(&["sp", "list"]);
    assert_eq!(names(&all["sps"]), ["blog", "portal", "store", "wiki"]);
    assert_eq!(all["unreadable"], json!([]));
    let shown = &here.json(&["sp", "show", "store"])["sp"];
    assert_eq!(all["sps"][2], shown.without("source").without("refresh"));
    let some = here.json(&["sp", "list", "--after", "blog", "--limit", "1"]);
    assert_eq!(names(&some["sps"]), ["portal"]);
}

trait Without {
    fn without(&self, field: &str) -> Value;
}

impl Without for Value {
    fn without(&self, field: &str) -> Value {
        let mut value = self.clone();
        value.as_object_mut().unwrap().remove(field);
        value
    }
}

#[test]
fn a_part_of_the_matrix_is_what_the_whole_says_there() {
    let here = Installation::new();
    for name in ["blog", "store"] {
        here.add_sp(name, &["staff"]);
    }
    for (name, role) in [("ada", "staff"), ("bob", "guest")] {
        here.done(&[
            "user",
            "add",
            name,
            "--email",
            "a@b.example",
            "--display-name",
            name,
            "--role",
            role,
        ]);
    }
    let whole = here.json(&["access", "matrix"]);
    assert_eq!(whole["sps"], json!(["blog", "store"]));
    assert_eq!(names(&whole["users"]), ["ada", "bob"]);
    let part = here.json(&["access", "matrix", "--search", "store", "--user", "bob"]);
    assert_eq!(part["sps"], json!(["store"]));
    assert_eq!(names(&part["users"]), ["bob"]);
    let cell = &whole["users"][1]["doors"]["store"];
    assert_eq!(&part["users"][0]["doors"]["store"], cell);
    assert_eq!(cell["allowed"], false);
    let shown = here.run(&["access", "matrix", "--limit", "1"]);
    assert!(shown.said.contains("blog") && !shown.said.contains("store"));
    assert!(shown.complained.contains("1 more doors"), "{shown:?}");
}
