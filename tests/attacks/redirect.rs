//! Signatures of HTTP-Redirect queries (docs/threat-model.md): they cover the raw octets, and what
//! they cover is what is read.

use crate::kinds::{By, Kind};
use crate::message::signed_query;
use crate::support::sp::{RSA_SHA1, RSA_SHA256, deflated, percent_encoded, redirect_query};
use crate::target::Target;

const ALGORITHM: &str = "http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256";

#[tokio::test]
async fn c_b1_c_b2_t_red_what_other_products_write_is_accepted() {
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
/// message, `{name}` its parameter and `{other}` the other one.
const NOT_SIGNED: &[(&str, &str)] = &[
    ("T-RED unsigned", "{message}"),
    (
        "T-RED another message",
        "{evil}&SigAlg={algorithm}&Signature={signature}",
    ),
    ("T-RED duplicate message", "{evil}&{signed}"),
    ("T-RED duplicate RelayState", "{signed}&RelayState=x"),
    ("T-RED duplicate SigAlg", "{signed}&SigAlg={algorithm}"),
    ("T-RED duplicate Signature", "{signed}&Signature=AA"),
    ("T-RED duplicate of another name", "{signed}&a=1&a=2"),
    ("T-RED escaped name", "{bare}&Relay%53tate=x"),
    ("T-RED escaped second name", "{signed}&%53AML{escaped}=AA"),
    ("T-RED request and response", "{signed}&{other}=AA"),
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
    (
        "T-RED name in other letters",
        "{bare}&relaystate=x&RELAYSTATE=y&RelayState=z",
    ),
    (
        "T-RED SigAlg SHA-1",
        "{message}&SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1&Signature={signature}",
    ),
    ("T-RED no message", "RelayState=x"),
    ("T-RED empty message", "{name}="),
    ("T-RED broken escape", "{name}=%zz"),
    ("T-RED broken escape at the end", "{name}=AA%4"),
    ("T-RED not UTF-8", "{message}&RelayState=%ff"),
];

/// The words of [`NOT_SIGNED`] for messages of one kind.
fn words(kind: &Kind, target: &Target) -> Vec<(&'static str, String)> {
    let By::Redirect(name) = kind.by else {
        panic!("{} has no query", kind.name);
    };
    let sp = kind.sp(target);
    let message = || {
        let xml = (kind.draft)(target, &sp).message().xml();
        format!("{name}={}", percent_encoded(&deflated(xml.as_bytes())))
    };
    let (message, evil) = (message(), message());
    let bare = signed_query(&message, &sp);
    let signed = signed_query(&format!("{message}&RelayState=r"), &sp);
    let (octets, signature) = bare.split_once("&Signature=").expect("it is signed");
    let (_, with_relay_state) = signed.split_once("&Signature=").expect("it is signed");
    let cut = percent_encoded(&sp.signature(octets, RSA_SHA256)[..300]);
    let other = match name {
        "SAMLRequest" => "SAMLResponse",
        _ => "SAMLRequest",
    };
    vec![
        ("{name}", name.to_owned()),
        ("{escaped}", name[4..].to_owned()),
        ("{other}", other.to_owned()),
        ("{url-safe}", url_safe(signature)),
        ("{cut}", cut),
        ("{with relay state}", with_relay_state.to_owned()),
        ("{signature}", signature.to_owned()),
        ("{algorithm}", ALGORITHM.to_owned()),
        ("{octets}", octets.to_owned()),
        ("{signed}", signed.clone()),
        ("{bare}", bare.clone()),
        ("{evil}", evil),
        ("{message}", message),
    ]
}

#[tokio::test]
async fn t_red_what_was_not_signed_is_refused() {
    let mut target = Target::start().await;
    for kind in Kind::with_signed_query() {
        target.good_one_is_accepted(kind).await;
        let words = words(kind, &target);
        for (vector, query) in NOT_SIGNED {
            let fill = |query: String, (name, part): &(&str, String)| query.replace(name, part);
            let query = words.iter().fold((*query).to_owned(), fill);
            assert!(!query.contains('{'), "{query}");
            target.attack_with(kind, vector, &query).await;
        }
        let sp = kind.sp(&target);
        let (_, message) = words.last().expect("the message");
        let octets = format!("{message}&SigAlg={}", percent_encoded(RSA_SHA1));
        let signature = percent_encoded(&sp.signature(&octets, RSA_SHA1));
        let sha1 = format!("{octets}&Signature={signature}");
        target.attack_with(kind, "T-RED SHA-1, good", &sha1).await;
        let mut thief = sp.clone();
        (thief.key, thief.certificate) = crate::support::sp::another_key();
        let stolen = signed_query(message, &thief);
        target.attack_with(kind, "T-RED another key", &stolen).await;
        let draft = (kind.draft)(&target, &sp).message();
        let destination = format!(" Destination=\"{}\"", draft.destination);
        let nowhere = draft.xml().replacen(&destination, "", 1);
        target
            .attack(kind, "C-R5 signed without Destination", nowhere.as_bytes())
            .await;
        let inside = (kind.draft)(&target, &sp).signed_by(&sp);
        target
            .attack(kind, "T-RED XML signature inside", inside.as_bytes())
            .await;
    }
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

/// One who need not sign, and does, is held to it.
#[tokio::test]
async fn c_r6_a_bad_signature_is_refused_where_none_was_asked_for() {
    let mut target = Target::start().await;
    let mut thief = target.lax.clone();
    (thief.key, thief.certificate) = crate::support::sp::another_key();
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
async fn t_red_every_changed_byte_of_a_signed_query_is_refused() {
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
