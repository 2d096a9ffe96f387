//! A database that is put back to a former state under nodes that go on.

use doorward::storage::shape;

use crate::imports::SETTINGS;
use crate::support::app::Product;
use crate::support::browser::Browser;
use crate::support::sp::Sp;

const PASSWORD: &str = "correct horse battery";

/// Empties the database of a product that goes on.
fn empty(product: &Product) {
    for (table, _) in shape().into_iter().rev() {
        product.by_hand(&format!("DELETE FROM {table}"));
    }
}

/// What mary, who may not enter, is told at the door of the app; she signs in if she has to.
async fn refused_page(product: &Product, mary: &Browser) -> String {
    let page = mary
        .visit(&product.idp("/saml/idp-initiated?sp=store"))
        .await;
    if page.asks_to_sign_in() {
        return mary.sign_in(&page, "mary", PASSWORD).await.body;
    }
    page.body
}

#[tokio::test]
async fn a_node_forgets_what_it_knew_of_a_database_that_was_restored_under_it() {
    let product = Product::serve(SETTINGS).await;
    product.add_user("mary", PASSWORD, &[]);
    let sp = Sp::new("https://store.example/saml", "https://store.example/acs");
    let metadata = product.file("sp.xml", &sp.metadata(""));
    let add = ["sp", "add", "--name", "store", "--metadata", &metadata];
    let rule = ["--require-role", "consumer", "--allow-idp-initiated"];
    product.cli_list(&[&add[..], &rule[..]].concat());
    let backup = product.keys_dir().with_file_name("doorward.backup");
    let file = backup.to_str().unwrap();
    product.cli(["database", "backup", file]);

    let call = |number: &str| {
        let contact = format!("call {number}");
        product.cli(["sp", "update", "store", "--contact", &contact]);
    };
    call("111");
    let mary = product.browser();
    let page = refused_page(&product, &mary).await;
    assert!(page.contains("call 111"), "{page}");
    empty(&product);
    product.cli(["database", "restore", file]);
    // The registration has been changed as often as when the node read it last, to something else.
    call("222");
    let page = refused_page(&product, &mary).await;
    assert!(
        page.contains("call 222") && !page.contains("call 111"),
        "{page}"
    );
    // Its rows hang on a chain that the database has.
    product.cli(["audit", "verify"]);
}
