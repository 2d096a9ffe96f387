//! A LogoutRequest names people as they were named to the app: encrypted where that was (decision 50).

use crate::app::{App, name_id, product};
use crate::back_channel::{Endpoint, Manner, app_with, message_in};
use crate::support::app::Product;
use crate::support::oracle::xmlsec1_decrypts;

const ENCRYPTED: &str =
    "<samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted\"/>";

/// Gives the app a key to encrypt to, and options.
fn with_key(product: &Product, app: &App, options: &[&str]) {
    let certificate = product.file("encryption.pem", &app.sp.certificate_pem());
    let update = ["sp", "update", &app.name, "--encryption-certificate"];
    product.cli_list(&[&update[..], &[&certificate], options].concat());
}

/// The LogoutRequest that comes when somebody's sessions are ended; its schema and signature are
/// checked.
fn told(product: &Product, soap: &Endpoint) -> String {
    product.cli(["session", "revoke", "--user", "ada"]);
    let xml = message_in(&soap.body());
    assert_eq!(product.oracle().check(&xml).signed(), ["LogoutRequest"]);
    xml
}

#[tokio::test]
async fn c_l6_who_came_as_an_encrypted_id_leaves_as_one() {
    let product = product().await;
    let (store, soap) = app_with(&product, "store", Manner::Confirms);
    with_key(&product, &store, &["--encrypt", "auto"]);
    // The app opens what it gets with its own key.
    let product = product.decrypting(&store.sp.key_pem());
    let entered = store
        .enter_asking(&product, &product.browser(), "ada", ENCRYPTED)
        .await;
    let xml = told(&product, &soap);
    assert!(!xml.contains(&entered.name_id.value), "{xml}");
    let opened = xmlsec1_decrypts(&xml, &store.sp.key_pem()).unwrap();
    let expected = name_id(&entered.name_id).replacen(
        "<saml:NameID",
        "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
        1,
    );
    assert!(opened.contains(&expected), "{expected}\n{opened}");
}

#[tokio::test]
async fn c_l6_where_everything_is_encrypted_the_name_id_of_a_logout_is_too() {
    let product = product().await;
    let (store, soap) = app_with(&product, "store", Manner::Confirms);
    with_key(&product, &store, &["--encrypt", "always"]);
    let product = product.decrypting(&store.sp.key_pem());
    let enter = async || store.enter(&product, &product.browser(), "ada").await;
    let value = enter().await.name_id.value;
    let xml = told(&product, &soap);
    assert!(!xml.contains(&value), "{xml}");
    let opened = xmlsec1_decrypts(&xml, &store.sp.key_pem()).unwrap();
    assert!(opened.contains(&value), "{opened}");
    // Some software cannot read that, and the administrator may say so.
    product.cli(["sp", "update", "store", "--plain-logout"]);
    enter().await;
    let xml = told(&product, &soap);
    assert!(xml.contains(&value), "{xml}");
}
