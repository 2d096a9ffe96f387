//! What our metadata says, read by lxml and held against both sets of OASIS schemas.

use serde_json::json;

use crate::support::app::Product;
use crate::support::oracle::{Message, Oracle};
use crate::support::sp::{RSA_SHA256, Sp};

const SETTINGS: &str = r#"
display_name = "Sign-in of Example & Sons"
contact = "it@example.org"
scope = "Example.org"
require_signed_requests = true
organization = { name = "Example", url = "https://www.example.org/" }
"#;

async fn fetch(product: &Product) -> reqwest::Response {
    let answer = reqwest::get(product.idp("/saml/metadata")).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer
}

async fn metadata(product: &Product) -> Message {
    Oracle::trusting(&fetch(product).await.text().await.unwrap()).1
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    answer.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn c_mp6_c_mp7_what_the_configuration_tells_people_stands_in_the_metadata() {
    let product = Product::serve(SETTINGS).await;
    let about = metadata(&product).await.about;
    assert_eq!(about["display_name"], "Sign-in of Example & Sons");
    assert_eq!(
        about["technical_contacts"],
        json!(["mailto:it@example.org"])
    );
    assert_eq!(about["scopes"], json!(["example.org"]));
    let organization = json!(["Example", "Example", "https://www.example.org/"]);
    assert_eq!(about["organization"], organization);
    let logo = about["logo"][2].as_str().unwrap();
    assert!(logo.starts_with("data:image/svg+xml;base64,"), "{logo}");
    let help = reqwest::get(about["error_url"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(help.status(), 200);
    assert!(header(&help, "content-type").starts_with("text/html"));
}

#[tokio::test]
async fn c_mp6_without_configuration_nothing_is_said_that_is_not_known() {
    let product = Product::serve("contact = \"extension 4711\"").await;
    let about = metadata(&product).await.about;
    for nothing in ["scopes", "organization", "technical_contacts"] {
        assert_eq!(about[nothing], json!([]), "{nothing}");
    }
    assert_eq!(about["display_name"], "Doorward");
}

#[tokio::test]
async fn c_mp4_c_mp8_a_copy_says_how_long_it_holds_and_what_we_verify() {
    let product = Product::serve("").await;
    let message = metadata(&product).await;
    assert_eq!(message.about["cache_duration"], "PT6H");
    let until = message.valid_until.unwrap();
    let until = crate::support::sp::instant(&until).unwrap();
    let days = (until - crate::support::sp::now())
        .total(jiff::Unit::Hour)
        .unwrap()
        / 24.0;
    assert!((13.0..=14.0).contains(&days), "{days} days");
    let algorithms = message.about["algorithms"].to_string();
    assert!(algorithms.contains(RSA_SHA256), "{algorithms}");
    assert!(!algorithms.contains("sha1"), "{algorithms}");
}

#[tokio::test]
async fn c_mp9_the_metadata_wants_signed_requests_where_they_are_wanted_of_all() {
    let product = Product::serve(SETTINGS).await;
    let message = metadata(&product).await;
    assert_eq!(message.want_authn_requests_signed.as_deref(), Some("true"));
    let sp = Sp::new("https://sp.example/saml", "https://sp.example/acs");
    let file = product.file("sp.xml", &sp.metadata(""));
    product.cli([
        "sp",
        "add",
        "--metadata",
        &file,
        "--name",
        "sp",
        "--require-role",
        "r",
    ]);
    let request = sp.request(&product.idp("/saml/sso"));
    let unsigned = product.browser().visit(&request.redirect(None)).await;
    assert_eq!(unsigned.in_short(), "400 unsigned-request");
    let query = sp.signed_query(&request.xml(), None, RSA_SHA256);
    let signed = product.idp(&format!("/saml/sso?{query}"));
    let signed = product.browser().visit(&signed).await;
    assert!(signed.asks_to_sign_in(), "{}", signed.body);
}

#[tokio::test]
async fn c_mp10_it_is_served_at_the_entity_id_with_an_etag_that_a_new_key_changes() {
    let product = Product::serve("").await;
    let answer = fetch(&product).await;
    assert_eq!(
        header(&answer, "content-type"),
        "application/samlmetadata+xml"
    );
    let etag = header(&answer, "etag").to_owned();
    let text = answer.text().await.unwrap();
    let (_, message) = Oracle::trusting(&text);
    assert_eq!(message.entity_id, Some(product.idp("/saml/metadata")));

    let conditional = async |etag: &str| {
        let request = reqwest::Client::new().get(product.idp("/saml/metadata"));
        let answer = request.header("If-None-Match", etag).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(conditional(&etag).await, 304);
    assert_eq!(conditional(&format!("\"other\", W/{etag}")).await, 304);
    assert_eq!(conditional("\"other\"").await, 200);

    product.cli(["key", "rotate", "--algorithm", "p256"]);
    assert_eq!(conditional(&etag).await, 200, "staged, hence published");
    let changed = fetch(&product).await;
    assert_ne!(header(&changed, "etag"), etag);
    assert_eq!(metadata(&product).await.certificates.len(), 2);
    product.cli(["key", "retire", &staged(&product)]);
    let back = fetch(&product).await;
    assert_eq!(header(&back, "etag"), etag, "the same document again");
    assert_eq!(back.text().await.unwrap(), text);
}

fn staged(product: &Product) -> String {
    let listed: serde_json::Value =
        serde_json::from_str(&product.cli(["key", "list", "--json"])).unwrap();
    let keys = listed["keys"].as_array().unwrap().iter();
    let mut next = keys.filter(|key| key["state"] == "next");
    next.next().unwrap()["id"].as_str().unwrap().to_owned()
}

/// What is advertised is offered (SDP-MD04), at every address.
#[tokio::test]
async fn c_mp1_every_endpoint_that_the_metadata_names_is_there() {
    let product = Product::serve("").await;
    let endpoints = metadata(&product).await.endpoints;
    let sign_on = endpoints
        .iter()
        .filter(|endpoint| endpoint.element == "SingleSignOnService");
    let bindings: Vec<_> = sign_on
        .map(|endpoint| endpoint.binding.rsplit(':').next().unwrap())
        .collect();
    assert!(
        bindings.starts_with(&["HTTP-Redirect", "HTTP-POST"]),
        "{bindings:?}"
    );
    for endpoint in endpoints {
        let location = endpoint.location.unwrap();
        let client = reqwest::Client::new();
        let request = if endpoint.binding.ends_with("HTTP-Redirect") {
            client.get(&location)
        } else {
            client.post(&location)
        };
        let status = request.send().await.unwrap().status().as_u16();
        let there = ![404, 405].contains(&status) && status < 600;
        assert!(there, "{status} at {location} by {}", endpoint.binding);
    }
}
