//! XML signatures that are good, and cover something else; or are bad in a way of their own
//! (docs/threat-model.md). Each goes to an SP that has to sign and to one that need not:
//! a signature that is there has to be right in both cases.

use std::sync::OnceLock;

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use crate::kinds::{By, KINDS, Kind};
use crate::message::Draft;
use crate::support::oracle::xmlsec1_signs;
use crate::support::sp::{RSA_SHA1, RSA_SHA256, Sp, another_key, fresh_id, signature_template};
use crate::target::Target;

/// A good signed message, in pieces.
struct Signed {
    whole: String,
    signature: String,
    /// The message without its signature.
    bare: String,
}

fn signed(draft: &Draft, sp: &Sp) -> Signed {
    let whole = draft.signed_by(sp);
    let start = whole.find("<ds:Signature ").expect("it is signed");
    let end = whole.find("</ds:Signature>").expect("it is signed") + "</ds:Signature>".len();
    let signature = whole[start..end].to_owned();
    let bare = whole.replace(&signature, "");
    Signed {
        whole,
        signature,
        bare,
    }
}

#[tokio::test]
async fn c_r6_c_s4_a_good_signature_is_accepted_and_none_is_not_where_there_has_to_be_one() {
    let mut target = Target::start().await;
    for kind in KINDS {
        let sp = kind.sp(&target);
        target.good_one_is_accepted(kind).await;
        if kind.signed {
            let unsigned = (kind.draft)(&target, &sp).xml_with("");
            let vector = "unsigned, where it has to be";
            if matches!(kind.by, By::Soap | By::File) {
                target.attack(kind, vector, unsigned.as_bytes()).await;
            } else {
                let bare = kind.encoded_unsigned(unsigned.as_bytes());
                target.attack_with(kind, vector, &bare).await;
            }
        }
    }
    insta::assert_snapshot!(target.table());
}

/// Vector, and what stands where the attacker's own message has its signature: `{whole}` is the good
/// message, `{signature}` its signature, `{bare}` the message without it, `{object}` the signature
/// with the message in a ds:Object.
const WRAPPED: &[(&str, &str)] = &[
    (
        "T-XSW-1 in Extensions",
        "<{prefix}:Extensions>{whole}</{prefix}:Extensions>",
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
        "{signature}<{prefix}:Extensions>{bare}</{prefix}:Extensions>",
    ),
    (
        "T-XSW-9 Reference to an inner signed one",
        "{signature}<{prefix}:Extensions>{whole}</{prefix}:Extensions>",
    ),
    ("T-SIG-REF signature of another", "{signature}"),
];

/// What attackers make of a good message: the name of the vector, and the document.
pub(crate) type Vectors = Vec<(String, String)>;

/// T-XSW: the good message inside one of the attacker's.
pub(crate) fn wrapped(draft: &Draft, sp: &Sp) -> Vectors {
    let s = signed(draft, sp);
    let object = format!("<ds:Object>{}</ds:Object></ds:Signature>", s.bare);
    let object = s.signature.replace("</ds:Signature>", &object);
    let other = fresh_id();
    let prefix = match draft {
        Draft::Protocol(_) => "samlp",
        Draft::Metadata(_) => "md",
    };
    let within = |id: &str, inside: &str| {
        let inside = inside
            .replace("{prefix}", prefix)
            .replace("{object}", &object)
            .replace("{whole}", &s.whole)
            .replace("{bare}", &s.bare)
            .replace("{signature}", &s.signature);
        draft.evil(id, &inside)
    };
    let mut vectors: Vec<_> = WRAPPED
        .iter()
        .map(|(vector, inside)| (*vector, within(&other, inside)))
        .collect();
    let changed = match draft {
        Draft::Protocol(_) => s
            .whole
            .replacen(" Version=", " Consent=\"urn:evil\" Version=", 1),
        Draft::Metadata(_) => s.whole.replacen(" index=\"0\"", " index=\"1\"", 1),
    };
    vectors.extend([
        (
            "T-XSW-7 copy with the same ID",
            within(draft.id(), "{object}"),
        ),
        (
            "T-XSW-8 root without ID",
            within(&other, "{object}").replace(&format!(" ID=\"{other}\""), ""),
        ),
        ("T-SIG-SEE changed after signing", changed),
        ("T-DIFF-1 signed root second", within(&other, "") + &s.whole),
    ]);
    if let Draft::Protocol(_) = draft {
        let in_issuer = format!("{}</saml:Issuer>", s.bare);
        let evil = within(&other, "{signature}").replace("</saml:Issuer>", &in_issuer);
        vectors.push(("T-XSW-6 in Issuer", evil));
    }
    named(vectors)
}

