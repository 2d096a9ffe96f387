//! The product as people run it: `doorward metadata` beside a running `doorward serve`, and what a
//! browser meets at doors that came from a source.

use std::time::{Duration, Instant};

use doorward::directory::time::UnixTime;
use serde_json::Value;

use crate::federation::{DAY, Entity, Federation, MD};
use crate::support::app::Product;
use crate::support::browser::{Answer, Browser};
use crate::support::http_server::{Page, Server};
use crate::support::sp::{Sp, another_key, now};

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

struct World {
    product: Product,
    server: Server,
    federation: Federation,
}

fn in_a_week() -> UnixTime {
    UnixTime::from_millis(now().as_millisecond()).plus(7 * DAY)
}

impl World {
    async fn new() -> Self {
        let world = Self {
            product: Product::serve("fetch_allow = [\"loopback\"]").await,
            server: Server::new(),
            federation: Federation::new(),
        };
        world.product.add_user("ada", "correct horse", &["staff"]);
        world.product.add_user("bob", "correct horse", &["guest"]);
        world
    }

    fn publish(&self, entities: &[Entity]) {
        let document = self.federation.aggregate_until(in_a_week(), entities);
        self.server.put("/all", Page::document(document));
    }

    /// `metadata add` with the federation's certificate.
    fn add(&self, place: &str, more: &[&str]) -> Value {
        let key = self
            .product
            .file("key.pem", &self.federation.certificate_pem());
        let mut arguments = vec!["metadata", "add", place, "--key", &key];
        arguments.extend(["--require-role", "staff", "--json"]);
        arguments.extend(more);
        self.json(&arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.product.cli_list(arguments)).expect("--json says JSON")
    }

    /// Somebody comes from that app with a request that it signed.
    async fn comes(&self, browser: &Browser, sp: &Sp) -> Answer {
        let sso = self.product.idp("/saml/sso");
        let query = sp.signed_query(&sp.request(&sso).xml(), None, RSA_SHA256);
        browser.visit(&format!("{sso}?{query}")).await
    }
}

/// The same service provider for the federation and for the browser.
fn entity_of(sp: &Sp) -> Entity {
    let mut entity = Entity::new(0);
    entity.id.clone_from(&sp.entity_id);
    entity.acs.clone_from(&sp.acs);
    entity.role_attributes = " AuthnRequestsSigned=\"true\"".to_owned();
    entity.certificates = vec![sp.certificate.to_der().unwrap()];
    entity
}

fn wiki() -> Sp {
    Sp::new(
        "https://wiki.example.org/saml",
        "https://wiki.example.org/saml/acs",
    )
}

#[tokio::test]
async fn a_door_from_a_source_opens_to_the_sources_rule_and_follows_its_metadata() {
    let world = World::new().await;
    let wiki = wiki();
    world.publish(&[entity_of(&wiki), Entity::new(1)]);
    let added = world.add(&world.server.url("/all"), &["--name", "federation"]);
    assert_eq!(
        added["refresh"]["added"],
        serde_json::json!(["wiki.example.org", "sp1.example.org"])
    );
    let (ada, bob) = (world.product.browser(), world.product.browser());
    let form = world.comes(&ada, &wiki).await;
    let answer = ada.sign_in(&form, "ada", "correct horse").await;
    assert_eq!(answer.in_short(), "assertion");
    let form = world.comes(&bob, &wiki).await;
    let refused = bob.sign_in(&form, "bob", "correct horse").await;
    assert_eq!(refused.in_short(), "403 missing-role");

    // The rule of the source changes for all that stand under it, at the next request.
    let product = &world.product;
    product.cli([
        "metadata",
        "update",
        "federation",
        "--require-role",
        "guest",
    ]);
    assert_eq!(world.comes(&bob, &wiki).await.in_short(), "assertion");
    assert_eq!(
        world.comes(&ada, &wiki).await.in_short(),
        "403 missing-role"
    );
    product.cli([
        "sp",
        "update",
        "wiki.example.org",
        "--require-role",
        "staff",
    ]);
    product.cli([
        "metadata",
        "update",
        "federation",
        "--require-role",
        "everyone",
    ]);
    assert_eq!(
        world.comes(&bob, &wiki).await.in_short(),
        "403 missing-role"
    );
    product.cli(["sp", "update", "wiki.example.org", "--source-rule"]);
    assert_eq!(world.comes(&bob, &wiki).await.in_short(), "assertion");
}

