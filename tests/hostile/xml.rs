//! Documents that are not what they seem (docs/threat-model.md).

use crate::target::Target;

const MALFORMED: &[(&str, &str, &str)] = &[
    // (vector, what is replaced in a good request, by what)
    (
        "T-NS-1 root in another namespace",
        "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
        "xmlns:samlp=\"urn:evil\"",
    ),
    (
        "T-NS-2 Issuer elsewhere",
        "<saml:Issuer>",
        "<saml:Issuer xmlns:saml=\"urn:e\">",
    ),
    (
        "T-NS-3 foreign ACS attribute",
        "AssertionConsumerServiceURL=",
        "xmlns:e=\"urn:e\" e:AssertionConsumerServiceURL=\"https://evil.example/\" AssertionConsumerServiceURL=",
    ),
    (
        "T-NS-4 foreign ID beside ID",
        " ID=",
        " xmlns:e=\"urn:e\" e:ID=\"_other\" ID=",
    ),
    (
        "T-NS-4 foreign ID instead of ID",
        " ID=",
        " xmlns:e=\"urn:e\" e:ID=",
    ),
    (
        "T-NS undeclared prefix",
        "<saml:Issuer>",
        "<u:x/><saml:Issuer>",
    ),
    (
        "T-NS rebound xml prefix",
        " ID=",
        " xmlns:xml=\"urn:x\" ID=",
    ),
    (
        "T-NS relative namespace",
        "<saml:Issuer>",
        "<q:x xmlns:q=\"1\"/><saml:Issuer>",
    ),
    (
        "T-DIFF-1 two roots",
        "</samlp:AuthnRequest>",
        "</samlp:AuthnRequest><samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>",
    ),
    (
        "T-DIFF-2 trailing garbage",
        "</samlp:AuthnRequest>",
        "</samlp:AuthnRequest>garbage",
    ),
    ("T-DIFF-2 NUL byte", "<saml:Issuer>", "<saml:Issuer>\u{0}"),
    ("T-DIFF-2 missing end tag", "</samlp:AuthnRequest>", ""),
    (
        "T-DIFF-3 undefined entity",
        "<saml:Issuer>",
        "<saml:Issuer>&zz;",
    ),
    (
        "T-DIFF-4 internal entity",
        "<samlp:AuthnRequest ",
        "<!DOCTYPE r [<!ENTITY a \"b\">]><samlp:AuthnRequest Consent=\"&a;\" ",
    ),
    (
        "T-DIFF-5 declared as Latin-1",
        "<samlp:AuthnRequest ",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><samlp:AuthnRequest ",
    ),
    (
        "T-DIFF-5 declared as UTF-7",
        "<samlp:AuthnRequest ",
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?><samlp:AuthnRequest ",
    ),
    (
        "T-DIFF-5 XML 1.1",
        "<samlp:AuthnRequest ",
        "<?xml version=\"1.1\"?><samlp:AuthnRequest ",
    ),
    (
        "T-DIFF attribute twice",
        " Version=\"2.0\"",
        " Version=\"2.0\" Version=\"2.0\"",
    ),
    (
        "T-DIFF no space between attributes",
        "\" Version=",
        "\"Version=",
    ),
    (
        "T-DIFF < in an attribute",
        " Version=\"2.0\"",
        " Version=\"2.0\" Consent=\"<\"",
    ),
    ("T-DIFF ]]> in text", "<saml:Issuer>", "<saml:Issuer>]]>"),
    (
        "T-DIFF illegal character reference",
        "<saml:Issuer>",
        "<saml:Issuer>&#1;",
    ),
    (
        "T-XXE-1 external DTD",
        "<samlp:AuthnRequest ",
        "<!DOCTYPE samlp:AuthnRequest SYSTEM \"http://CANARY/x.dtd\"><samlp:AuthnRequest ",
    ),
    (
        "T-XXE-1 DTD from a file",
        "<samlp:AuthnRequest ",
        "<!DOCTYPE samlp:AuthnRequest SYSTEM \"file:///etc/passwd\"><samlp:AuthnRequest ",
    ),
    (
        "T-XXE-2 parameter entity",
        "<samlp:AuthnRequest ",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://CANARY/p\">%p;]><samlp:AuthnRequest ",
    ),
    (
        "T-XXE-3 external entity",
        "<samlp:AuthnRequest ",
        "<!DOCTYPE r [<!ENTITY e SYSTEM \"http://CANARY/e\">]><samlp:AuthnRequest ",
    ),
    (
        "T-XXE-4 billion laughs",
        "<samlp:AuthnRequest ",
        "<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><samlp:AuthnRequest ",
    ),
    (
        "T-XXE-5 stylesheet PI",
        "<samlp:AuthnRequest ",
        "<?xml-stylesheet href=\"http://CANARY/s.xsl\" type=\"text/xsl\"?><samlp:AuthnRequest ",
    ),
    (
        "T-XXE-6 XInclude",
        "</saml:Issuer>",
        "</saml:Issuer><xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"http://CANARY/i\"/>",
    ),
    (
        "T-XXE-6 schemaLocation",
        " ID=",
        " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"urn:x http://CANARY/x.xsd\" ID=",
    ),
    (
        "T-TXT-COMMENT in the Issuer",
        "<saml:Issuer>https://lax",
        "<saml:Issuer>https://lax<!-- -->",
    ),
    (
        "T-TXT-PI in the Issuer",
        "<saml:Issuer>https://lax",
        "<saml:Issuer>https://lax<?x y?>",
    ),
    (
        "T-TXT element in the Issuer",
        "<saml:Issuer>https://lax",
        "<saml:Issuer>https://lax<b/>",
    ),
    ("T-ABSENT ID", " ID=", " xID="),
    ("T-ABSENT Version", " Version=\"2.0\"", ""),
    ("T-ABSENT IssueInstant", " IssueInstant=", " xIssueInstant="),
    (
        "T-ABSENT Issuer",
        "<saml:Issuer>https://lax.example/saml</saml:Issuer>",
        "",
    ),
    (
        "T-ABSENT Issuer's text",
        "<saml:Issuer>https://lax.example/saml",
        "<saml:Issuer>",
    ),
    ("T-EMPTYSTR empty ID", " ID=\"_", " ID=\"\" Consent=\"urn:"),
    ("T-EMPTYSTR blank in the ID", " ID=\"_", " ID=\"_ "),
    ("T-EMPTYSTR xpointer as ID", " ID=\"_", " ID=\"xpointer(/)"),
    (
        "C-R1 unknown issuer",
        "https://lax.example/saml</",
        "https://unknown.example/saml</",
    ),
    (
        "C-G1 issuer in other letters",
        "https://lax.example/saml</",
        "https://LAX.example/saml</",
    ),
    (
        "C-G1 issuer with a blank",
        "https://lax.example/saml</",
        "https://lax.example/saml </",
    ),
    (
        "C-R1 issuer of another Format",
        "<saml:Issuer>",
        "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">",
    ),
    ("C-G7 version 1.1", " Version=\"2.0\"", " Version=\"1.1\""),
    ("C-G7 version 3.0", " Version=\"2.0\"", " Version=\"3.0\""),
    ("C-G7 version 2.1", " Version=\"2.0\"", " Version=\"2.1\""),
    (
        "C-R5 Destination elsewhere",
        " Destination=\"http://",
        " Destination=\"http://evil.",
    ),
    (
        "C-R5 Destination with a query",
        "/saml/sso\"",
        "/saml/sso?x\"",
    ),
    (
        "boolean that is none",
        " Version=",
        " ForceAuthn=\"yes\" Version=",
    ),
];

