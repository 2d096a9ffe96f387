//! Envelopes and faults (Bindings 3.2), and what SAML knows and we do not offer.

use reqwest::header::CONTENT_TYPE;

use crate::client::{Reply, envelope, post, send};
use crate::support::app::Product;

const PATH: &str = "/saml/soap";

fn request(local: &str) -> String {
    format!(
        "<p:{local} xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_asked\" \
         Version=\"2.0\" IssueInstant=\"2026-11-21T12:00:00Z\"><a:Issuer \
         xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://sp.example</a:Issuer></p:{local}>"
    )
}

/// The reasons in the log, in order.
fn reasons(product: &Product) -> Vec<String> {
    let log = product.log();
    let reasons = log
        .iter()
        .filter_map(|line| line.get("reason").or_else(|| line["fields"].get("reason")));
    reasons
        .filter_map(|reason| reason.as_str())
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn c_b11_a_wrong_envelope_gets_a_fault_and_one_line_in_the_log() {
    let product = Product::serve("").await;
    let good = envelope("", &request("AttributeQuery"));
    let soap_1_2 = good.replace(
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://www.w3.org/2003/05/soap-envelope",
    );
    let header = "<x:y xmlns:x=\"urn:x\" e:mustUnderstand=\"1\"/>";
    let twice = request("AttributeQuery");
    let twice = format!("{twice}{}", twice.replace("_asked", "_again"));
    let vectors = [
        (soap_1_2, "S:VersionMismatch", "malformed-soap"),
        (
            envelope(header, &request("AttributeQuery")),
            "S:MustUnderstand",
            "malformed-soap",
        ),
        (envelope("", &twice), "S:Client", "malformed-soap"),
        (envelope("", ""), "S:Client", "malformed-soap"),
        (request("AttributeQuery"), "S:Client", "malformed-soap"),
        ("no XML".to_owned(), "S:Client", "malformed-xml"),
        (
            format!("<!DOCTYPE x>{}", request("x")),
            "S:Client",
            "malformed-xml",
        ),
        (
            envelope("", "<p:AuthnRequest xmlns:p=\"urn:evil\"/>"),
            "S:Client",
            "unsupported-request",
        ),
        (
            envelope("", &request("Response")),
            "S:Client",
            "unsupported-request",
        ),
    ];
    for (count, (text, code, reason)) in vectors.iter().enumerate() {
        let reply = post(&product, PATH, text).await;
        assert_eq!(reply.status, 500, "SOAP 1.1, 6.2: {text}");
        assert_eq!(reply.fault().as_deref(), Some(*code), "{text}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let logged = reasons(&product);
        assert_eq!(logged.len(), count + 1, "one line each: {logged:?}");
        assert_eq!(logged.last().map(String::as_str), Some(*reason), "{text}");
        assert!(reply.body.contains("Reference: "), "{}", reply.body);
    }
}

#[tokio::test]
async fn c_b11_a_browser_cannot_be_made_to_send_an_envelope_and_soapaction_is_ignored() {
    let product = Product::serve("").await;
    let good = envelope("", &request("AttributeQuery"));
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/xmlx",
        "",
    ] {
        let reply = send(&product, PATH, &good, |r| r.header(CONTENT_TYPE, media)).await;
        assert_eq!(reply.fault().as_deref(), Some("S:Client"), "{media}");
    }
    // What others send, and no form can (RFC 9110; the types that need no preflight are three).
    for media in [
        "application/soap+xml",
        "application/xml",
        "Text/XML;charset=utf-8",
    ] {
        let reply = send(&product, PATH, &good, |r| r.header(CONTENT_TYPE, media)).await;
        assert_eq!(reply.status, 200, "{media}");
    }
    for action in [
        "",
        "\"\"",
        "\"http://www.oasis-open.org/committees/security\"",
        "x",
    ] {
        let reply = send(&product, PATH, &good, |r| {
            r.header(CONTENT_TYPE, "text/xml")
                .header("SOAPAction", action)
        })
        .await;
        assert_eq!(reply.status, 200, "{action}");
    }
    let answer = product.browser().get(&product.idp(PATH)).await;
    assert_eq!(answer.status, 405);
    let huge = envelope("", &format!("<x>{}</x>", "a".repeat(300 * 1024)));
    let reply = post(&product, PATH, &huge).await;
    assert_eq!(
        (reply.status, reply.fault().as_deref()),
        (413, Some("S:Client"))
    );
}

#[tokio::test]
async fn c_d3_c_d5_what_is_not_offered_is_unsupported_and_says_so_in_saml() {
    let product = Product::serve("").await;
    let said = |reply: &Reply| {
        assert_eq!(reply.status, 200, "{}", reply.body);
        let message = reply.message();
        assert_eq!(message.in_response_to.as_deref(), Some("_asked"));
        assert_eq!(
            message.issuer.as_deref(),
            product.metadata.entity_id.as_deref()
        );
        (message.kind.clone(), message.short_status())
    };
    let reply = post(
        &product,
        PATH,
        &envelope("", &request("ManageNameIDRequest")),
    )
    .await;
    let unsupported = "Requester/RequestUnsupported".to_owned();
    assert_eq!(
        said(&reply),
        ("ManageNameIDResponse".to_owned(), unsupported.clone())
    );
    for kind in [
        "NameIDMappingRequest",
        "AttributeQuery",
        "AuthnQuery",
        "AuthzDecisionQuery",
        "AssertionIDRequest",
        "AuthnRequest",
    ] {
        let reply = post(&product, PATH, &envelope("", &request(kind))).await;
        assert_eq!(
            said(&reply),
            ("Response".to_owned(), unsupported.clone()),
            "{kind}"
        );
    }
    let unreadable = request("AuthnQuery").replace("_asked", "not an ID");
    let reply = post(&product, PATH, &envelope("", &unreadable)).await;
    assert_eq!(reply.message().in_response_to, None, "C-R18");
}