fn named(vectors: Vec<(&str, String)>) -> Vectors {
    let named = vectors
        .into_iter()
        .map(|(name, xml)| (name.to_owned(), xml));
    named.collect()
}

/// Tries everything that `make` makes of a good message, on every kind that can carry a signature.
async fn try_all(make: impl Fn(&Draft, &Sp, &str) -> Vectors) -> String {
    let mut target = Target::start().await;
    let canary = target.canary.local_addr().expect("it listens").to_string();
    for kind in Kind::with_enveloped_signature() {
        let sp = kind.sp(&target);
        let draft = (kind.draft)(&target, &sp);
        for (vector, xml) in make(&draft, &sp, &canary) {
            target.attack(kind, &vector, xml.as_bytes()).await;
        }
    }
    target.table()
}

#[tokio::test]
async fn t_xsw_1_to_9_t_sig_ref_a_wrapped_signature_is_refused() {
    insta::assert_snapshot!(try_all(|draft, sp, _| wrapped(draft, sp)).await);
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
    // The canonical form passes over a comment; nothing honest needs one there.
    (
        "comment in SignedInfo",
        "</ds:SignedInfo>",
        "<!-- --></ds:SignedInfo>",
    ),
    (
        "CDATA with markup in DigestValue",
        "</ds:DigestValue>",
        "<![CDATA[<x>]]></ds:DigestValue>",
    ),
    (
        "KeyInfoReference",
        "</ds:Signature>",
        "<ds:KeyInfo><x:KeyInfoReference xmlns:x=\"http://www.w3.org/2009/xmldsig11#\" URI=\"http://CANARY/k\"/></ds:KeyInfo></ds:Signature>",
    ),
    (
        "foreign SignedInfo",
        "<ds:SignedInfo>",
        "<ds:SignedInfo xmlns:ds=\"urn:ds\">",
    ),
    (
        "comment in DigestValue",
        "</ds:DigestValue>",
        "<!-- --></ds:DigestValue>",
    ),
];

/// T-SIG-SHAPE: a good signature with something in it that does not belong there.
pub(crate) fn misshapen(draft: &Draft, sp: &Sp, canary: &str) -> Vectors {
    let s = signed(draft, sp);
    let twice = |name: &str| {
        let twice = part(&s.whole, name).repeat(2);
        let vector = match name {
            "Reference" => "T-SIG-MULTIREF two Reference".to_owned(),
            name => format!("T-SIG-SHAPE two {name}"),
        };
        (vector, s.whole.replacen(part(&s.whole, name), &twice, 1))
    };
    let names = [
        "SignedInfo",
        "SignatureValue",
        "DigestValue",
        "Reference",
        "Transforms",
    ];
    let mut vectors: Vectors = names.map(twice).into();
    vectors.extend(SHAPES.iter().map(|(vector, from, to)| {
        let bad = s.whole.replacen(from, &to.replace("CANARY", canary), 1);
        assert_ne!(bad, s.whole, "{vector} changes nothing");
        (format!("T-SIG-SHAPE {vector}"), bad)
    }));
    // What a canonicaliser that fails and says nothing would digest.
    let void = "<ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</ds:DigestValue>";
    let bad = s.whole.replacen(part(&s.whole, "DigestValue"), void, 1);
    vectors.push(("T-C14N-VOID digest of nothing".to_owned(), bad));
    vectors
}

#[tokio::test]
async fn t_sig_shape_t_sig_multiref_t_c14n_void_a_signature_of_another_shape_is_refused() {
    insta::assert_snapshot!(try_all(misshapen).await);
}

/// The first element of this name in ds, with its tags.
fn part<'a>(whole: &'a str, name: &str) -> &'a str {
    let end_tag = format!("</ds:{name}>");
    let start = whole.find(&format!("<ds:{name}")).expect("it is there");
    let end = whole.find(&end_tag).expect("it is there") + end_tag.len();
    &whole[start..end]
}

const REFERENCES: [&str; 13] = [
    "",
    "#xpointer(/)",
    "#xpointer(id('ID'))",
    "#",
    "#_other",
    "#ID ",
    "http://CANARY/r",
    "http://CANARY/r#ID",
    "https://CANARY/r",
    "ftp://CANARY/r",
    "//CANARY/r",
    "file:///etc/passwd",
    "r.xml",
];