#[tokio::test]
async fn documents_that_are_no_authn_request_are_refused() {
    let mut target = Target::start().await;
    let canary = target.canary.local_addr().expect("it listens").to_string();
    for (vector, from, to) in MALFORMED {
        let good = target.request().xml();
        assert!(good.contains(from), "{vector} replaces nothing in {good}");
        let bad = good.replacen(from, &to.replace("CANARY", &canary), 1);
        let by_redirect = target.redirect(&bad).await;
        target.refused(vector, &by_redirect);
        let by_post = target.post(bad.as_bytes()).await;
        assert_eq!(
            by_post.in_short(),
            by_redirect.in_short(),
            "{vector} by POST"
        );
        target.check_refusal(vector, &by_post);
    }
    insta::assert_snapshot!(target.table());
}

#[tokio::test]
async fn other_encodings_than_utf_8_are_refused() {
    let mut target = Target::start().await;
    let good = target.request().xml();
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin_1 = good
        .replace("lax", "l\u{e4}x")
        .chars()
        .map(|c| c as u8)
        .collect::<Vec<_>>();
    let bom_16 = [&[0xfe, 0xff], utf_16.as_slice()].concat();
    for (vector, bytes) in [
        ("T-DIFF-5 UTF-16", utf_16.as_slice()),
        ("T-DIFF-5 UTF-16 with BOM", &bom_16),
        ("T-DIFF-5 Latin-1", &latin_1),
    ] {
        let answer = target.post(bytes).await;
        target.refused(vector, &answer);
    }
    insta::assert_snapshot!(target.table());
}

