//! The second opinions that every other test relies on can say no: foreign messages, signed by
//! xmlsec1, are believed whole and refused altered.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use support::form::{forms, unescaped};
use support::oracle::{Oracle, read, xmlsec1_signs};
use support::sp::{RSA_SHA256, Sp, fresh_id, signature_template};

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status";

#[test]
fn a_message_that_xmlsec1_signed_is_believed() {
    let (oracle, idp) = a_foreign_idp();
    let message = oracle.check(&signed_error(&idp));
    assert_eq!(message.short_status(), "Responder/NoPassive");
    assert_eq!(message.signed(), ["Response"]);
}

#[test]
fn a_message_altered_after_signing_is_refused() {
    let (oracle, idp) = a_foreign_idp();
    let altered = signed_error(&idp).replace("NoPassive", "AuthnFailed");
    assert!(objects(&oracle, &altered).contains("xmlsec1 refuses"));
}

#[test]
fn a_message_signed_by_somebody_else_is_refused() {
    let (oracle, mut idp) = a_foreign_idp();
    (idp.key, idp.certificate) = support::sp::another_key();
    assert!(objects(&oracle, &signed_error(&idp)).contains("xmlsec1 refuses"));
}

#[test]
fn a_message_that_breaks_the_schema_is_refused() {
    let (oracle, idp) = a_foreign_idp();
    let broken = error(&idp, &fresh_id(), "").replace("</saml:Issuer>", "</saml:Issuer><x/>");
    assert!(objects(&oracle, &broken).contains("schemas"));
    let dateless = error(&idp, &fresh_id(), "").replace("T00:00:00Z", "");
    assert!(objects(&oracle, &dateless).contains("schemas"));
}

#[test]
fn success_without_an_assertion_is_refused() {
    let (oracle, idp) = a_foreign_idp();
    let nested = format!(r#"<samlp:StatusCode Value="{STATUS}:NoPassive"/>"#);
    let empty = error(&idp, &fresh_id(), "")
        .replace(":Responder", ":Success")
        .replace(&nested, "");
    assert!(objects(&oracle, &empty).contains("0 assertions"));
}

#[test]
fn a_signature_over_another_element_is_refused() {
    let idp = Sp::new("https://idp.example/", "https://sp.example/acs");
    let text = error(
        &idp,
        "_outer",
        &signature_template("_elsewhere", RSA_SHA256),
    );
    // Filled in, so that the schemas have nothing to say.
    let text = text.replace("<ds:DigestValue/>", "<ds:DigestValue>AA==</ds:DigestValue>");
    let text = text.replace(
        "<ds:SignatureValue/>",
        "<ds:SignatureValue>AA==</ds:SignatureValue>",
    );
    let why = read(&text).expect_err("the Reference names no parent");
    assert!(why.contains("exactly its parent"), "{why}");
}

#[test]
fn an_authn_request_of_our_test_sp_follows_the_schemas() {
    let sp = Sp::new("https://sp.example/a&b", "https://sp.example/acs?x=1&y=2");
    let request = sp.request("https://idp.example/saml/sso");
    let plain = read(&request.xml()).expect("valid");
    assert_eq!(
        plain.acs_url.as_deref(),
        Some("https://sp.example/acs?x=1&y=2")
    );
    let signed = read(&sp.signed_xml(&request)).expect("valid");
    assert_eq!(signed.signed(), ["AuthnRequest"]);
    read(&sp.metadata("")).expect("its metadata is valid too");
}

#[tokio::test]
async fn the_demo_publishes_metadata_that_follows_the_schemas() {
    let product = support::app::Product::demo().await; // checks the identity provider's at its start
    for app in [
        product.store("/saml/metadata"),
        product.publisher("/saml/metadata"),
    ] {
        let metadata = product.browser().get(&app).await.body;
        let message = read(&metadata).unwrap_or_else(|why| panic!("{why}\n{metadata}"));
        assert_eq!(message.entity_id.as_deref(), Some(app.as_str()));
    }
}

#[test]
fn a_form_is_read_as_it_is_written() {
    let page = r#"<!DOCTYPE html><!-- <form> --><p>1 < 2</p>
        <form id="auto-submit" method="POST" action="https://sp.example/acs?a=1&amp;b=2">
        <input type=hidden name="SAMLResponse" value="PA=="><input name='RelayState' value="&#34;&#x3c;ä&gt;">
        <input type="password" name="p"><button class="b" type="submit">Go &amp; on</button></form>
        <input name="outside">"#;
    let [form] = forms(page).try_into().expect("one form");
    assert_eq!(form.action, "https://sp.example/acs?a=1&b=2");
    assert_eq!(form.method, "post");
    assert_eq!(form.value("SAMLResponse"), Some("PA=="));
    assert_eq!(form.value("RelayState"), Some("\"<ä>"));
    assert_eq!(form.value("outside"), None);
    assert_eq!(form.passwords, ["p"]);
    assert_eq!(form.buttons, ["Go & on"]);
    assert_eq!(
        unescaped("a & b &unknown; &amp;amp;"),
        "a & b &unknown; &amp;"
    );
}

/// An identity provider that is not ours: its metadata, signed by xmlsec1.
fn a_foreign_idp() -> (Oracle, Sp) {
    let idp = Sp::new("https://idp.example/", "https://sp.example/acs");
    let id = fresh_id();
    let template = idp
        .metadata("")
        .replace(" entityID", &format!(" ID=\"{id}\" entityID"))
        .replacen('>', &format!(">{}", signature_template(&id, RSA_SHA256)), 1);
    let signature = "/*/*[local-name()='Signature']";
    let (oracle, message) = Oracle::trusting(&xmlsec1_signs(&template, signature, &idp.key_pem()));
    assert_eq!(message.entity_id.as_deref(), Some("https://idp.example/"));
    (oracle, idp)
}

fn signed_error(idp: &Sp) -> String {
    let id = fresh_id();
    let template = error(idp, &id, &signature_template(&id, RSA_SHA256));
    xmlsec1_signs(&template, "/*/*[local-name()='Signature']", &idp.key_pem())
}

fn error(idp: &Sp, id: &str, signature: &str) -> String {
    format!(
        r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="2026-01-01T00:00:00Z" Destination="{}"><saml:Issuer>{}</saml:Issuer>{signature}<samlp:Status><samlp:StatusCode Value="{STATUS}:Responder"><samlp:StatusCode Value="{STATUS}:NoPassive"/></samlp:StatusCode></samlp:Status></samlp:Response>"#,
        idp.acs, idp.entity_id
    )
}

/// What the oracle has against a message.
#[cfg(test)]
fn objects(oracle: &Oracle, xml: &str) -> String {
    let refused = catch_unwind(AssertUnwindSafe(|| oracle.check(xml)));
    let why = refused.expect_err("the oracle has nothing against it");
    why.downcast_ref::<String>().expect("a message").clone()
}
