//! Signatures of HTTP-Redirect queries (THREATS.md, section 5): they cover the raw octets, and what
//! they cover is what is read.

use crate::support::sp::{RSA_SHA1, RSA_SHA256, percent_encoded, redirect_query};
use crate::target::Target;

const ALGORITHM: &str = "http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256";

#[tokio::test]
async fn what_other_products_write_is_accepted() {
    let mut target = Target::start().await;
    for (vector, relay_state) in [
        ("plain", None),
        ("with RelayState", Some("deep/link?a=b&c=d")),
        ("with empty RelayState", Some("")),
    ] {
        let xml = target.strict.request(&target.sso()).xml();
        let answer = target
            .query(&target.strict.signed_query(&xml, relay_state, RSA_SHA256))
            .await;
        target.accepted(vector, &answer);
    }
    let sha512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
    let xml = target.strict.request(&target.sso()).xml();
    let answer = target
        .query(&target.strict.signed_query(&xml, None, sha512))
        .await;
    target.accepted("rsa-sha512", &answer);

    // Others encode otherwise; what they signed is what they sent.
    for (vector, relay, spell) in SPELLINGS {
        let xml = target.strict.request(&target.sso()).xml();
        let octets = format!(
            "{}&RelayState={relay}&SigAlg={ALGORITHM}",
            redirect_query(&xml, None)
        );
        let octets = spell(&octets);
        let signature = percent_encoded(&target.strict.signature(&octets, RSA_SHA256));
        let answer = target
            .query(&format!("{octets}&Signature={}", spell(&signature)))
            .await;
        target.accepted(vector, &answer);
    }
    let xml = target.strict.request(&target.sso()).xml();
    let signed = target.strict.signed_query(&xml, Some("r"), RSA_SHA256);
    let mut parts: Vec<_> = signed.split('&').collect();
    parts.reverse();
    let answer = target.query(&parts.join("&")).await;
    target.accepted("order shuffled", &answer);
    let answer = target.query(&format!("utm=1&{signed}&lang=en")).await;
    target.accepted("further parameters around it", &answer);
    insta::assert_snapshot!(target.table(), @r#"
    plain                            accepted
    with RelayState                  accepted
    with empty RelayState            accepted
    rsa-sha512                       accepted
    lower-case escapes (.NET, ADFS)  accepted
    blank as %20                     accepted
    blank as +                       accepted
    (~)! unescaped                   accepted
    order shuffled                   accepted
    further parameters around it     accepted
    "#);
}

type Spelling = fn(&str) -> String;
const SPELLINGS: &[(&str, &str, Spelling)] = &[
    (
        "lower-case escapes (.NET, ADFS)",
        "a%2Fb",
        lower_case_escapes,
    ),
    ("blank as %20", "a%20b", str::to_owned),
    ("blank as +", "a+b", str::to_owned),
    ("(~)! unescaped", "(~)!*", str::to_owned),
];

/// Escapes in lower case, everything else as it is.
fn lower_case_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |spelled, part| {
        spelled + "%" + &part[..2].to_lowercase() + &part[2..]
    })
}

