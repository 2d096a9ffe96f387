//! The story of a rollover, over HTTP, against a running server, step by step as an operator takes
//! them at the command line beside it.

use serde_json::Value;

use crate::support::app::Product;
use crate::support::browser::{Answer, Browser, decoded};
use crate::support::oracle::{Oracle, xmlsec1_verifies};
use crate::support::sp::Sp;

const PASSWORD: &str = "correct horse battery";

/// A service provider with the certificates that it was given by hand, and nothing else.
struct App {
    name: &'static str,
    sp: Sp,
    trusted: Vec<String>,
}

impl App {
    fn register(product: &Product, name: &'static str, trusted: &[&str]) -> Self {
        let sp = Sp::new(
            &format!("https://{name}.example/saml"),
            &format!("https://{name}.example/acs"),
        );
        let file = product.file(&format!("{name}.xml"), &sp.metadata(""));
        product.cli([
            "sp",
            "add",
            "--metadata",
            &file,
            "--name",
            name,
            "--require-role",
            "staff",
        ]);
        let trusted = trusted.iter().map(|pem| (*pem).to_owned()).collect();
        Self { name, sp, trusted }
    }

    /// Whether every signature of what the SP gets verifies under a certificate that it knows.
    async fn accepts(&self, product: &Product, ada: &Browser) -> bool {
        let request = self.sp.request(&product.idp("/saml/sso"));
        let answer = ada.visit(&request.redirect(None)).await;
        let xml = response_in(&answer);
        let message = crate::support::oracle::read(&xml).expect("it follows the schemas");
        assert!(message.assertion.is_some(), "{}: {xml}", self.name);
        assert_eq!(message.signed(), ["Response", "Assertion"]);
        message.signatures.iter().all(|signature| {
            let mut known = self.trusted.iter();
            known.any(|pem| xmlsec1_verifies(&xml, &signature.xpath, pem))
        })
    }
}

fn response_in(answer: &Answer) -> String {
    decoded(
        &answer
            .encoded_response()
            .unwrap_or_else(|| panic!("{} at {}:\n{}", answer.status, answer.url, answer.body)),
    )
}

fn keys(product: &Product) -> Vec<Value> {
    let listed: Value = serde_json::from_str(&product.cli(["key", "list", "--json"])).unwrap();
    let keys = listed["keys"].as_array().unwrap().iter();
    let signing = keys.filter(|key| key["use"] == "signing");
    signing.cloned().collect()
}

fn staged(product: &Product, arguments: &[&str]) -> (String, String) {
    let line = [&["key", "rotate", "--json"], arguments].concat();
    let output = product.try_cli(&line, "");
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| told["key"][name].as_str().unwrap().to_owned();
    (text("id"), text("certificate"))
}

/// The metadata of this moment, checked by the schemas and by xmlsec1 under its own certificates.
async fn published(product: &Product) -> Vec<String> {
    let answer = reqwest::get(product.idp("/saml/metadata")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let (_, metadata) = Oracle::trusting(&answer.text().await.unwrap());
    metadata.certificates
}

fn bare(pem: &str) -> String {
    pem.lines()
        .filter(|line| !line.starts_with("-----"))
        .collect()
}

/// Ada, signed in. Her browser takes pages of ours for somebody else's, since what it would hold
/// them against is the first key alone; here each service provider judges for itself.
async fn ada(product: &Product, first: &App) -> Browser {
    product.add_user("ada", PASSWORD, &["staff"]);
    let ada = Browser::new(
        "http://elsewhere.invalid".to_owned(),
        product.oracle().clone(),
    );
    let request = first.sp.request(&product.idp("/saml/sso"));
    let form = ada.visit(&request.redirect(None)).await;
    ada.sign_in(&form, "ada", PASSWORD).await;
    ada
}

/// C-MP11: published before its first use, kept until every SP has let go of it.
#[tokio::test]
async fn c_mp11_at_every_step_of_a_rollover_each_sp_verifies_with_what_it_knows() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    let old = keys(&product)[0].clone();
    let (old_id, old_pem) = (
        old["id"].as_str().unwrap().to_owned(),
        old["certificate"].as_str().unwrap().to_owned(),
    );
    let (new_id, new_pem) = staged(&product, &[]);
    assert_eq!(published(&product).await, [bare(&old_pem), bare(&new_pem)]);

    // Three owners: one has not heard of the new key, one has both, one trusts the new one only.
    let late = App::register(&product, "late", &[&old_pem]);
    let both = App::register(&product, "both", &[&old_pem, &new_pem]);
    let quick = App::register(&product, "quick", &[&new_pem]);
    let ada = ada(&product, &late).await;

    // Staged: nothing is signed with it.
    assert!(late.accepts(&product, &ada).await);
    assert!(both.accepts(&product, &ada).await);
    assert!(!quick.accepts(&product, &ada).await, "it came too early");

    // One by one: the quick one goes ahead, at the very next request.
    product.cli(["sp", "update", "quick", "--signing-key", &new_id]);
    assert!(quick.accepts(&product, &ada).await);
    assert!(late.accepts(&product, &ada).await);
    assert!(both.accepts(&product, &ada).await);

    // The late one is held back, then all others follow.
    product.cli(["sp", "update", "late", "--signing-key", &old_id]);
    product.cli(["key", "activate", &new_id]);
    assert!(late.accepts(&product, &ada).await);
    assert!(both.accepts(&product, &ada).await);
    assert!(quick.accepts(&product, &ada).await);
    assert_eq!(published(&product).await, [bare(&old_pem), bare(&new_pem)]);
    assert!(!product.try_cli(&["key", "retire"], "").status.success());

    // Its owner has taken the new certificate: it is let go, and the old key ends.
    product.cli(["sp", "update", "late", "--signing-key", "active"]);
    assert!(
        !late.accepts(&product, &ada).await,
        "signed by the new key now"
    );
    product.cli(["key", "retire"]);
    assert_eq!(published(&product).await, [bare(&new_pem)]);
    assert!(both.accepts(&product, &ada).await);
    assert!(quick.accepts(&product, &ada).await);
    assert_eq!(ada.get(&product.idp("/readyz")).await.status, 200);
    let worst = product
        .log()
        .into_iter()
        .filter(|line| line["level"] == "ERROR");
    assert_eq!(worst.count(), 0);
}

/// The new key may be of another kind, and going back is a step like any other.
#[tokio::test]
async fn a_rollover_to_another_kind_of_key_can_be_taken_back() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    let old_id = keys(&product)[0]["id"].as_str().unwrap().to_owned();
    let old_pem = keys(&product)[0]["certificate"]
        .as_str()
        .unwrap()
        .to_owned();
    let app = App::register(&product, "store", &[&old_pem]);
    let ada = ada(&product, &app).await;

    staged(&product, &["--algorithm", "rsa2048"]);
    product.cli(["key", "activate"]);
    assert!(!app.accepts(&product, &ada).await);
    product.cli(["key", "activate", &old_id]);
    assert!(app.accepts(&product, &ada).await);
}
