//! What an administrator ends or shuts, the apps are told.

use serde_json::{Value, json};

use crate::app::{App, PASSWORD};
use crate::back_channel::{Manner, app_for, app_with};
use crate::support::app::Product;

fn told(product: &Product, line: &[&str]) -> Value {
    let line: Vec<&str> = line.iter().copied().chain(["--json"]).collect();
    let output = product.try_cli(&line, &format!("{PASSWORD} anew\n"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line:?}: {said}");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    document["told"].clone()
}

async fn product_with_roles() -> Product {
    let product = Product::serve("").await;
    product.add_user("ada", PASSWORD, &["consumer", "publisher"]);
    product
}

#[tokio::test]
async fn c_l11_withdrawing_a_role_tells_the_app_that_is_shut_and_no_other() {
    let product = product_with_roles().await;
    let browser = product.browser();
    let (store, of_store) = app_for(&product, "store", Manner::Confirms, "consumer");
    let (publisher, of_publisher) = app_for(&product, "publisher", Manner::Confirms, "publisher");
    store.enter(&product, &browser, "ada").await;
    let entered = publisher.enter(&product, &browser, "ada").await;
    let said = told(&product, &["user", "revoke", "ada", "publisher"]);
    assert_eq!(said, json!([{"sp": "publisher", "logout": "confirmed"}]));
    let request = of_publisher.request(&product);
    assert_eq!(request.name_id, Some(entered.name_id));
    assert_eq!(request.session_indexes, [entered.session_index]);
    assert!(request.reason.unwrap().ends_with(":admin"));
    assert!(of_store.heard_nothing());
    assert!(
        store.lets_in(&product, &browser).await,
        "the session lives on"
    );
    let said = told(&product, &["user", "revoke", "ada", "publisher"]);
    assert_eq!(said, json!([]), "it has been told");
}

#[tokio::test]
async fn c_l11_ending_a_session_disabling_or_removing_a_user_tells_their_apps() {
    let product = product_with_roles().await;
    let (store, of_store) = app_with(&product, "store", Manner::Confirms);
    let deaf = App::with_redirect(&product, "wiki");
    let both =
        json!([{"sp": "store", "logout": "confirmed"}, {"sp": "wiki", "logout": "not-asked"}]);
    let sorted = |mut told: Value| {
        if let Some(all) = told.as_array_mut() {
            all.sort_by_key(|one| one["sp"].to_string());
        }
        told
    };
    for line in [
        &["session", "revoke", "--user", "ada"][..],
        &["user", "disable", "ada"],
        &["user", "set-password", "ada", "--password-stdin"],
    ] {
        let browser = product.browser();
        store.enter(&product, &browser, "ada").await;
        deaf.enter(&product, &browser, "ada").await;
        assert_eq!(sorted(told(&product, line)), both, "{line:?}");
        of_store.request(&product);
        product.cli(["user", "enable", "ada"]);
        told(&product, &["session", "revoke", "--user", "ada"]);
    }
    product.add_user("bob", PASSWORD, &[]);
    let browser = product.browser();
    store.enter(&product, &browser, "bob").await;
    let said = told(&product, &["user", "remove", "bob"]);
    assert_eq!(said, json!([{"sp": "store", "logout": "confirmed"}]));
}

#[tokio::test]
async fn c_l11_another_rule_tells_about_whom_it_shuts_out() {
    let product = product_with_roles().await;
    product.add_user("bob", PASSWORD, &["consumer"]);
    let (store, of_store) = app_for(&product, "store", Manner::Confirms, "consumer");
    let browsers = [product.browser(), product.browser()];
    let of_ada = store.enter(&product, &browsers[0], "ada").await;
    let of_bob = store.enter(&product, &browsers[1], "bob").await;
    let said = told(
        &product,
        &["sp", "update", "store", "--require-role", "publisher"],
    );
    assert_eq!(
        said,
        json!({"confirmed": 1, "not-asked": 0, "not-confirmed": 0})
    );
    assert_eq!(of_store.request(&product).name_id, Some(of_bob.name_id));
    let said = told(&product, &["sp", "disable", "store"]);
    assert_eq!(
        said,
        json!({"confirmed": 1, "not-asked": 0, "not-confirmed": 0})
    );
    assert_eq!(of_store.request(&product).name_id, Some(of_ada.name_id));
}

#[tokio::test]
async fn c_l11_an_app_that_does_not_answer_does_not_stop_an_administrator() {
    let product = product_with_roles().await;
    let browser = product.browser();
    let (store, _of_store) = app_for(&product, "store", Manner::Hangs, "consumer");
    store.enter(&product, &browser, "ada").await;
    let said = told(&product, &["user", "revoke", "ada", "consumer"]);
    assert_eq!(said, json!([{"sp": "store", "logout": "not-confirmed"}]));
    assert!(!store.lets_in(&product, &browser).await);
}
