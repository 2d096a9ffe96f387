//! `sp add --preset`, and docs/presets.md, which says what each sets.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Installation, sp_acs, sp_id};

const INTRODUCTION: &str = "# Presets

`doorward sp add --preset KIND` registers a service provider (SP) with what that product wants to be told:
the NameID format, the attributes under the names that it looks for, and whether people start at Doorward.
Every other option is as without a preset, and an option that is said beside it wins. `doorward sp show NAME`
says what was set, and `doorward sp update` changes it.

```console
$ doorward sp add --preset gitlab --metadata https://gitlab.example.org/users/auth/saml/metadata \\
    --name gitlab --require-role developer
```

A preset is no rule about who may enter: `--require-role` is needed as ever. Where a product is asked for in
`doorward sp snippet NAME --for KIND`, its own side is printed as well ([interop.md](interop.md)).
Values are templates ([attributes.md](attributes.md)).

This file is written from `src/cli/sp/preset.rs`; `tests/cli/presets.rs` holds the two together.

| preset | NameID | attributes | starts at Doorward | to be known |
| --- | --- | --- | --- | --- |
";

#[test]
fn the_document_says_what_the_presets_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/presets.md");
    let wanted = document(&Installation::new().json(&["sp", "presets"]));
    if std::env::var_os("DOORWARD_TEST_WRITE_DOCS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/presets.md is not up to date: DOORWARD_TEST_WRITE_DOCS=1 cargo test --test cli presets"
    );
}

fn document(presets: &Value) -> String {
    let mut text = INTRODUCTION.to_owned();
    for preset in presets["presets"].as_array().unwrap() {
        let word = |name: &str| preset[name].as_str().unwrap_or_default();
        let mut attributes: Vec<String> = preset["attribute"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("`{}`", one.as_str().unwrap()))
            .collect();
        if let Some(set) = preset["attribute_set"].as_str() {
            attributes.insert(0, format!("the set `{set}`"));
        }
        let name_id = preset["nameid"].as_str().unwrap_or("as it asks");
        let starts = if preset["allow_idp_initiated"] == true {
            "yes"
        } else {
            "no"
        };
        let listed = if attributes.is_empty() {
            "none".to_owned()
        } else {
            attributes.join("<br>")
        };
        let _ = writeln!(
            text,
            "| {} | {name_id} | {listed} | {starts} | {} |",
            word("preset"),
            word("note")
        );
    }
    text
}

#[test]
fn every_preset_registers_and_other_options_win() {
    let here = Installation::new();
    let known = here.json(&["sp", "presets"]);
    for preset in known["presets"].as_array().unwrap() {
        let name = preset["preset"].as_str().unwrap();
        let (id, acs) = (sp_id(name), sp_acs(name));
        let added = here.json(&[
            "sp",
            "add",
            "--preset",
            name,
            "--name",
            name,
            "--entity-id",
            &id,
            "--acs",
            &acs,
            "--require-role",
            "staff",
        ]);
        assert_eq!(added["sp"]["nameid"], preset["nameid"], "{name}");
        assert_eq!(
            added["sp"]["allow_idp_initiated"], preset["allow_idp_initiated"],
            "{name}"
        );
    }
    let (id, acs) = (sp_id("chat"), sp_acs("chat"));
    let added = here.json(&[
        "sp",
        "add",
        "--preset",
        "google-workspace",
        "--name",
        "chat",
        "--entity-id",
        &id,
        "--acs",
        &acs,
        "--require-role",
        "staff",
        "--nameid",
        "persistent",
        "--allow-idp-initiated=false",
    ]);
    assert_eq!(added["sp"]["nameid"], "persistent");
    assert_eq!(added["sp"]["allow_idp_initiated"], false);
}
