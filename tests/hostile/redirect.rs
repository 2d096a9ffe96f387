//! Signatures of HTTP-Redirect queries (docs/threat-model.md): they cover the raw octets, and what
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
    insta::assert_snapshot!(target.table());
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

/// Vector and query. `{message}` is the SAMLRequest alone, `{octets}` what was signed with its
/// SigAlg, `{bare}` the whole signed query, `{signed}` one with `RelayState=r`, `{evil}` another
/// SAMLRequest.
const NOT_SIGNED: &[(&str, &str)] = &[
    ("T-RED unsigned", "{message}"),
    (
        "T-RED another message",
        "{evil}&SigAlg={algorithm}&Signature={signature}",
    ),
    ("T-RED duplicate SAMLRequest", "{evil}&{signed}"),
    ("T-RED duplicate RelayState", "{signed}&RelayState=x"),
    ("T-RED duplicate SigAlg", "{signed}&SigAlg={algorithm}"),
    ("T-RED duplicate Signature", "{signed}&Signature=AA"),
    ("T-RED duplicate of another name", "{signed}&a=1&a=2"),
    ("T-RED escaped name", "{bare}&Relay%53tate=x"),
    ("T-RED escaped second name", "{signed}&%53AMLRequest=AA"),
    ("T-RED SAMLResponse beside it", "{signed}&SAMLResponse=AA"),
    ("T-RED RelayState added", "{bare}&RelayState=x"),
    ("T-RED empty RelayState added", "{bare}&RelayState="),
    (
        "T-RED RelayState removed",
        "{message}&SigAlg={algorithm}&Signature={with relay state}",
    ),
    (
        "T-RED RelayState changed",
        "{message}&RelayState=s&SigAlg={algorithm}&Signature={with relay state}",
    ),
    ("T-RED SigAlg absent", "{message}&Signature={signature}"),
    (
        "T-RED SigAlg empty",
        "{message}&SigAlg=&Signature={signature}",
    ),
    (
        "T-RED SigAlg unknown",
        "{message}&SigAlg=urn%3Ax&Signature={signature}",
    ),
    ("T-RED Signature absent", "{octets}"),
    ("T-RED Signature empty", "{octets}&Signature="),
    (
        "T-RED Signature with a blank",
        "{octets}&Signature=%20{signature}",
    ),
    ("T-RED Signature cut", "{octets}&Signature={cut}"),
    ("T-RED Signature URL-safe", "{octets}&Signature={url-safe}"),
    ("T-RED SAMLEncoding", "{bare}&SAMLEncoding=urn:x"),
    ("T-RED no message", "RelayState=x"),
    ("T-RED empty message", "SAMLRequest="),
    ("T-RED broken escape", "SAMLRequest=%zz"),
    ("T-RED broken escape at the end", "SAMLRequest=AA%4"),
    ("T-RED not UTF-8", "{message}&RelayState=%ff"),
];

#[tokio::test]
async fn what_was_not_signed_is_refused() {
    let mut target = Target::start().await;
    let sso = target.sso();
    let sp = target.strict.clone();
    let xml = sp.request(&sso).xml();
    let bare = sp.signed_query(&xml, None, RSA_SHA256);
    let signed = sp.signed_query(&xml, Some("r"), RSA_SHA256);
    let (octets, signature) = bare.split_once("&Signature=").expect("it is signed");
    let (_, with_relay_state) = signed.split_once("&Signature=").expect("it is signed");
    let parts = [
        ("{message}", redirect_query(&xml, None)),
        ("{evil}", redirect_query(&sp.request(&sso).xml(), None)),
        ("{signed}", signed.clone()),
        ("{bare}", bare.clone()),
        ("{octets}", octets.to_owned()),
        ("{algorithm}", ALGORITHM.to_owned()),
        ("{signature}", signature.to_owned()),
        ("{with relay state}", with_relay_state.to_owned()),
        (
            "{cut}",
            percent_encoded(&sp.signature(octets, RSA_SHA256)[..300]),
        ),
        ("{url-safe}", url_safe(signature)),
    ];
    for (vector, query) in NOT_SIGNED {
        let filled_in = |query: String, (name, part): &(&str, String)| query.replace(name, part);
        let query = parts.iter().fold((*query).to_owned(), filled_in);
        assert!(!query.contains('{'), "{query}");
        let answer = target.query(&query).await;
        target.refused(vector, &answer);
    }
    let sha1 = sp.signed_query(&xml, None, RSA_SHA1);
    let answer = target.query(&sha1).await;
    target.refused("T-RED SHA-1, good", &answer);
    let mut request = sp.request(&sso);
    request.destination = None;
    let answer = target
        .query(&sp.signed_query(&request.xml(), None, RSA_SHA256))
        .await;
    target.refused("C-R5 signed without Destination", &answer);
    insta::assert_snapshot!(target.table());
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
    insta::assert_snapshot!(target.table());
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
