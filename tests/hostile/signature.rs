//! XML signatures that are good, and cover something else; or are bad in a way of their own
//! (THREATS.md, sections 2.1 and 3). Each goes to an SP that has to sign and to one that need not:
//! a signature that is there has to be right in both cases.

use crate::support::browser::Answer;
use crate::support::oracle::xmlsec1_signs;
use crate::support::sp::{RSA_SHA1, RSA_SHA256, Sp, fresh_id, signature_template};
use crate::target::Target;

/// A good signed request, in pieces.
struct Signed {
    whole: String,
    signature: String,
    /// The request without its signature.
    bare: String,
    id: String,
}

fn signed(target: &Target, sp: &Sp) -> Signed {
    let request = sp.request(&target.sso());
    let whole = sp.signed_xml(&request);
    let start = whole.find("<ds:Signature ").expect("it is signed");
    let end = whole.find("</ds:Signature>").expect("it is signed") + "</ds:Signature>".len();
    let signature = whole[start..end].to_owned();
    let bare = whole.replace(&signature, "");
    Signed {
        whole,
        signature,
        bare,
        id: request.id,
    }
}

/// An unsigned request of the attacker's in the same SP's name, around `inside`.
fn evil(target: &Target, sp: &Sp, id: &str, inside: &str) -> String {
    let mut request = sp.request(&target.sso()).with("ForceAuthn=\"false\"");
    request.id = id.to_owned();
    request.xml_with(inside)
}

async fn sent(target: &Target, xml: &str) -> Answer {
    target.post(xml.as_bytes()).await
}

