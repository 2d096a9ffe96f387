//! Service providers that are neither ours nor Rust, each as strict as it can be made. They write
//! the requests and judge the Responses; the browser between is the test.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod case;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod rollover;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod site;
#[cfg(test)]
mod table;

use foreign::{ForeignSp, Judgement};
use serde_json::json;
use site::Kind;
use support::app::Product;

const PASSWORD: &str = "correct horse battery";
const FORMAT_1: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format";
const FORMAT_2: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format";

async fn a_product_with_ada() -> Product {
    let product = Product::serve("").await; // RSA, as python3-saml knows no other
    with_people(&product);
    product
}

fn with_people(product: &Product) {
    product.add_user("ada", PASSWORD, &["store"]);
    product.add_user("grace", PASSWORD, &["publisher"]);
}

/// Every product in every case; `DOORWARD_TEST_SP=samlify` tries one alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_service_provider_does_every_case_it_can() {
    let only = std::env::var("DOORWARD_TEST_SP").ok();
    let wanted = |kind: &Kind| only.as_deref().is_none_or(|word| word == kind.word());
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(wanted).collect();
    let tried = kinds.into_iter().map(|kind| {
        tokio::spawn(async move {
            match kind.missing() {
                Some(why) => (kind, Err(why)),
                None => (kind, Ok(Box::pin(cases::all(kind)).await)),
            }
        })
    });
    let rows = futures_util::future::join_all(tried).await;
    let rows = rows.into_iter().collect::<Result<Vec<_>, _>>();
    let rows = rows.expect("what fails is an outcome");
    let seen = table::document(&rows);
    println!("{seen}\n{}", table::skipped(&rows));
    let failures = table::failures(&rows);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    if only.is_some() {
        println!("only some products were asked for: docs/interop.md was not compared");
        return;
    }
    let ran = rows.iter().filter(|(_, row)| row.is_ok()).count();
    if ran < rows.len() {
        assert!(
            std::env::var_os("CI").is_none(),
            "in CI every product runs:\n{}",
            table::skipped(&rows)
        );
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/interop.md");
    if std::env::var_os("DOORWARD_TEST_WRITE_DOCS").is_some() {
        std::fs::write(path, &seen).expect("docs/interop.md can be written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == seen,
        "docs/interop.md is not up to date: DOORWARD_TEST_WRITE_DOCS=1 cargo test --test interop"
    );
}

/// Ada signs in at the SP; what the SP makes of the Response.
#[cfg(test)]
async fn signed_in(product: &Product, sp: &mut ForeignSp) -> Judgement {
    let browser = product.browser();
    let request = sp.request("https://sp.example/deep?a=b&c=d", json!({}));
    let form = browser.visit(&request.url).await;
    let answer = browser.sign_in(&form, "ada", PASSWORD).await;
    assert_eq!(answer.in_short(), "assertion");
    assert_eq!(
        answer.relay_state().as_deref(),
        Some("https://sp.example/deep?a=b&c=d")
    );
    sp.judge(&answer.encoded_response().expect("a Response"), &request.id)
}

#[tokio::test]
async fn a_strict_python3_saml_accepts_what_we_send() {
    let product = a_product_with_ada().await;
    let mut sp = ForeignSp::python3_saml(&product, &format!("{FORMAT_2}:persistent"), &json!({}));
    sp.register(&product, &["--require-role", "store"]);
    let judgement = signed_in(&product, &mut sp).await;
    assert_eq!(judgement.errors, [""; 0]);
    assert!(judgement.authenticated);
    assert!(judgement.session_index.is_some());
    let attribute = |name: &str| judgement.attributes.get(name).cloned().unwrap_or_default();
    assert_eq!(
        attribute("urn:oid:0.9.2342.19200300.100.1.3"),
        ["ada@example.org"]
    );
    assert_eq!(attribute("urn:oid:2.16.840.1.113730.3.1.241"), ["ada"]);
    assert_eq!(attribute("role"), ["store"]);
}

/// Either signature alone, where the SP wants no more; and the strict one refuses what it lacks, so
/// its yes to the others means something.
#[tokio::test]
async fn each_choice_of_signatures_is_what_it_says() {
    let product = a_product_with_ada().await;
    for (sign, wants_message, wants_assertion) in [
        ("both", true, true),
        ("assertion", false, true),
        ("response", true, false),
    ] {
        let wants =
            json!({"wantMessagesSigned": wants_message, "wantAssertionsSigned": wants_assertion});
        let mut sp = ForeignSp::python3_saml(&product, &format!("{FORMAT_2}:transient"), &wants);
        sp.register(&product, &["--require-role", "store", "--sign", sign]);
        let judgement = signed_in(&product, &mut sp).await;
        assert_eq!(judgement.errors, [""; 0], "--sign {sign}");
        product.cli(["sp", "remove", "foreign"]);
    }
    for (sign, complaint) in [("assertion", "Message"), ("response", "Assertion")] {
        let mut sp =
            ForeignSp::python3_saml(&product, &format!("{FORMAT_2}:transient"), &json!({}));
        sp.register(&product, &["--require-role", "store", "--sign", sign]);
        let judgement = signed_in(&product, &mut sp).await;
        assert!(
            judgement.errors.join(" ").contains(complaint),
            "{:?}",
            judgement.errors
        );
        product.cli(["sp", "remove", "foreign"]);
    }
}

#[tokio::test]
async fn signed_requests_are_verified() {
    let product = a_product_with_ada().await;
    let signs = json!({"authnRequestsSigned": true});
    let mut sp = ForeignSp::python3_saml(&product, &format!("{FORMAT_2}:persistent"), &signs);
    sp.register(&product, &["--require-role", "store"]);
    let judgement = signed_in(&product, &mut sp).await;
    assert_eq!(judgement.errors, [""; 0]);

    // Its metadata says AuthnRequestsSigned: the same request without its signature is refused.
    let request = sp.request("x", json!({}));
    let (endpoint, query) = request.url.split_once('?').expect("a query");
    let is_signature = |part: &&str| part.starts_with("SigAlg=") || part.starts_with("Signature=");
    let rest: Vec<_> = query
        .split('&')
        .filter(|part| !is_signature(part))
        .collect();
    let unsigned = format!("{endpoint}?{}", rest.join("&"));
    let refusal = product.browser().visit(&unsigned).await;
    assert_eq!(
        refusal.reason(),
        Some("unsigned-request"),
        "{}",
        refusal.in_short()
    );
}

#[tokio::test]
async fn each_name_id_format_is_the_one_that_was_asked_for() {
    let product = a_product_with_ada().await;
    let mut table = Vec::new();
    for format in [
        format!("{FORMAT_2}:persistent"),
        format!("{FORMAT_2}:transient"),
        format!("{FORMAT_1}:emailAddress"),
        format!("{FORMAT_1}:unspecified"),
    ] {
        let mut sp = ForeignSp::python3_saml(&product, &format, &json!({}));
        sp.register(&product, &["--require-role", "store"]);
        let first = signed_in(&product, &mut sp).await;
        let second = signed_in(&product, &mut sp).await;
        assert_eq!(first.errors, [""; 0], "{format}");
        let value = first.name_id.expect("a NameID");
        let kept = second.name_id == Some(value.clone());
        let shown = if value.contains("ada") {
            value.as_str()
        } else {
            "opaque"
        };
        let got = first.name_id_format.expect("a format");
        table.push(format!("{format} -> {got} {shown}, again the same: {kept}"));
        product.cli(["sp", "remove", "foreign"]);
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    urn:oasis:names:tc:SAML:2.0:nameid-format:persistent -> urn:oasis:names:tc:SAML:2.0:nameid-format:persistent opaque, again the same: true
    urn:oasis:names:tc:SAML:2.0:nameid-format:transient -> urn:oasis:names:tc:SAML:2.0:nameid-format:transient opaque, again the same: false
    urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress -> urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress ada@example.org, again the same: true
    urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified -> urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified ada, again the same: true
    "#);

    let mut sp = ForeignSp::python3_saml(&product, &format!("{FORMAT_2}:kerberos"), &json!({}));
    sp.register(&product, &["--require-role", "store"]);
    let request = sp.request("x", json!({}));
    let answer = product.browser().visit(&request.url).await;
    let judgement = sp.judge(&answer.encoded_response().expect("a status"), &request.id);
    assert!(!judgement.authenticated);
    assert!(
        judgement.errors.join(" ").contains("InvalidNameIDPolicy"),
        "{:?}",
        judgement.errors
    );
}

#[tokio::test]
async fn who_may_not_enter_brings_no_response() {
    let product = a_product_with_ada().await;
    let mut sp = ForeignSp::python3_saml(&product, &format!("{FORMAT_2}:persistent"), &json!({}));
    sp.register(&product, &["--require-role", "publisher"]);
    let ada = product.browser();
    let request = sp.request("x", json!({}));
    let form = ada.visit(&request.url).await;
    let refusal = ada.sign_in(&form, "ada", PASSWORD).await;
    assert_eq!(refusal.in_short(), "403 missing-role");
    assert!(refusal.encoded_response().is_none());

    // Registered so, the SP is told; and it understands.
    product.cli(["sp", "update", "foreign", "--denied", "status"]);
    let request = sp.request("x", json!({}));
    let answer = ada.visit(&request.url).await;
    let judgement = sp.judge(&answer.encoded_response().expect("a status"), &request.id);
    assert!(!judgement.authenticated);
    assert!(
        judgement.errors.join(" ").contains("RequestDenied"),
        "{:?}",
        judgement.errors
    );

    let request = sp.request("x", json!({"is_passive": true}));
    let answer = ada.visit(&request.url).await;
    let judgement = sp.judge(&answer.encoded_response().expect("a status"), &request.id);
    assert!(
        judgement.errors.join(" ").contains("NoPassive"),
        "{:?}",
        judgement.errors
    );
}

/// What it is strict about: the judge of the tests above can say no.
#[tokio::test]
async fn the_strict_judge_refuses_what_is_not_for_it() {
    let product = a_product_with_ada().await;
    let mut sp = ForeignSp::python3_saml(&product, &format!("{FORMAT_2}:persistent"), &json!({}));
    sp.register(&product, &["--require-role", "store"]);
    let browser = product.browser();
    let request = sp.request("x", json!({}));
    let form = browser.visit(&request.url).await;
    let answer = browser.sign_in(&form, "ada", PASSWORD).await;
    let response = answer.encoded_response().expect("a Response");
    assert!(sp.judge(&response, &request.id).authenticated);
    assert!(
        !sp.judge(&response, "_another").authenticated,
        "another request's answer"
    );
    let altered = support::browser::decoded(&response).replace("ada@", "eve@");
    assert!(
        !sp.judge(&support::browser::encoded(&altered), &request.id)
            .authenticated
    );
}

#[tokio::test]
async fn force_authn_asks_again() {
    let product = a_product_with_ada().await;
    let mut sp = ForeignSp::python3_saml(&product, &format!("{FORMAT_2}:persistent"), &json!({}));
    sp.register(&product, &["--require-role", "store"]);
    let browser = product.browser();
    let form = browser.visit(&sp.request("x", json!({})).url).await;
    browser.sign_in(&form, "ada", PASSWORD).await;
    assert_eq!(
        browser
            .visit(&sp.request("x", json!({})).url)
            .await
            .in_short(),
        "assertion"
    );
    let request = sp.request("x", json!({"force_authn": true}));
    let form = browser.visit(&request.url).await;
    let answer = browser.sign_in(&form, "ada", PASSWORD).await;
    let judgement = sp.judge(&answer.encoded_response().expect("a Response"), &request.id);
    assert_eq!(judgement.errors, [""; 0]);
}