#[tokio::test]
async fn what_was_not_signed_is_refused() {
    let mut target = Target::start().await;
    let sso = target.sso();
    let sp = target.strict.clone();
    let xml = sp.request(&sso).xml();
    let other = sp.request(&sso).with("ForceAuthn=\"true\"").xml();
    let signed = sp.signed_query(&xml, Some("r"), RSA_SHA256);
    let bare = sp.signed_query(&xml, None, RSA_SHA256);
    let message = redirect_query(&xml, None);
    let evil = redirect_query(&other, None);
    let no_destination = {
        let mut request = sp.request(&sso);
        request.destination = None;
        sp.signed_query(&request.xml(), None, RSA_SHA256)
    };
    let cut = sp.signature(&bare, RSA_SHA256)[..300].to_owned();
    let (octets, signature) = bare.split_once("&Signature=").expect("it is signed");
    for (vector, query) in [
        ("T-RED unsigned", message.clone()),
        ("T-RED another message", signed.replace(&message, &evil)),
        ("T-RED duplicate SAMLRequest", format!("{evil}&{signed}")),
        (
            "T-RED duplicate RelayState",
            format!("{signed}&RelayState=x"),
        ),
        (
            "T-RED duplicate SigAlg",
            format!("{signed}&SigAlg={ALGORITHM}"),
        ),
        (
            "T-RED duplicate Signature",
            format!("{signed}&Signature=AA"),
        ),
        (
            "T-RED duplicate of another name",
            format!("{signed}&a=1&a=2"),
        ),
        (
            "T-RED escaped name",
            signed.replace("RelayState", "Relay%53tate"),
        ),
        (
            "T-RED escaped second name",
            format!("{signed}&%53AMLRequest={}", &evil[12..]),
        ),
        (
            "T-RED SAMLResponse beside it",
            format!("{signed}&SAMLResponse=AA"),
        ),
        ("T-RED RelayState added", format!("{bare}&RelayState=x")),
        (
            "T-RED empty RelayState added",
            format!("{bare}&RelayState="),
        ),
        (
            "T-RED RelayState removed",
            signed.replace("&RelayState=r", ""),
        ),
        (
            "T-RED RelayState changed",
            signed.replace("&RelayState=r", "&RelayState=s"),
        ),
        (
            "T-RED SigAlg absent",
            format!("{message}&Signature={signature}"),
        ),
        (
            "T-RED SigAlg empty",
            format!("{message}&SigAlg=&Signature={signature}"),
        ),
        ("T-RED SigAlg other", bare.replace("sha256", "sha512")),
        ("T-RED SHA-1", sp.signed_query(&xml, None, RSA_SHA1)),
        ("T-RED Signature absent", octets.to_owned()),
        ("T-RED Signature empty", format!("{octets}&Signature=")),
        (
            "T-RED Signature with a blank",
            format!("{octets}&Signature=%20{signature}"),
        ),
        (
            "T-RED Signature cut",
            format!("{octets}&Signature={}", percent_encoded(&cut)),
        ),
        (
            "T-RED Signature URL-safe",
            format!("{octets}&Signature={}", url_safe(signature)),
        ),
        ("T-RED SAMLEncoding", format!("{bare}&SAMLEncoding=urn:x")),
        ("C-R5 signed without Destination", no_destination),
        ("T-RED no message", "RelayState=x".to_owned()),
        ("T-RED empty message", "SAMLRequest=".to_owned()),
        ("T-RED broken escape", "SAMLRequest=%zz".to_owned()),
        (
            "T-RED broken escape at the end",
            "SAMLRequest=AA%4".to_owned(),
        ),
        ("T-RED not UTF-8", format!("{message}&RelayState=%ff")),
    ] {
        let answer = target.query(&query).await;
        target.refused(vector, &answer);
    }
    insta::assert_snapshot!(target.table(), @r#"
    T-RED unsigned                   400 unsigned-request
    T-RED another message            400 bad-signature
    T-RED duplicate SAMLRequest      400 duplicate-parameter
    T-RED duplicate RelayState       400 duplicate-parameter
    T-RED duplicate SigAlg           400 duplicate-parameter
    T-RED duplicate Signature        400 duplicate-parameter
    T-RED duplicate of another name  400 duplicate-parameter
    T-RED escaped name               400 duplicate-parameter
    T-RED escaped second name        400 duplicate-parameter
    T-RED SAMLResponse beside it     400 not-an-authn-request
    T-RED RelayState added           400 bad-signature
    T-RED empty RelayState added     400 bad-signature
    T-RED RelayState removed         400 bad-signature
    T-RED RelayState changed         400 bad-signature
    T-RED SigAlg absent              400 missing-parameter
    T-RED SigAlg empty               400 bad-signature
    T-RED SigAlg other               400 bad-signature
    T-RED SHA-1                      400 bad-signature
    T-RED Signature absent           400 missing-parameter
    T-RED Signature empty            400 bad-signature
    T-RED Signature with a blank     400 bad-encoding
    T-RED Signature cut              400 bad-signature
    T-RED Signature URL-safe         400 bad-encoding
    T-RED SAMLEncoding               400 bad-encoding
    C-R5 signed without Destination  Requester
    T-RED no message                 400 missing-parameter
    T-RED empty message              400 missing-parameter
    T-RED broken escape              400 bad-encoding
    T-RED broken escape at the end   400 bad-encoding
    T-RED not UTF-8                  400 bad-encoding
    "#);
}

/// The alphabet for addresses, and one character of it that the usual one does not have.
fn url_safe(signature: &str) -> String {
    let spelled = signature
        .replace("%2B", "-")
        .replace("%2F", "_")
        .replace("%3D", "");
    if spelled.contains(['-', '_']) {
        spelled
    } else {
        spelled.replacen('A', "_", 1)
    }
}

#[tokio::test]
async fn a_signature_of_another_key_is_refused() {
    let mut target = Target::start().await;
    let mut thief = target.strict.clone();
    (thief.key, thief.certificate) = crate::support::sp::another_key();
    let xml = thief.request(&target.sso()).xml();
    let answer = target
        .query(&thief.signed_query(&xml, None, RSA_SHA256))
        .await;
    target.refused("T-RED another key", &answer);
    // One who need not sign, and does, is held to it.
    let xml = target.request().xml();
    let answer = target
        .query(&thief.signed_query(&xml, None, RSA_SHA256))
        .await;
    target.refused("T-RED another key, lax SP", &answer);
    let xml = target.lax.signed_xml(&target.request());
    let answer = target.redirect(&xml).await;
    target.refused("T-RED XML signature inside", &answer);
    insta::assert_snapshot!(target.table(), @r#"
    T-RED another key                400 bad-signature
    T-RED another key, lax SP        400 bad-signature
    T-RED XML signature inside       400 bad-signature
    "#);
}

/// Every bit of what was signed counts: a query with one byte changed opens nothing.
#[tokio::test]
async fn every_changed_byte_of_a_signed_query_is_refused() {
    let target = Target::start().await;
    let xml = target.strict.request(&target.sso()).xml();
    let signed = target.strict.signed_query(&xml, Some("state"), RSA_SHA256);
    for at in (0..signed.len()).step_by(17) {
        let mut bytes = signed.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        let answer = target.query(&changed).await;
        assert!(
            (400..500).contains(&answer.status),
            "byte {at}: {}",
            answer.in_short()
        );
    }
}