#[tokio::test]
async fn too_much_of_anything_is_refused() {
    let mut target = Target::start().await;
    let deep = format!(
        "{}{}",
        "<e:x xmlns:e=\"urn:e\">".repeat(40),
        "</e:x>".repeat(40)
    );
    let wide = "<e:x xmlns:e=\"urn:e\"/>".repeat(4_000);
    let many =
        |attribute: fn(usize) -> String| (0..2_000).map(attribute).collect::<Vec<_>>().concat();
    let attributes = many(|n| format!(" a{n}=\"\""));
    let namespaces = many(|n| format!(" xmlns:a{n}=\"urn:a\""));
    for (vector, children) in [
        ("T-SIZE depth", deep),
        ("T-SIZE siblings", wide),
        (
            "T-ATTR attributes",
            format!("<e:x xmlns:e=\"urn:e\"{attributes}/>"),
        ),
        (
            "T-ATTR namespaces",
            format!("<e:x xmlns:e=\"urn:e\"{namespaces}/>"),
        ),
    ] {
        let mut request = target.request();
        request.children = format!("<samlp:Extensions>{children}</samlp:Extensions>");
        let answer = target.redirect(&request.xml()).await;
        target.refused(vector, &answer);
    }
    let mut request = target.request();
    request.issue_instant = "2026-01-01T00:00:00.".to_owned() + &"0".repeat(64 * 1024) + "Z";
    let answer = target.post(request.xml().as_bytes()).await;
    target.refused("T-TIME", &answer);
    let mut request = target.request();
    request.id = "_".to_owned() + &"a".repeat(10_000);
    let answer = target.redirect(&request.xml()).await;
    target.refused("T-EMPTYSTR ID of 10,000", &answer);
    insta::assert_snapshot!(target.table());
}

#[tokio::test]
async fn other_messages_are_no_authn_request() {
    let mut target = Target::start().await;
    for name in [
        "LogoutRequest",
        "Response",
        "ArtifactResolve",
        "AuthnQuery",
        "Assertion",
    ] {
        let other = target.request().xml().replace("AuthnRequest", name);
        let answer = target.redirect(&other).await;
        target.refused(&format!("T-TYPE {name}"), &answer);
    }
    insta::assert_snapshot!(target.table());
}

#[tokio::test]
async fn requests_of_another_time_are_refused() {
    use jiff::SignedDuration;
    let mut target = Target::start().await;
    for (vector, seconds) in [
        ("C-R14 nine minutes old", -540),
        ("C-R14 four minutes ahead", 240),
    ] {
        let request = target.request().issued(SignedDuration::from_secs(seconds));
        let answer = target.redirect(&request.xml()).await;
        target.refused(vector, &answer);
    }
    for (vector, seconds) in [
        ("C-R14 seven minutes old", -420),
        ("C-R14 two minutes ahead", 120),
    ] {
        let request = target.request().issued(SignedDuration::from_secs(seconds));
        let answer = target.redirect(&request.xml()).await;
        target.accepted(vector, &answer);
    }
    for (vector, text) in [
        ("C-G3 offset", "+00:00"),
        ("C-G3 no zone", ""),
        ("C-G3 lower case", "z"),
    ] {
        let mut request = target.request();
        request.issue_instant = request.issue_instant.replace('Z', text);
        let answer = target.redirect(&request.xml()).await;
        target.refused(vector, &answer);
    }
    insta::assert_snapshot!(target.table());
}
