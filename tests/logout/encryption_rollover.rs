//! One key follows another that apps encrypt to, beside a running server and without a restart.

use serde_json::Value;

use crate::app::{App, Entered, name_id, product, received};
use crate::support::app::Product;
use crate::support::browser::Browser;
use crate::support::oracle::{read, xmlsec1_encrypts};

const TEMPLATE: &str = "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
    Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod \
    Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/><ds:KeyInfo \
    xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><xenc:EncryptedKey>\
    <xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>\
    <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
    <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>";

/// Whether what is encrypted to this certificate is opened: somebody whom nobody knows is asked
/// about, and nobody is logged out.
async fn opens(
    product: &Product,
    browser: &Browser,
    (app, entered): (&App, &Entered),
    certificate: &str,
) -> bool {
    let mut stranger = entered.name_id.clone();
    stranger.value.push('x');
    let declared = "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    let plain = name_id(&stranger).replacen("<saml:NameID", declared, 1);
    let sealed = xmlsec1_encrypts(TEMPLATE, &plain, "aes-256", certificate).unwrap();
    let mut request = app.request(product, entered);
    request.children = format!("<saml:EncryptedID>{sealed}</saml:EncryptedID>");
    let answer = browser.get(&app.redirect(&request, None)).await;
    match received(product, &answer).message.short_status().as_str() {
        "Responder/UnknownPrincipal" => true,
        "Requester" => false,
        other => panic!("{other}"),
    }
}

/// The one key that metadata publishes for encryption.
async fn published(product: &Product) -> String {
    let metadata = product.browser().get(&product.idp("/saml/metadata")).await;
    let metadata = read(&metadata.body).expect("metadata");
    assert_eq!(metadata.encryption_certificates.len(), 1);
    metadata.encryption_pem()
}

fn json(product: &Product, line: &[&str]) -> Value {
    let said = product.cli_list(&[line, &["--json"]].concat());
    serde_json::from_str(&said).expect("JSON")
}

#[tokio::test]
async fn c_e9_iip_idp19_one_encryption_key_follows_another_without_a_restart() {
    let product = product().await;
    let browser = product.browser();
    let store = App::with_redirect(&product, "store");
    let entered = store.enter(&product, &browser, "ada").await;
    let at = (&store, &entered);
    let first = published(&product).await;
    assert!(opens(&product, &browser, at, &first).await);

    let staged = json(&product, &["key", "rotate", "--use", "encryption"]);
    let id = staged["key"]["id"].as_str().unwrap();
    let second = staged["key"]["certificate"].as_str().unwrap();
    assert_eq!(staged["key"]["use"], "encryption");
    assert_eq!(published(&product).await, first, "nobody is told yet");
    assert!(opens(&product, &browser, at, second).await, "it is ready");

    json(&product, &["key", "activate", id]);
    assert_ne!(published(&product).await, first);
    for certificate in [first.as_str(), second] {
        assert!(opens(&product, &browser, at, certificate).await);
    }
    let listed = json(&product, &["key", "list"]);
    let keys = listed["keys"].as_array().unwrap().iter();
    let states: Vec<_> = keys
        .map(|key| (key["use"].as_str(), key["state"].as_str()))
        .collect();
    assert!(
        states.contains(&(Some("encryption"), Some("retiring"))),
        "{states:?}"
    );
    assert!(
        states.contains(&(Some("signing"), Some("active"))),
        "{states:?}"
    );

    json(&product, &["key", "retire"]);
    assert!(!opens(&product, &browser, at, &first).await, "it is gone");
    assert!(opens(&product, &browser, at, second).await);
    // A key that nobody can encrypt to is none.
    let line = [
        "key",
        "rotate",
        "--use",
        "encryption",
        "--algorithm",
        "p256",
    ];
    let refused = product.try_cli(&line, "");
    assert_eq!(refused.status.code(), Some(2));
}
