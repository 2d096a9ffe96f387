//! Where an answer may go (docs/threat-model.md): to an endpoint that is registered, by exact
//! equality, and nowhere else. Each way to bring an AuthnRequest is tried.

use crate::kinds::{By, KINDS, Kind};
use crate::message::{Draft, Message};
use crate::support::sp::{Sp, escaped};
use crate::target::{PAOS, Target};

/// Addresses that are not the registered one: `HOST` and `PLACE` are its parts, `OTHER` is the endpoint
/// of somebody else.
const ELSEWHERE: &[&str] = &[
    "https://HOST/PLACE/",
    "https://HOST/PLACE?x=1",
    "https://HOST/PLACE#f",
    "https://HOST:443/PLACE",
    "HTTPS://HOST/PLACE",
    "https://HOST/PLACE%2e",
    "https://HOST/./PLACE",
    "https://HOST/x/../PLACE",
    "https://HOST.evil/PLACE",
    "https://HOST@evil/PLACE",
    "https://evil\\@HOST/PLACE",
    "https://HOST/PLACE ",
    " https://HOST/PLACE",
    "https://HOST/\tPLACE",
    "https://HOST/\nPLACE",
    "https://\u{430}.HOST/PLACE",
    "http://HOST/PLACE",
    "//HOST/PLACE",
    "/PLACE",
    "javascript:alert(1)//https://HOST/PLACE",
    "data:text/html,<script>",
    "OTHER",
    "",
];

fn authn_requests() -> impl Iterator<Item = &'static Kind> {
    let requests = |kind: &&Kind| kind.root == "AuthnRequest";
    KINDS.iter().filter(requests)
}

/// The host of the registered endpoint, and its path without the first slash.
fn registered(kind: &Kind, sp: &Sp) -> (String, &'static str) {
    let host = sp.acs.trim_start_matches("https://");
    let (host, _) = host.split_once('/').expect("an address has a path");
    let place = if kind.by == By::Soap { "ecp" } else { "acs" };
    (host.to_owned(), place)
}

#[tokio::test]
async fn t_redir_c_r2_an_answer_goes_to_a_registered_address_or_nowhere() {
    let mut target = Target::start().await;
    for url in ELSEWHERE {
        for kind in authn_requests() {
            let (host, place) = registered(kind, &kind.sp(&target));
            let other = if kind.signed { "lax" } else { "strict" };
            let named = url
                .replace("HOST", &host)
                .replace("PLACE", place)
                .replace("OTHER", &format!("https://{other}.example/{place}"));
            let spoilt = kind.spoilt(&target, |good| {
                let (before, rest) = good.split_once("ServiceURL=\"")?;
                let (_, after) = rest.split_once('"')?;
                let named = escaped(&named);
                Some(format!("{before}ServiceURL=\"{named}\"{after}"))
            });
            let spoilt = spoilt.expect("it names an endpoint");
            let vector = format!("T-REDIR {url:?}");
            target.attack(kind, &vector, &spoilt).await;
        }
    }
    let table = target.table();
    // No status goes anywhere: whether the address is the sender's is not known.
    for status in ["Requester/", "Responder/", "Success"] {
        assert!(!table.contains(status), "{table}");
    }
    insta::assert_snapshot!(table);
}

const BY_NUMBER: &[(&str, &str)] = &[
    ("index 99", "AssertionConsumerServiceIndex=\"99\""),
    ("index -1", "AssertionConsumerServiceIndex=\"-1\""),
    (
        "index 4294967296",
        "AssertionConsumerServiceIndex=\"4294967296\"",
    ),
    (
        "ProtocolBinding Redirect",
        "ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\"",
    ),
    ("ProtocolBinding unknown", "ProtocolBinding=\"urn:x\""),
    (
        "index beside URL",
        "AssertionConsumerServiceURL=\"https://HOST/PLACE\" AssertionConsumerServiceIndex=\"0\"",
    ),
];

/// A request with these attributes in place of the usual ones.
fn with(attributes: &str, kind: &Kind, target: &Target) -> String {
    let sp = kind.sp(target);
    let (host, place) = registered(kind, &sp);
    let mut message: Message = (kind.draft)(target, &sp).message();
    let attributes = attributes.replace("HOST", &host).replace("PLACE", place);
    message.attributes = format!(" {attributes}");
    kind.finished(Draft::Protocol(message), &sp)
}

#[tokio::test]
async fn t_acs_absent_c_r3_c_r4_an_endpoint_is_named_once_and_by_a_registered_number() {
    let mut target = Target::start().await;
    for kind in authn_requests() {
        for (vector, attributes) in BY_NUMBER {
            let request = with(attributes, kind, &target);
            target.attack(kind, vector, request.as_bytes()).await;
        }
        let wrong = if kind.by == By::Soap {
            "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
        } else {
            PAOS
        };
        let attributes = format!(
            "AssertionConsumerServiceURL=\"https://HOST/PLACE\" ProtocolBinding=\"{wrong}\""
        );
        let request = with(&attributes, kind, &target);
        let vector = "the other's ProtocolBinding";
        target.attack(kind, vector, request.as_bytes()).await;
        let twice = kind.spoilt(&target, |good| {
            let url = "AssertionConsumerServiceURL=\"https://evil.example/\" ";
            Some(good.replacen(" ID=", &format!(" {url}ID="), 1))
        });
        let twice = twice.expect("every message has an ID");
        target.attack(kind, "two attributes", &twice).await;

        let index = if kind.by == By::Soap { "7" } else { "0" };
        let index = format!("AssertionConsumerServiceIndex=\"{index}\"");
        for (vector, attributes) in [
            (
                "the exact address",
                "AssertionConsumerServiceURL=\"https://HOST/PLACE\"",
            ),
            ("T-ACS-ABSENT", ""),
            ("the registered index", &index),
        ] {
            let request = with(attributes, kind, &target);
            target.taken(kind, vector, &request).await;
        }
    }
    insta::assert_snapshot!(target.table());
}