/// The door of the wiki, from a source that opens it to everybody, and bob inside.
async fn bob_in_the_wiki() -> (World, Browser, Sp) {
    let (world, wiki) = (World::new().await, wiki());
    world.publish(&[entity_of(&wiki), Entity::new(1)]);
    let place = world.server.url("/all");
    let name = ["--name", "federation", "--require-role", "everyone"];
    world.add(&place, &name);
    let bob = world.product.browser();
    let form = world.comes(&bob, &wiki).await;
    let answer = bob.sign_in(&form, "bob", "correct horse").await;
    assert_eq!(answer.in_short(), "assertion");
    (world, bob, wiki)
}

#[tokio::test]
async fn c_s7_a_refresh_rolls_the_key_of_a_service_provider_over_at_the_next_request() {
    let (world, bob, mut wiki) = bob_in_the_wiki().await;
    let product = &world.product;
    // It rolls its key over: both are listed, then the new one alone (C-S7).
    let old = wiki.clone();
    let (key, certificate) = another_key();
    (wiki.key, wiki.certificate) = (key, certificate);
    assert_eq!(
        world.comes(&bob, &wiki).await.in_short(),
        "400 bad-signature"
    );
    let mut both = entity_of(&old);
    both.certificates.extend(entity_of(&wiki).certificates);
    world.publish(&[both, Entity::new(1)]);
    let refreshed = product.cli(["metadata", "refresh", "federation"]);
    assert!(
        refreshed.contains("~ wiki.example.org  key "),
        "{refreshed}"
    );
    assert_eq!(world.comes(&bob, &wiki).await.in_short(), "assertion");
    assert_eq!(world.comes(&bob, &old).await.in_short(), "assertion");
    world.publish(&[entity_of(&wiki), Entity::new(1)]);
    product.cli(["metadata", "refresh"]);
    assert_eq!(world.comes(&bob, &wiki).await.in_short(), "assertion");
    assert_eq!(
        world.comes(&bob, &old).await.in_short(),
        "400 bad-signature"
    );
}

#[tokio::test]
async fn who_leaves_the_federation_is_shut_out_and_the_page_says_so() {
    let (world, bob, wiki) = bob_in_the_wiki().await;
    let product = &world.product;
    // It leaves the federation: its door is shut, and says so.
    world.publish(&[Entity::new(1)]);
    let refreshed = product.cli(["metadata", "refresh"]);
    assert!(
        refreshed.contains("- wiki.example.org  door shut"),
        "{refreshed}"
    );
    assert_eq!(
        world.comes(&bob, &wiki).await.in_short(),
        "403 sp-withdrawn"
    );
    let shown = world.json(&["sp", "show", "wiki.example.org", "--json"]);
    assert_eq!(shown["sp"]["source"]["listed"], false);
    let audited = product.cli(["audit", "list", "--json"]);
    for kind in ["source-added", "sp-withdrawn"] {
        assert!(audited.contains(kind), "{kind}");
    }
}

type Refused<'a> = (Vec<&'a str>, i32, &'static str);

/// What is refused of a source that is there already, with which status, and what is said.
fn refusals<'a>(place: &'a str, key: &'a str, other: &'a str) -> Vec<Refused<'a>> {
    let mut all = additions(place, key, other, ["--require-role", "staff"]);
    all.extend([
        (vec!["metadata", "refresh", "nobody"], 1, "no source"),
        (
            vec!["metadata", "update", "federation"],
            2,
            "nothing to change",
        ),
        (
            vec!["sp", "remove", "sp1.example.org"],
            1,
            "listed by its source",
        ),
        (
            vec![
                "sp",
                "update",
                "sp1.example.org",
                "--acs",
                "https://evil.example/acs",
            ],
            1,
            "described by its source federation",
        ),
        (vec!["role", "remove", "staff"], 1, "asks for the role"),
    ]);
    all
}

fn additions<'a>(
    place: &'a str,
    key: &'a str,
    other: &'a str,
    rule: [&'a str; 2],
) -> Vec<Refused<'a>> {
    vec![
        (
            vec!["metadata", "add", place, "--key", key],
            2,
            "--require-role",
        ),
        (vec!["metadata", "add", place, rule[0], rule[1]], 2, "--key"),
        (
            vec!["metadata", "add", place, "--key", other, rule[0], rule[1]],
            1,
            "none of the registered keys",
        ),
        (
            vec![
                "metadata",
                "add",
                place,
                "--key",
                key,
                rule[0],
                rule[1],
                "--name",
                "federation",
            ],
            1,
            "there is a source federation already",
        ),
        (
            vec![
                "metadata",
                "add",
                "https://169.254.169.254/",
                "--key",
                key,
                rule[0],
                rule[1],
            ],
            1,
            "fetch_allow",
        ),
    ]
}