/// T-SSRF-REF: a Reference that does not lead to the root of the message.
pub(crate) fn led_elsewhere(draft: &Draft, sp: &Sp, canary: &str) -> Vectors {
    let s = signed(draft, sp);
    let to = |place: &str| {
        let uri = place.replace("CANARY", canary).replace("ID", draft.id());
        let here = format!("URI=\"#{}\"", draft.id());
        let bad = s.whole.replacen(&here, &format!("URI=\"{uri}\""), 1);
        (format!("T-SSRF-REF {place:?}"), bad)
    };
    let mut vectors: Vectors = REFERENCES.map(to).into();
    let absent = s
        .whole
        .replacen(&format!(" URI=\"#{}\"", draft.id()), "", 1);
    vectors.push(("T-SSRF-REF absent".to_owned(), absent));
    vectors
}

/// A Reference is followed to the root of the message and nowhere else, least of all over the network.
#[tokio::test]
async fn t_ssrf_ref_a_reference_that_leads_elsewhere_is_refused() {
    insta::assert_snapshot!(try_all(led_elsewhere).await);
}

const EXCLUSIVE: &str =
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>";

const TRANSFORMS: &[(&str, &str)] = &[
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
    (
        "T-SIG unknown transform",
        "<ds:Transform Algorithm=\"urn:unknown\"/>",
    ),
];

/// T-SIG-XPATH and the others. The first is good by xmlsec1, since a transform leaves the attacker's
/// part out of the digest (SSO01-fk).
pub(crate) fn transformed(draft: &Draft, sp: &Sp, _: &str) -> Vectors {
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(ancestor-or-self::*[local-name()='Extensions'])</ds:XPath></ds:Transform>";
    let template = draft
        .template()
        .replace(EXCLUSIVE, &format!("{xpath}{EXCLUSIVE}"));
    let good = xmlsec1_signs(
        &draft.xml_with(&template),
        "/*/*[local-name()='Signature']",
        &sp.key_pem(),
    );
    let mut vectors = vec![("T-SIG-XPATH good by xmlsec1", good)];
    let s = signed(draft, sp);
    vectors.extend(TRANSFORMS.iter().map(|(vector, transform)| {
        let added = format!("{transform}{EXCLUSIVE}");
        (*vector, s.whole.replacen(EXCLUSIVE, &added, 1))
    }));
    vectors.push((
        "T-SIG enveloped-signature alone",
        s.whole.replacen(EXCLUSIVE, "</ds:Transforms>", 1),
    ));
    named(vectors)
}

#[tokio::test]
async fn t_sig_xslt_t_sig_xpath_iip_sso01_fk_a_transform_beyond_the_two_is_refused() {
    insta::assert_snapshot!(try_all(transformed).await);
}

/// Somebody who speaks in the SP's name with a key of their own, which is made once.
pub(crate) fn thief_of(sp: &Sp) -> Sp {
    static KEY: OnceLock<(PKey<Private>, X509)> = OnceLock::new();
    let (key, certificate) = KEY.get_or_init(another_key).clone();
    Sp {
        key,
        certificate,
        ..sp.clone()
    }
}

const ALGORITHMS: &[&str] = &[
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "http://www.w3.org/2009/xmldsig11#dsa-sha256",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
    "urn:unknown",
    "",
];

/// T-ALG, T-KEY: algorithms that nobody should use, and keys that are not the sender's.
pub(crate) fn weak_or_foreign(draft: &Draft, sp: &Sp, _: &str) -> Vectors {
    let digest = "http://www.w3.org/2001/04/xmlenc#sha256";
    let weak = |algorithm: &str, from: &str, to: &str| {
        let template = signature_template(draft.id(), algorithm).replace(from, to);
        xmlsec1_signs(
            &draft.xml_with(&template),
            "/*/*[local-name()='Signature']",
            &sp.key_pem(),
        )
    };
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let mut vectors = named(vec![
        ("T-ALG rsa-sha1, good", weak(RSA_SHA1, digest, digest)),
        ("T-ALG sha1 digest, good", weak(RSA_SHA256, digest, sha1)),
    ]);
    let s = signed(draft, sp);
    vectors.extend(ALGORITHMS.iter().map(|algorithm| {
        let bad = s.whole.replacen(RSA_SHA256, algorithm, 1);
        (format!("T-ALG {algorithm:?}"), bad)
    }));
    let thief = thief_of(sp);
    let s = signed(draft, &thief);
    let embedded = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        thief.certificate_base64()
    );
    let embedded = s.whole.replacen("</ds:Signature>", &embedded, 1);
    vectors.extend(named(vec![
        ("T-KEY another key", s.whole),
        ("T-KEY-EMBEDDED", embedded),
    ]));
    vectors
}

#[tokio::test]
async fn t_alg_t_key_embedded_a_weak_or_foreign_key_is_refused() {
    insta::assert_snapshot!(try_all(weak_or_foreign).await);
}