#[tokio::test]
async fn a_good_signature_is_accepted() {
    let mut target = Target::start().await;
    for sp in [target.lax.clone(), target.strict.clone()] {
        let answer = sent(&target, &signed(&target, &sp).whole).await;
        target.accepted(&sp.entity_id, &answer);
    }
    let unsigned = target.strict.request(&target.sso()).xml();
    let answer = sent(&target, &unsigned).await;
    target.refused("unsigned, where it has to be", &answer);
    insta::assert_snapshot!(target.table(), @r#"
    https://lax.example/saml         accepted
    https://strict.example/saml      accepted
    unsigned, where it has to be     400 unsigned-request
    "#);
}

#[tokio::test]
async fn a_wrapped_signature_is_refused() {
    let mut target = Target::start().await;
    for sp in [target.lax.clone(), target.strict.clone()] {
        let s = signed(&target, &sp);
        let object = |inside: &str| {
            s.signature.replace(
                "</ds:Signature>",
                &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"),
            )
        };
        let other = fresh_id();
        let within = |id: &str, inside: String| evil(&target, &sp, id, &inside);
        let vectors = [
            (
                "T-XSW-1 in Extensions",
                within(
                    &other,
                    format!("<samlp:Extensions>{}</samlp:Extensions>", s.whole),
                ),
            ),
            ("T-XSW-2 in ds:Object", within(&other, object(&s.bare))),
            (
                "T-XSW-3 before the Signature",
                within(&other, format!("{}{}", s.bare, s.signature)),
            ),
            (
                "T-XSW-4 after the Signature",
                within(&other, format!("{}{}", s.signature, s.bare)),
            ),
            (
                "T-XSW-5 in Subject",
                within(
                    &other,
                    format!("{}<saml:Subject>{}</saml:Subject>", s.signature, s.bare),
                ),
            ),
            (
                "T-XSW-6 in Issuer",
                within(&other, s.signature.clone())
                    .replace("</saml:Issuer>", &format!("{}</saml:Issuer>", s.bare)),
            ),
            (
                "T-XSW-7 copy with the same ID",
                within(&s.id, object(&s.bare)),
            ),
            (
                "T-XSW-8 root without ID",
                within(&other, object(&s.bare)).replacen(&format!(" ID=\"{other}\""), "", 1),
            ),
            (
                "T-XSW-9 Reference to an inner one",
                within(
                    &other,
                    format!(
                        "{}<samlp:Extensions>{}</samlp:Extensions>",
                        s.signature, s.bare
                    ),
                ),
            ),
            (
                "T-SIG-REF signature of another",
                within(&other, s.signature.clone()),
            ),
            (
                "T-SIG-SEE changed after signing",
                s.whole
                    .replacen(" Version=", " ForceAuthn=\"true\" Version=", 1),
            ),
            (
                "T-DIFF-1 signed root second",
                format!("{}{}", within(&other, String::new()), s.whole),
            ),
        ];
        for (vector, xml) in vectors {
            let answer = sent(&target, &xml).await;
            target.refused(vector, &answer);
        }
    }
    insta::assert_snapshot!(target.table(), @r#"
    T-XSW-1 in Extensions            400 bad-signature
    T-XSW-2 in ds:Object             400 bad-signature
    T-XSW-3 before the Signature     400 not-an-authn-request
    T-XSW-4 after the Signature      400 not-an-authn-request
    T-XSW-5 in Subject               400 bad-signature
    T-XSW-6 in Issuer                400 unknown-issuer
    T-XSW-7 copy with the same ID    400 malformed-xml
    T-XSW-8 root without ID          400 bad-signature
    T-XSW-9 Reference to an inner one 400 bad-signature
    T-SIG-REF signature of another   400 bad-signature
    T-SIG-SEE changed after signing  400 bad-signature
    T-DIFF-1 signed root second      400 malformed-xml
    T-XSW-1 in Extensions            400 bad-signature
    T-XSW-2 in ds:Object             400 bad-signature
    T-XSW-3 before the Signature     400 not-an-authn-request
    T-XSW-4 after the Signature      400 not-an-authn-request
    T-XSW-5 in Subject               400 bad-signature
    T-XSW-6 in Issuer                400 unknown-issuer
    T-XSW-7 copy with the same ID    400 malformed-xml
    T-XSW-8 root without ID          400 bad-signature
    T-XSW-9 Reference to an inner one 400 bad-signature
    T-SIG-REF signature of another   400 bad-signature
    T-SIG-SEE changed after signing  400 bad-signature
    T-DIFF-1 signed root second      400 malformed-xml
    "#);
}

#[tokio::test]
async fn a_signature_of_another_shape_is_refused() {
    let mut target = Target::start().await;
    let sp = target.strict.clone();
    let part = |whole: &str, name: &str| {
        let start = whole.find(&format!("<ds:{name}")).expect("it is there");
        let end_tag = format!("</ds:{name}>");
        let end = whole.find(&end_tag).expect("it is there") + end_tag.len();
        whole[start..end].to_owned()
    };
    for name in [
        "SignedInfo",
        "SignatureValue",
        "DigestValue",
        "Reference",
        "Transforms",
    ] {
        let s = signed(&target, &sp);
        let twice = part(&s.whole, name).repeat(2);
        let answer = sent(&target, &s.whole.replacen(&part(&s.whole, name), &twice, 1)).await;
        target.refused(&format!("T-SIG-SHAPE two {name}"), &answer);
    }
    for inside in ["<!-- -->", "<?x y?>", "<x/>"] {
        for name in ["SignedInfo", "SignatureValue", "DigestValue"] {
            let s = signed(&target, &sp);
            let tag = format!("</ds:{name}>");
            let answer = sent(
                &target,
                &s.whole.replacen(&tag, &format!("{inside}{tag}"), 1),
            )
            .await;
            let vector = format!("T-SIG-SHAPE {inside} in {name}");
            if inside == "<!-- -->" && name == "SignedInfo" {
                // Between elements it is no part of what is signed, nor of anything that is read.
                target.accepted(&vector, &answer);
            } else {
                target.refused(&vector, &answer);
            }
        }
    }
    for (vector, from, to) in [
        (
            "two Signatures",
            "<ds:Signature ",
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/><ds:Signature ",
        ),
        (
            "HMACOutputLength",
            "#rsa-sha256\"/>",
            "#rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>",
        ),
        (
            "ds:Object",
            "</ds:Signature>",
            "<ds:Object/></ds:Signature>",
        ),
        (
            "ds:Manifest",
            "</ds:Signature>",
            "<ds:Object><ds:Manifest/></ds:Object></ds:Signature>",
        ),
        (
            "RetrievalMethod",
            "</ds:Signature>",
            "<ds:KeyInfo><ds:RetrievalMethod URI=\"http://CANARY/k\"/></ds:KeyInfo></ds:Signature>",
        ),
        (
            "inclusive C14N",
            "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
            "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>",
        ),
    ] {
        let s = signed(&target, &sp);
        let canary = target.canary.local_addr().expect("it listens").to_string();
        let bad = s.whole.replacen(from, &to.replace("CANARY", &canary), 1);
        assert_ne!(bad, s.whole, "{vector} changes nothing");
        let answer = sent(&target, &bad).await;
        target.refused(&format!("T-SIG-SHAPE {vector}"), &answer);
    }
    // What a canonicaliser that fails and says nothing would digest.
    let s = signed(&target, &sp);
    let digest = part(&s.whole, "DigestValue");
    let void = "<ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</ds:DigestValue>";
    let answer = sent(&target, &s.whole.replacen(&digest, void, 1)).await;
    target.refused("T-C14N-VOID", &answer);
    insta::assert_snapshot!(target.table(), @r#"
    T-SIG-SHAPE two SignedInfo       400 bad-signature
    T-SIG-SHAPE two SignatureValue   400 bad-signature
    T-SIG-SHAPE two DigestValue      400 bad-signature
    T-SIG-SHAPE two Reference        400 bad-signature
    T-SIG-SHAPE two Transforms       400 bad-signature
    T-SIG-SHAPE <!-- --> in SignedInfo accepted
    T-SIG-SHAPE <!-- --> in SignatureValue 400 malformed-xml
    T-SIG-SHAPE <!-- --> in DigestValue 400 malformed-xml
    T-SIG-SHAPE <?x y?> in SignedInfo 400 malformed-xml
    T-SIG-SHAPE <?x y?> in SignatureValue 400 malformed-xml
    T-SIG-SHAPE <?x y?> in DigestValue 400 malformed-xml
    T-SIG-SHAPE <x/> in SignedInfo   400 bad-signature
    T-SIG-SHAPE <x/> in SignatureValue 400 bad-signature
    T-SIG-SHAPE <x/> in DigestValue  400 bad-signature
    T-SIG-SHAPE two Signatures       400 not-an-authn-request
    T-SIG-SHAPE HMACOutputLength     400 bad-signature
    T-SIG-SHAPE ds:Object            400 bad-signature
    T-SIG-SHAPE ds:Manifest          400 bad-signature
    T-SIG-SHAPE RetrievalMethod      400 bad-signature
    T-SIG-SHAPE inclusive C14N       400 bad-signature
    T-C14N-VOID                      400 bad-signature
    "#);
}

/// A Reference is followed to the root of the message and nowhere else, least of all over the network.
#[tokio::test]
async fn a_reference_that_leads_elsewhere_is_refused() {
    let mut target = Target::start().await;
    let sp = target.strict.clone();
    let canary = target.canary.local_addr().expect("it listens").to_string();
    for uri in [
        "",
        "#xpointer(/)",
        "#xpointer(id('ID'))",
        "#",
        "#_other",
        "http://CANARY/r",
        "https://CANARY/r",
        "ftp://CANARY/r",
        "//CANARY/r",
        "file:///etc/passwd",
        "r.xml",
    ] {
        let s = signed(&target, &sp);
        let uri = uri.replace("CANARY", &canary).replace("ID", &s.id);
        let bad = s
            .whole
            .replacen(&format!("URI=\"#{}\"", s.id), &format!("URI=\"{uri}\""), 1);
        let answer = sent(&target, &bad).await;
        target.refused(
            &format!(
                "T-SSRF-REF {}",
                uri.replace(&canary, "CANARY").replace(&s.id, "ID")
            ),
            &answer,
        );
    }
    let s = signed(&target, &sp);
    let answer = sent(
        &target,
        &s.whole.replacen(&format!(" URI=\"#{}\"", s.id), "", 1),
    )
    .await;
    target.refused("T-SSRF-REF absent", &answer);
    insta::assert_snapshot!(target.table(), @r#"
    T-SSRF-REF                       400 bad-signature
    T-SSRF-REF #xpointer(/)          400 bad-signature
    T-SSRF-REF #xpointer(id('ID'))   400 bad-signature
    T-SSRF-REF #                     400 bad-signature
    T-SSRF-REF #_other               400 bad-signature
    T-SSRF-REF http://CANARY/r       400 bad-signature
    T-SSRF-REF https://CANARY/r      400 bad-signature
    T-SSRF-REF ftp://CANARY/r        400 bad-signature
    T-SSRF-REF //CANARY/r            400 bad-signature
    T-SSRF-REF file:///etc/passwd    400 bad-signature
    T-SSRF-REF r.xml                 400 bad-signature
    T-SSRF-REF absent                400 bad-signature
    "#);
}

/// These signatures are good by xmlsec1: an `XPath` that leaves the attacker's part out of the digest.
#[tokio::test]
async fn a_transform_beyond_the_two_is_refused() {
    let mut target = Target::start().await;
    let sp = target.strict.clone();
    let request = sp.request(&target.sso());
    let exclusive =
        "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>";
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(self::samlp:Extensions or ancestor::samlp:Extensions)</ds:XPath></ds:Transform>";
    let template = signature_template(&request.id, RSA_SHA256)
        .replace(exclusive, &format!("{xpath}{exclusive}"));
    let good = xmlsec1_signs(
        &request.xml_with(&template),
        "/*/*[local-name()='Signature']",
        &sp.key_pem(),
    );
    let answer = sent(&target, &good).await;
    target.refused("T-SIG-XPATH", &answer);
    for (vector, transform) in [
        (
            "T-SIG-XPATH2",
            "<ds:Transform Algorithm=\"http://www.w3.org/2002/06/xmldsig-filter2\"/>",
        ),
        (
            "T-SIG-XSLT",
            "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"/></ds:Transform>",
        ),
        (
            "T-SIG-BASE64",
            "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"/>",
        ),
        (
            "T-SIG-DECRYPT",
            "<ds:Transform Algorithm=\"http://www.w3.org/2002/07/decrypt#XML\"/>",
        ),
    ] {
        let s = signed(&target, &sp);
        let bad = s
            .whole
            .replacen(exclusive, &format!("{transform}{exclusive}"), 1);
        assert_ne!(bad, s.whole);
        let answer = sent(&target, &bad).await;
        target.refused(vector, &answer);
    }
    let s = signed(&target, &sp);
    let answer = sent(&target, &s.whole.replacen(exclusive, "</ds:Transforms>", 1)).await;
    target.refused("enveloped-signature alone", &answer);
    insta::assert_snapshot!(target.table(), @r#"
    T-SIG-XPATH                      400 bad-signature
    T-SIG-XPATH2                     400 bad-signature
    T-SIG-XSLT                       400 bad-signature
    T-SIG-BASE64                     400 bad-signature
    T-SIG-DECRYPT                    400 bad-signature
    enveloped-signature alone        400 bad-signature
    "#);
}

#[tokio::test]
async fn a_weak_or_foreign_key_is_refused() {
    let mut target = Target::start().await;
    let sp = target.strict.clone();
    let request = sp.request(&target.sso());
    let template = request.xml_with(&signature_template(&request.id, RSA_SHA1));
    let sha1 = xmlsec1_signs(&template, "/*/*[local-name()='Signature']", &sp.key_pem());
    let answer = sent(&target, &sha1).await;
    target.refused("T-ALG rsa-sha1, good", &answer);
    let request = sp.request(&target.sso());
    let mixed = signature_template(&request.id, RSA_SHA256).replace(
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2000/09/xmldsig#sha1",
    );
    let mixed = xmlsec1_signs(
        &request.xml_with(&mixed),
        "/*/*[local-name()='Signature']",
        &sp.key_pem(),
    );
    let answer = sent(&target, &mixed).await;
    target.refused("T-ALG sha1 digest, good", &answer);
    for algorithm in [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
        "urn:unknown",
        "",
    ] {
        let s = signed(&target, &sp);
        let answer = sent(&target, &s.whole.replacen(RSA_SHA256, algorithm, 1)).await;
        target.refused(&format!("T-ALG {algorithm}"), &answer);
    }
    let mut thief = sp.clone();
    (thief.key, thief.certificate) = crate::support::sp::another_key();
    let s = signed(&target, &thief);
    let answer = sent(&target, &s.whole).await;
    target.refused("another key", &answer);
    let embedded = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        thief.certificate_base64()
    );
    let answer = sent(&target, &s.whole.replacen("</ds:Signature>", &embedded, 1)).await;
    target.refused("T-KEY-EMBEDDED", &answer);
    insta::assert_snapshot!(target.table(), @r#"
    T-ALG rsa-sha1, good             400 bad-signature
    T-ALG sha1 digest, good          400 bad-signature
    T-ALG http://www.w3.org/2001/04/xmldsig-more#rsa-md5 400 bad-signature
    T-ALG http://www.w3.org/2000/09/xmldsig#dsa-sha1 400 bad-signature
    T-ALG http://www.w3.org/2000/09/xmldsig#hmac-sha1 400 bad-signature
    T-ALG http://www.w3.org/2001/04/xmldsig-more#hmac-sha256 400 bad-signature
    T-ALG http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256 400 bad-signature
    T-ALG http://www.w3.org/2007/05/xmldsig-more#rsa-pss 400 bad-signature
    T-ALG urn:unknown                400 bad-signature
    T-ALG                            400 bad-signature
    another key                      400 bad-signature
    T-KEY-EMBEDDED                   400 bad-signature
    "#);
}