#[tokio::test]
async fn the_command_line_says_what_it_does_not_take_and_why() {
    let world = World::new().await;
    world.publish(&[Entity::new(1)]);
    let place = world.server.url("/all");
    world.add(&place, &["--name", "federation"]);
    let key = world
        .product
        .file("key.pem", &world.federation.certificate_pem());
    let other = Federation::new().certificate_pem();
    let other = world.product.file("other.pem", &other);
    for (arguments, status, said) in refusals(&place, &key, &other) {
        let output = world.product.try_cli(&arguments, "");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
    let listed = world.json(&["metadata", "list", "--json"]);
    assert_eq!(listed["sources"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["sources"][0]["sps"], 1);
    let removed = world.json(&["metadata", "remove", "federation", "--json"]);
    assert_eq!(removed["sps_removed"], 1);
    assert!(
        !world
            .product
            .cli(["sp", "list"])
            .contains("sp1.example.org")
    );
}

#[tokio::test]
async fn c_mc2_a_message_from_an_unknown_entity_opens_its_door_by_metadata_query() {
    let world = World::new().await;
    let (wiki, ada) = (wiki(), world.product.browser());
    // Without a query service an unknown entity makes no connection.
    assert_eq!(
        world.comes(&ada, &wiki).await.in_short(),
        "400 unknown-issuer"
    );
    world.add(&world.server.url("/mdq"), &["--mdq", "--name", "query"]);
    assert!(world.server.asked().is_empty());
    let start = format!(
        "<md:EntityDescriptor xmlns:md=\"{MD}\" ID=\"_root\" validUntil=\"{}\" ",
        in_a_week()
    );
    let document = entity_of(&wiki).xml();
    let document = document.replacen("<md:EntityDescriptor ", &start, 1);
    let path = "/mdq/entities/https%3A%2F%2Fwiki.example.org%2Fsaml";
    let document = world.federation.sign(&document);
    world.server.put(path, Page::document(document));
    let form = world.comes(&ada, &wiki).await;
    let answer = ada.sign_in(&form, "ada", "correct horse").await;
    assert_eq!(answer.in_short(), "assertion");
    assert_eq!(world.comes(&ada, &wiki).await.in_short(), "assertion");
    assert_eq!(world.server.asked().len(), 1);
    let shown = world.json(&["sp", "show", "wiki.example.org", "--json"]);
    assert_eq!(shown["sp"]["source"]["name"], "query");
}

/// What docs/metadata.md says of ten thousand was measured with this test (`--nocapture`).
#[tokio::test]
async fn c_mc1_ten_thousand_service_providers_neither_stop_nor_slow_a_sign_on() {
    let world = World::new().await;
    let wiki = wiki();
    let mut entities: Vec<_> = (1..10_000).map(Entity::new).collect();
    entities.push(entity_of(&wiki));
    world.publish(&entities);
    let timed = |what: &str, started: Instant| {
        println!("{what}: {} ms", started.elapsed().as_millis());
        started.elapsed()
    };
    let started = Instant::now();
    let added = world.add(&world.server.url("/all"), &["--name", "federation"]);
    // It is there to end a test that would not; a busy machine takes minutes, an idle one seconds.
    assert!(timed("import", started) < Duration::from_mins(10));
    assert_eq!(
        added["refresh"]["added"].as_array().map(Vec::len),
        Some(10_000)
    );
    let started = Instant::now();
    world.product.cli(["metadata", "refresh"]);
    timed("refresh without a change", started);
    let started = Instant::now();
    world.product.cli([
        "metadata",
        "update",
        "federation",
        "--require-role",
        "everyone",
    ]);
    timed("another rule for all", started);
    let started = Instant::now();
    world.product.cli(["sp", "list"]);
    timed("sp list", started);
    let ada = world.product.browser();
    let form = world.comes(&ada, &wiki).await;
    let answer = ada.sign_in(&form, "ada", "correct horse").await;
    assert_eq!(answer.in_short(), "assertion");
    println!("memory: {} KiB", world.product.resident_kib());
    let started = Instant::now();
    let visits = 20;
    for _ in 0..visits {
        assert_eq!(world.comes(&ada, &wiki).await.in_short(), "assertion");
    }
    let each = timed("warm sign-ons, xmlsec1's checks among them", started) / visits;
    assert!(each < Duration::from_secs(5), "{each:?}");
    let started = Instant::now();
    assert_eq!(ada.get(&world.product.idp("/")).await.status, 200);
    timed("start page", started);
}
