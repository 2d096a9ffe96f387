//! XML signatures that are good, and cover something else; or are bad in a way of their own
//! (docs/threat-model.md). Each goes to an SP that has to sign and to one that need not:
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
    insta::assert_snapshot!(target.table());
}

/// Vector, and what stands behind the Issuer of the attacker's own request: `{whole}` is the good
/// request, `{signature}` its signature, `{bare}` the request without it, `{object}` the signature
/// with the request in a ds:Object.
const WRAPPED: &[(&str, &str)] = &[
    (
        "T-XSW-1 in Extensions",
        "<samlp:Extensions>{whole}</samlp:Extensions>",
    ),
    ("T-XSW-2 in ds:Object", "{object}"),
    ("T-XSW-3 before the Signature", "{bare}{signature}"),
    ("T-XSW-4 after the Signature", "{signature}{bare}"),
    (
        "T-XSW-5 in Subject",
        "{signature}<saml:Subject>{bare}</saml:Subject>",
    ),
    (
        "T-XSW-9 Reference to an inner one",
        "{signature}<samlp:Extensions>{bare}</samlp:Extensions>",
    ),
    ("T-SIG-REF signature of another", "{signature}"),
];

#[tokio::test]
async fn a_wrapped_signature_is_refused() {
    let mut target = Target::start().await;
    for sp in [target.lax.clone(), target.strict.clone()] {
        let s = signed(&target, &sp);
        let object = format!("<ds:Object>{}</ds:Object></ds:Signature>", s.bare);
        let object = s.signature.replace("</ds:Signature>", &object);
        let other = fresh_id();
        let within = |id: &str, inside: &str| {
            let inside = inside
                .replace("{object}", &object)
                .replace("{whole}", &s.whole);
            let inside = inside
                .replace("{bare}", &s.bare)
                .replace("{signature}", &s.signature);
            evil(&target, &sp, id, &inside)
        };
        let in_issuer = format!("{}</saml:Issuer>", s.bare);
        let mut vectors: Vec<_> = WRAPPED
            .iter()
            .map(|(vector, inside)| (*vector, within(&other, inside)))
            .collect();
        vectors.extend([
            (
                "T-XSW-6 in Issuer",
                within(&other, "{signature}").replace("</saml:Issuer>", &in_issuer),
            ),
            ("T-XSW-7 copy with the same ID", within(&s.id, "{object}")),
            (
                "T-XSW-8 root without ID",
                within(&other, "{object}").replace(&format!(" ID=\"{other}\""), ""),
            ),
            (
                "T-SIG-SEE changed after signing",
                s.whole
                    .replacen(" Version=", " ForceAuthn=\"true\" Version=", 1),
            ),
            ("T-DIFF-1 signed root second", within(&other, "") + &s.whole),
        ]);
        for (vector, xml) in vectors {
            let answer = sent(&target, &xml).await;
            target.refused(vector, &answer);
        }
    }
    insta::assert_snapshot!(target.table());
}

const SHAPES: &[(&str, &str, &str)] = &[
    // (vector, what is replaced in a good signature, by what)
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
    (
        "PI in SignedInfo",
        "</ds:SignedInfo>",
        "<?x y?></ds:SignedInfo>",
    ),
    (
        "PI in SignatureValue",
        "</ds:SignatureValue>",
        "<?x y?></ds:SignatureValue>",
    ),
    (
        "PI in DigestValue",
        "</ds:DigestValue>",
        "<?x y?></ds:DigestValue>",
    ),
    (
        "element in SignedInfo",
        "</ds:SignedInfo>",
        "<x/></ds:SignedInfo>",
    ),
    (
        "element in SignatureValue",
        "</ds:SignatureValue>",
        "<x/></ds:SignatureValue>",
    ),
    (
        "element in DigestValue",
        "</ds:DigestValue>",
        "<x/></ds:DigestValue>",
    ),
    (
        "comment in SignatureValue",
        "</ds:SignatureValue>",
        "<!-- --></ds:SignatureValue>",
    ),
    (
        "comment in DigestValue",
        "</ds:DigestValue>",
        "<!-- --></ds:DigestValue>",
    ),
];

#[tokio::test]
async fn a_signature_of_another_shape_is_refused() {
    let mut target = Target::start().await;
    let sp = target.strict.clone();
    for name in [
        "SignedInfo",
        "SignatureValue",
        "DigestValue",
        "Reference",
        "Transforms",
    ] {
        let s = signed(&target, &sp);
        let twice = part(&s.whole, name).repeat(2);
        let answer = sent(&target, &s.whole.replacen(part(&s.whole, name), &twice, 1)).await;
        target.refused(&format!("T-SIG-SHAPE two {name}"), &answer);
    }
    let canary = target.canary.local_addr().expect("it listens").to_string();
    for (vector, from, to) in SHAPES {
        let s = signed(&target, &sp);
        let bad = s.whole.replacen(from, &to.replace("CANARY", &canary), 1);
        assert_ne!(bad, s.whole, "{vector} changes nothing");
        let answer = sent(&target, &bad).await;
        target.refused(&format!("T-SIG-SHAPE {vector}"), &answer);
    }
    // The canonical form passes over a comment; nothing honest needs one there.
    let s = signed(&target, &sp);
    let commented = s
        .whole
        .replacen("</ds:SignedInfo>", "<!-- --></ds:SignedInfo>", 1);
    let answer = sent(&target, &commented).await;
    target.refused("T-SIG-SHAPE comment in SignedInfo", &answer);
    // What a canonicaliser that fails and says nothing would digest.
    let s = signed(&target, &sp);
    let void = "<ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</ds:DigestValue>";
    let answer = sent(
        &target,
        &s.whole.replacen(part(&s.whole, "DigestValue"), void, 1),
    )
    .await;
    target.refused("T-C14N-VOID", &answer);
    insta::assert_snapshot!(target.table());
}

/// The first element of this name in ds, with its tags.
fn part<'a>(whole: &'a str, name: &str) -> &'a str {
    let end_tag = format!("</ds:{name}>");
    let start = whole.find(&format!("<ds:{name}")).expect("it is there");
    let end = whole.find(&end_tag).expect("it is there") + end_tag.len();
    &whole[start..end]
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
    insta::assert_snapshot!(target.table());
}

/// The first of them is good by xmlsec1: a transform leaves the attacker's part out of the digest.
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
    insta::assert_snapshot!(target.table());
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
    insta::assert_snapshot!(target.table());
}
