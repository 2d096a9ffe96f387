//! Doors that a source of metadata shuts: the apps behind them hear of it.

use serde_json::{Value, json};

use crate::app::{App, PASSWORD, endpoint};
use crate::back_channel::{Endpoint, Manner};
use crate::support::app::Product;

/// A product with a source that lists one app, and that app's endpoint.
async fn with_source(rule: &str) -> (Product, App, Endpoint) {
    // What only a source has named is asked at no address that a fetch may not reach.
    let product = Product::serve("fetch_allow = [\"loopback\"]").await;
    product.add_user("ada", PASSWORD, &["staff"]);
    let soap = Endpoint::that(Manner::Confirms, "https://wiki.example/saml");
    let (app, metadata) = App::described("wiki", &endpoint("SOAP", &soap.url));
    let file = publish(&product, &metadata);
    let name = ["--name", "federation", "--require-role", rule];
    product.cli_list(&[&["metadata", "add", &file][..], &name].concat());
    (product, app, soap)
}

fn publish(product: &Product, entities: &str) -> String {
    let whole = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{entities}\
         </md:EntitiesDescriptor>"
    );
    product.file("federation.xml", &whole)
}

fn told(product: &Product, line: &[&str]) -> Value {
    let said = product.cli_list(&[line, &["--json"]].concat());
    serde_json::from_str::<Value>(&said).expect("JSON")["told"].clone()
}

fn one_confirmed() -> Value {
    json!({"confirmed": 1, "not-asked": 0, "not-confirmed": 0})
}

#[tokio::test]
async fn c_l11_an_app_that_its_source_withdraws_is_told_whom_it_let_in() {
    let (product, wiki, soap) = with_source("everyone").await;
    let browser = product.browser();
    let entered = wiki.enter(&product, &browser, "ada").await;
    let (other, metadata) = App::described("blog", "");
    publish(&product, &metadata);
    let refresh = ["metadata", "refresh", "federation"];
    assert_eq!(told(&product, &refresh), one_confirmed());
    assert_eq!(soap.request(&product).name_id, Some(entered.name_id));
    assert!(
        other.lets_in(&product, &browser).await,
        "the session lives on"
    );
}

#[tokio::test]
async fn c_l11_another_rule_of_a_source_or_its_end_tells_its_apps() {
    let (product, wiki, soap) = with_source("staff").await;
    let browser = product.browser();
    let entered = wiki.enter(&product, &browser, "ada").await;
    let rule = |role| ["metadata", "update", "federation", "--require-role", role];
    assert_eq!(told(&product, &rule("guest")), one_confirmed());
    assert_eq!(soap.request(&product).name_id, Some(entered.name_id));
    told(&product, &rule("staff"));
    wiki.enter(&product, &browser, "ada").await;
    let remove = ["metadata", "remove", "federation"];
    assert_eq!(told(&product, &remove), one_confirmed());
    soap.request(&product);
}
