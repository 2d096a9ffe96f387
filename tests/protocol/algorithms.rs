//! Algorithms: those that an SP declares and no others, and none that is denied (IIP-MD10,
//! IIP-ALG08, SAML algorithm support profile).

use crate::installation::Installation;
use crate::support::oracle::Message;
use crate::support::sp::{RSA_SHA256, Sp};

const RSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384";
const RSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";

fn declared(element: &str, algorithm: &str, more: &str) -> String {
    format!(
        r#"<alg:{element} xmlns:alg="urn:oasis:names:tc:SAML:metadata:algsupport" Algorithm="{algorithm}"{more}/>"#
    )
}

async fn response_to(home: &Installation, sp: &Sp) -> Message {
    let answer = home.ask(&home.ada().await, &sp.request(&home.sso())).await;
    let (_, message) = answer
        .response()
        .unwrap_or_else(|| panic!("{}", answer.in_short()));
    message.clone()
}

fn methods(message: &Message) -> Vec<(&str, &str)> {
    let signatures = message.signatures.iter();
    signatures
        .map(|s| (s.method.as_str(), s.digest.as_str()))
        .collect()
}

#[tokio::test]
async fn c_alg3_only_declared_algorithms_are_used() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    let extensions = [
        declared("DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1", ""),
        declared("DigestMethod", SHA512, ""),
        declared("SigningMethod", ECDSA_SHA256, ""),
        declared("SigningMethod", RSA_SHA384, " MinKeySize=\"4096\""),
        declared("SigningMethod", RSA_SHA512, " MinKeySize=\"2048\""),
        declared("SigningMethod", RSA_SHA256, ""),
    ];
    home.register("store", &sp.metadata_with(&extensions.concat(), ""), &[]);
    let message = response_to(&home, &sp).await;
    assert_eq!(
        methods(&message),
        [(RSA_SHA512, SHA512), (RSA_SHA512, SHA512)]
    );
}

#[tokio::test]
async fn c_alg3_without_a_common_algorithm_the_registration_is_refused() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    let foreign = declared("SigningMethod", ECDSA_SHA256, "");
    let refused = home.try_register("store", &sp.metadata_with(&foreign, ""), &[]);
    let why = refused.expect_err("our key is RSA");
    assert!(why.contains("no signature that our key makes"), "{why}");
    let sha1 = declared("DigestMethod", "http://www.w3.org/2000/09/xmldsig#sha1", "");
    let refused = home.try_register("store", &sp.metadata_with(&sha1, ""), &[]);
    let why = refused.expect_err("SHA-1 is not offered");
    assert!(why.contains("no digest that we offer"), "{why}");
    let only_256 = declared("SigningMethod", RSA_SHA256, "");
    let choice = ["--signature-algorithm", "rsa-sha512"];
    let refused = home.try_register("store", &sp.metadata_with(&only_256, ""), &choice);
    let why = refused.expect_err("the choice is not declared");
    assert!(why.contains("does not take it"), "{why}");
    let choice = ["--signature-algorithm", "ecdsa-sha256"];
    let why = home
        .try_register("store", &sp.metadata(""), &choice)
        .expect_err("an RSA key");
    assert!(why.contains("of another type"), "{why}");
}

#[tokio::test]
async fn c_alg1_the_signature_algorithm_can_be_chosen_for_one_sp() {
    let home = Installation::start().await;
    let (store, wiki) = (Installation::sp("store"), Installation::sp("wiki"));
    let choice = ["--signature-algorithm", "rsa-sha512"];
    home.register("store", &store.metadata(""), &choice);
    home.register("wiki", &wiki.metadata(""), &[]);
    let chosen = response_to(&home, &store).await;
    assert_eq!(
        methods(&chosen),
        [(RSA_SHA512, SHA256), (RSA_SHA512, SHA256)]
    );
    let usual = response_to(&home, &wiki).await;
    assert_eq!(
        methods(&usual),
        [(RSA_SHA256, SHA256), (RSA_SHA256, SHA256)]
    );
}

#[tokio::test]
async fn c_alg2_what_is_denied_is_neither_used_nor_accepted_nor_published() {
    let denied = format!("denied_algorithms = [\"{RSA_SHA256}\", \"{SHA256}\"]");
    let settings = format!("signing_algorithm = \"rsa2048\"\n{denied}");
    let home = Installation::with(&settings).await;
    let published = &home.product.metadata.algorithms;
    assert!(!published.is_empty());
    assert!(
        !published
            .iter()
            .any(|uri| uri == RSA_SHA256 || uri == SHA256),
        "{published:?}"
    );
    let sp = Installation::sp("store");
    home.register("store", &sp.metadata(""), &[]);
    let message = response_to(&home, &sp).await;
    assert!(
        methods(&message)
            .iter()
            .all(|(method, digest)| *method != RSA_SHA256 && *digest != SHA256)
    );
    let browser = home.ada().await;
    for (algorithm, expected) in [(RSA_SHA256, "400 bad-signature"), (RSA_SHA512, "assertion")] {
        let xml = sp.request(&home.sso()).xml();
        let query = sp.signed_query(&xml, None, algorithm);
        let answer = browser.visit(&format!("{}?{query}", home.sso())).await;
        assert_eq!(answer.in_short(), expected, "{algorithm}");
    }
}

#[tokio::test]
async fn c_alg3_an_algorithm_that_is_denied_later_stops_the_answers() {
    let mut home = Installation::start().await;
    let sp = Installation::sp("store");
    home.register(
        "store",
        &sp.metadata(""),
        &["--signature-algorithm", "rsa-sha384"],
    );
    home.product
        .settings(&format!("denied_algorithms = [\"{RSA_SHA384}\"]"));
    home.product.restart().await;
    let checked = home.product.try_cli(&["check", "--offline"], "");
    assert!(!checked.status.success(), "check finds it");
    let page = reqwest::get(
        sp.request(&home.sso())
            .with("IsPassive=\"true\"")
            .redirect(None),
    )
    .await;
    let page = page.expect("an answer");
    assert_eq!(page.status(), 500);
    let body = page.text().await.expect("a page");
    assert!(body.contains("/reasons/no-common-algorithm"), "{body}");
}
