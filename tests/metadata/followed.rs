//! A service provider that is registered by the address of its own metadata is read again from there.

use std::time::Duration;

use doorward::directory::time::UnixTime;
use serde_json::{Value, json};

use crate::refreshing::Home;
use crate::support::app::Product;
use crate::support::http_server::{Page, Server};
use crate::support::sp::Sp;

fn cli(product: &Product, line: &[&str]) -> Value {
    let said = product.cli_list(&[line, &["--json"]].concat());
    serde_json::from_str(&said).expect("JSON")
}

fn wiki(acs: &str) -> String {
    Sp::new("https://wiki.example/saml", acs).metadata("")
}

fn endpoint(sp: &Value) -> &str {
    sp["acs"][0]["url"].as_str().unwrap()
}

#[tokio::test]
async fn c_mc1_c_mc7_metadata_by_address_is_read_again_and_what_changed_is_shown() {
    let product = Product::serve("fetch_allow = [\"loopback\"]").await;
    let server = Server::new();
    let page = |acs: &str, tag: &str| Page::document(wiki(acs)).with("ETag", tag);
    server.put("/wiki", page("https://wiki.example/acs", "\"1\""));
    let url = server.url("/wiki");
    let add = ["sp", "add", "--name", "wiki", "--require-role", "staff"];
    let added = cli(&product, &[&add[..], &["--metadata", &url]].concat());
    assert_eq!(added["sp"]["refresh"]["url"], json!(url));
    let refresh = ["metadata", "refresh", "wiki"];
    assert_eq!(
        cli(&product, &refresh)["sps"],
        json!([{"sp": "wiki", "what": []}])
    );

    server.put("/wiki", page("https://wiki.example/acs/2", "\"2\""));
    let changed = cli(&product, &refresh);
    let what = changed["sps"][0]["what"].to_string();
    assert!(
        what.contains("answers go to https://wiki.example/acs/2: added"),
        "{what}"
    );
    let shown = cli(&product, &["sp", "show", "wiki"]);
    assert_eq!(endpoint(&shown["sp"]), "https://wiki.example/acs/2");
    let audited = product.cli(["audit", "list", "--kind", "sp-updated", "--json"]);
    assert!(audited.contains("acs/2: added"), "{audited}");
    let asked = server.asked();
    let last = asked.last().unwrap();
    assert_eq!(
        last.headers.get("if-none-match").map(String::as_str),
        Some("\"1\"")
    );

    // Whoever has the address speaks for that one entity, and only with what can be used.
    let another = Sp::new("https://other.example/saml", "https://other.example/acs");
    for bad in [
        another.metadata(""),
        wiki("javascript:alert(1)"),
        "<a/>".to_owned(),
    ] {
        server.put("/wiki", Page::document(bad));
        assert_eq!(product.try_cli(&refresh, "").status.code(), Some(1));
    }
    let shown = cli(&product, &["sp", "show", "wiki"]);
    assert_eq!(
        endpoint(&shown["sp"]),
        "https://wiki.example/acs/2",
        "the last good copy stays"
    );
    assert_eq!(shown["sp"]["refresh"]["failures"], 3);
    let checked = product.try_cli(&["check"], "");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("could not be read again 3 times"), "{said}");

    // What is said by hand afterwards is not undone by the next reading.
    let file = product.file("wiki.xml", &wiki("https://wiki.example/acs/3"));
    let updated = cli(&product, &["sp", "update", "wiki", "--metadata", &file]);
    assert_eq!(updated["sp"]["refresh"], Value::Null);
    assert_eq!(cli(&product, &["metadata", "refresh"])["sps"], json!([]));
}

#[tokio::test]
async fn metadata_is_taken_from_stdin_and_an_address_out_of_reach_is_read_once() {
    let product = Product::serve("").await;
    let server = Server::new();
    server.put("/wiki", Page::document(wiki("https://wiki.example/acs")));
    let url = server.url("/wiki");
    let add = [
        "sp",
        "add",
        "--metadata",
        &url,
        "--name",
        "wiki",
        "--require-role",
        "staff",
    ];
    let added = product.try_cli(&add, "");
    let said = String::from_utf8_lossy(&added.stderr).into_owned();
    assert!(added.status.success(), "{said}");
    assert!(
        said.contains("not read again") && said.contains("fetch_allow"),
        "{said}"
    );
    let update = ["sp", "update", "wiki", "--metadata", "-", "--json"];
    let pasted = product.try_cli(&update, &wiki("https://wiki.example/acs/pasted"));
    let document: Value = serde_json::from_slice(&pasted.stdout).expect("JSON");
    assert_eq!(endpoint(&document["sp"]), "https://wiki.example/acs/pasted");
    assert_eq!(
        product.try_cli(&update, "").status.code(),
        Some(1),
        "nothing was pasted"
    );
}

#[tokio::test]
async fn c_mc1_what_is_due_is_read_again_by_itself_and_failures_are_retried() {
    let home = Home::new().await;
    home.server
        .put("/sp", Page::document(wiki("https://wiki.example/acs")));
    let sp = home
        .registered_by_hand(&wiki("https://wiki.example/acs"))
        .await;
    let followed = home.sources.first(&sp, &home.server.url("/sp")).unwrap();
    home.store.follow(&followed).await.unwrap();
    assert_eq!(
        home.sources.refresh_due().await.unwrap(),
        0,
        "it was read a moment ago"
    );
    home.clock.advance(Duration::from_hours(2));
    home.server
        .put("/sp", Page::document(wiki("https://wiki.example/acs/2")));
    assert_eq!(
        home.sources.refresh_due().await.unwrap(),
        2,
        "it and a source"
    );
    let now = home.store.sp_by_id(&sp.id).await.unwrap().unwrap();
    assert_eq!(
        now.acs.default_endpoint().location,
        "https://wiki.example/acs/2"
    );
    home.server.put("/sp", Page::status(404));
    home.clock.advance(Duration::from_hours(2));
    assert_eq!(
        home.sources.refresh_due().await.unwrap(),
        2,
        "it and a source"
    );
    let state = home.store.followed_sp(&sp.id).await.unwrap().unwrap().state;
    assert_eq!(state.failures, 1);
    let wait = |at: UnixTime| at.since(home.clock.now());
    assert!(wait(state.next_at) <= Duration::from_mins(1));
}
