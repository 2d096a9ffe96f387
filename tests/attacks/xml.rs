//! Documents that are not what they seem (docs/threat-model.md), of every kind that is read.

use crate::kinds::{By, KINDS, Kind};
use crate::message::Draft;
use crate::target::Target;

/// Vector, what is replaced in a good message, by what (see [`Kind::fill`]). CANARY is an address
/// where nobody may ever connect to.
pub(crate) const MALFORMED: &[(&str, &str, &str)] = &[
    (
        "T-NS-1 root in another namespace",
        "{namespace}",
        "xmlns:{prefix}=\"urn:evil\"",
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
        "T-NS-3 foreign Destination attribute",
        "Destination=",
        "xmlns:e=\"urn:e\" e:Destination=\"https://evil.example/\" Destination=",
    ),
    (
        "T-NS-3 foreign Location attribute instead",
        " Location=",
        " xmlns:e=\"urn:e\" e:Location=",
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
        "T-NS-4 foreign entityID instead",
        " entityID=",
        " xmlns:e=\"urn:e\" e:entityID=",
    ),
    ("T-NS undeclared prefix", "{child}", "<u:x/>{child}"),
    (
        "T-NS rebound xml prefix",
        "{open}",
        "{open}xmlns:xml=\"urn:x\" ",
    ),
    (
        "T-NS bound xmlns prefix",
        "{open}",
        "{open}xmlns:xmlns=\"urn:x\" ",
    ),
    ("T-NS prefix unbound", "{open}", "{open}xmlns:q=\"\" "),
    (
        "T-C14N-VOID relative namespace",
        "{child}",
        "<q:x xmlns:q=\"1\"/>{child}",
    ),
    (
        "T-DIFF-1 two roots",
        "{close}",
        "{close}{open}{namespace}/>",
    ),
    ("T-DIFF-2 trailing garbage", "{close}", "{close}garbage"),
    ("T-DIFF-2 NUL byte", "{value}", "{value}\u{0}"),
    ("T-DIFF-2 missing end tag", "{close}", ""),
    ("T-DIFF-2 cut in the middle", "{close}", "</"),
    ("T-DIFF-3 undefined entity", "{value}", "{value}&zz;"),
    (
        "T-DIFF-4 internal entity",
        "{open}",
        "<!DOCTYPE r [<!ENTITY a \"b\">]>{open}Consent=\"&a;\" ",
    ),
    (
        "T-DIFF-5 declared as Latin-1",
        "{open}",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{open}",
    ),
    (
        "T-DIFF-5 declared as UTF-7",
        "{open}",
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?>{open}",
    ),
    (
        "T-DIFF-5 declared as UTF-16",
        "{open}",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>{open}",
    ),
    (
        "T-DIFF-5 XML 1.1",
        "{open}",
        "<?xml version=\"1.1\"?>{open}",
    ),
    (
        "T-DIFF-5 declaration behind a blank",
        "{open}",
        " <?xml version=\"1.0\"?>{open}",
    ),
    (
        "T-DIFF attribute twice",
        "{open}",
        "{open}Consent=\"a\" Consent=\"a\" ",
    ),
    (
        "T-DIFF attribute twice by two prefixes",
        "{child}",
        "<e:x xmlns:e=\"urn:e\" xmlns:f=\"urn:e\" e:a=\"\" f:a=\"\"/>{child}",
    ),
    (
        "T-DIFF no space between attributes",
        "{open}",
        "{open}Consent=\"a\"",
    ),
    ("T-DIFF < in an attribute", "{open}", "{open}Consent=\"<\" "),
    ("T-DIFF ]]> in text", "{value}", "{value}]]>"),
    (
        "T-DIFF CDATA that does not end",
        "{value}",
        "{value}<![CDATA[",
    ),
    (
        "T-DIFF illegal character reference",
        "{value}",
        "{value}&#1;",
    ),
    (
        "T-DIFF surrogate by reference",
        "{value}",
        "{value}&#xD800;",
    ),
    (
        "T-DIFF reference beyond Unicode",
        "{value}",
        "{value}&#x110000;",
    ),
    (
        "T-XXE-1 external DTD",
        "{open}",
        "<!DOCTYPE r SYSTEM \"http://CANARY/x.dtd\">{open}",
    ),
    (
        "T-XXE-1 DTD from a file",
        "{open}",
        "<!DOCTYPE r SYSTEM \"file:///etc/passwd\">{open}",
    ),
    (
        "T-XXE-1 public DTD",
        "{open}",
        "<!DOCTYPE r PUBLIC \"-//x\" \"http://CANARY/x.dtd\">{open}",
    ),
    (
        "T-XXE-2 parameter entity",
        "{open}",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM \"http://CANARY/p\">%p;]>{open}",
    ),
    (
        "T-XXE-3 external entity",
        "{open}",
        "<!DOCTYPE r [<!ENTITY e SYSTEM \"http://CANARY/e\">]>{open}",
    ),
    (
        "T-XXE billion laughs",
        "{open}",
        "<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>{open}",
    ),
    (
        "T-XXE-4 XInclude",
        "{child}",
        "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"http://CANARY/i\"/>{child}",
    ),
    (
        "T-XXE-5 stylesheet PI",
        "{open}",
        "<?xml-stylesheet href=\"http://CANARY/s.xsl\" type=\"text/xsl\"?>{open}",
    ),
    (
        "T-XXE-6 schemaLocation",
        "{open}",
        "{open}xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"urn:x http://CANARY/x.xsd\" ",
    ),
    ("T-TXT-COMMENT in a value", "{value}", "{value}<!-- -->"),
    ("T-TXT-PI in a value", "{value}", "{value}<?x y?>"),
    ("T-TXT-PI between elements", "{child}", "<?x y?>{child}"),
    ("T-TXT element in a value", "{value}", "{value}<b/>"),
    ("T-ABSENT ID", " ID=", " xID="),
    ("T-ABSENT Version", " Version=\"2.0\"", ""),
    ("T-ABSENT IssueInstant", " IssueInstant=", " xIssueInstant="),
    (
        "T-ABSENT Issuer",
        "<saml:Issuer>https://ENTITY/saml</saml:Issuer>",
        "",
    ),
    (
        "T-ABSENT Issuer's text",
        "<saml:Issuer>https://ENTITY/saml",
        "<saml:Issuer>",
    ),
    ("T-ABSENT entityID", " entityID=", " x="),
    (
        "T-ABSENT endpoints",
        "<md:AssertionConsumerService ",
        "<md:Other ",
    ),
    ("T-ABSENT Location", " Location=", " x="),
    ("T-ABSENT Binding", " Binding=", " x="),
    ("T-EMPTYSTR empty ID", " ID=\"_", " ID=\"\" Consent=\"urn:"),
    ("T-EMPTYSTR blank in the ID", " ID=\"_", " ID=\"_ "),
    ("T-EMPTYSTR xpointer as ID", " ID=\"_", " ID=\"xpointer(/)"),
    (
        "T-EMPTYSTR empty entityID",
        " entityID=\"",
        " entityID=\"\" x=\"",
    ),
    (
        "T-TYPE another element of the protocol",
        "{prefix}:ROOT",
        "{prefix}:AuthnQuery",
    ),
    ("T-TYPE a Response", "{prefix}:ROOT", "{prefix}:Response"),
    ("T-TYPE an Assertion", "{prefix}:ROOT", "{prefix}:Assertion"),
    (
        "C-R1 unknown issuer",
        "https://ENTITY/saml</",
        "https://unknown.example/saml</",
    ),
    (
        "C-G1 issuer in other letters",
        "https://ENTITY/saml</",
        "https://ENTITY/Saml</",
    ),
    (
        "C-G1 issuer with a blank",
        "https://ENTITY/saml</",
        "https://ENTITY/saml </",
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
        "Destination=\"PLACE\"",
        "Destination=\"PLACE?x\"",
    ),
    (
        "a boolean that is none",
        "AllowCreate=\"true\"",
        "AllowCreate=\"yes\"",
    ),
    ("an IDPSSODescriptor", "SPSSODescriptor", "IDPSSODescriptor"),
    (
        "no endpoint that carries a Response",
        "bindings:HTTP-POST",
        "bindings:HTTP-Redirect",
    ),
];

/// Vector and kind where the document is good all the same, since the extension points of the schema
/// allow what was put in; it must not be acted on.
const HARMLESS: &[(&str, &str)] = &[
    ("T-XXE-4 XInclude", "EntityDescriptor in a file"),
    ("T-XXE-6 schemaLocation", "EntityDescriptor in a file"),
    ("T-XXE-4 XInclude", "EntitiesDescriptor of a source"),
];

/// One of [`MALFORMED`] made of a good message of this kind, signed where that is possible and has to
/// be. None where there is nothing to replace.
pub(crate) fn malformed(target: &Target, kind: &Kind, (from, to): (&str, &str)) -> Option<Vec<u8>> {
    let sp = kind.sp(target);
    let canary = target.canary.local_addr().expect("it listens").to_string();
    let entity = sp.entity_id.trim_start_matches("https://");
    let entity = entity.trim_end_matches("/saml");
    let place = target.product.idp(kind.path);
    let words = |text: &str| {
        kind.fill(text)
            .replace("CANARY", &canary)
            .replace("ENTITY", entity)
            .replace("PLACE", &place)
    };
    let from = words(&from.replace("ROOT", kind.root));
    let all = from.ends_with(kind.root);
    let to = words(to);
    kind.spoilt(target, |good| {
        let limit = if all { usize::MAX } else { 1 };
        good.contains(&from)
            .then(|| good.replacen(&from, &to, limit))
    })
}

#[tokio::test]
async fn t_ns_t_diff_t_xxe_t_txt_t_absent_t_type_malformed_documents_are_refused() {
    let mut target = Target::start().await;
    target.good_ones_are_accepted().await;
    for (vector, from, to) in MALFORMED {
        let mut tried = false;
        for kind in KINDS {
            let Some(spoilt) = malformed(&target, kind, (from, to)) else {
                continue;
            };
            tried = true;
            if HARMLESS.contains(&(vector, kind.name)) {
                target.harmless(kind, vector, &spoilt);
            } else {
                target.attack(kind, vector, &spoilt).await;
            }
        }
        assert!(tried, "{vector} replaces nothing in any good message");
    }
    insta::assert_snapshot!(target.table());
}

/// A good document in other encodings than the one that SAML uses.
pub(crate) fn other_encodings(good: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin_1 = good.replace("://", "://\u{e4}");
    let latin_1 = latin_1.chars().map(|c| c as u8).collect::<Vec<_>>();
    let bom_16 = [&[0xfe, 0xff], utf_16.as_slice()].concat();
    let overlong = good.replace("saml</", "saml\u{1}</").into_bytes();
    let overlong: Vec<u8> = overlong
        .into_iter()
        .flat_map(|byte| {
            if byte == 1 {
                vec![0xc0, 0xaf]
            } else {
                vec![byte]
            }
        })
        .collect();
    let mut all = vec![
        ("T-DIFF-5 UTF-16", utf_16),
        ("T-DIFF-5 UTF-16 with BOM", bom_16),
        ("T-DIFF-5 Latin-1", latin_1),
        ("T-DIFF-5 overlong UTF-8", overlong),
    ];
    all.retain(|(_, bytes)| bytes != good.as_bytes());
    all
}

#[tokio::test]
async fn t_diff_5_other_encodings_than_utf_8_are_refused() {
    let mut target = Target::start().await;
    for kind in KINDS {
        let sp = kind.sp(&target);
        let good = match (kind.draft)(&target, &sp) {
            Draft::Protocol(message) => message.xml(),
            Draft::Metadata(xml) => xml,
        };
        for (vector, bytes) in other_encodings(&good) {
            target.attack(kind, vector, &bytes).await;
        }
    }
    insta::assert_snapshot!(target.table());
}

/// What is put into a good message in front of its first child, and how often: T-SIZE, T-ATTR.
pub(crate) fn too_much() -> Vec<(&'static str, String)> {
    let deep = |depth: usize| {
        let open = "<e:x xmlns:e=\"urn:e\">".repeat(depth);
        open + &"</e:x>".repeat(depth)
    };
    let many = |attribute: fn(usize) -> String| (0..10_000).map(attribute).collect::<String>();
    let attributes = many(|n| format!(" a{n}=\"\""));
    let namespaces = many(|n| format!(" xmlns:a{n}=\"u:a\""));
    vec![
        ("T-SIZE depth", deep(200)),
        ("T-SIZE siblings", "<e:x xmlns:e=\"urn:e\"/>".repeat(4_000)),
        ("T-SIZE comments", "<!---->".repeat(20_000)),
        (
            "T-ATTR attributes",
            format!("<e:x xmlns:e=\"urn:e\"{attributes}/>"),
        ),
        (
            "T-ATTR namespaces",
            format!("<e:x xmlns:e=\"urn:e\"{namespaces}/>"),
        ),
    ]
}

#[tokio::test]
async fn t_size_t_attr_t_time_too_much_of_anything_is_refused() {
    let mut target = Target::start().await;
    for kind in KINDS {
        let extensions = match kind.by {
            By::File => "md",
            By::Redirect(_) | By::Post(_) | By::Soap => "samlp",
        };
        for (vector, much) in too_much() {
            let much = format!("<{extensions}:Extensions>{much}</{extensions}:Extensions>");
            // Metadata may hold more than a message, and federations fill it.
            let much = if kind.by == By::File {
                much.repeat(30)
            } else {
                much
            };
            if kind.by == By::File && vector == "T-SIZE depth" {
                continue;
            }
            let spoilt = inserted(kind, &target, &much);
            target.attack(kind, vector, &spoilt).await;
        }
        let long = [
            (
                "T-TIME",
                " IssueInstant=\"",
                "2026-01-01T00:00:00.",
                64 * 1024,
                "0",
            ),
            (
                "T-TIME validUntil",
                " entityID=",
                " validUntil=\"2026-01-01T00:00:00.",
                64 * 1024,
                "0",
            ),
            ("T-EMPTYSTR ID of 10,000", " ID=\"", "_", 10_000, "a"),
            (
                "T-EMPTYSTR entityID of 10,000",
                " entityID=\"",
                "https://",
                10_000,
                "a",
            ),
        ];
        for (vector, from, start, count, filler) in long {
            let spoilt = kind.spoilt(&target, |good| {
                let (before, rest) = good.split_once(from)?;
                let filler = filler.repeat(count);
                Some(if from.ends_with('"') {
                    let (_, after) = rest.split_once('"')?;
                    format!("{before}{from}{start}{filler}\"{after}")
                } else {
                    format!("{before}{start}{filler}Z\"{from}{rest}")
                })
            });
            if let Some(spoilt) = spoilt {
                target.attack(kind, vector, &spoilt).await;
            }
        }
    }
    insta::assert_snapshot!(target.table());
}

/// A good message with this in front of its Signature's or its first child's successor.
fn inserted(kind: &Kind, target: &Target, much: &str) -> Vec<u8> {
    let at = if kind.by == By::File {
        "<md:SPSSODescriptor "
    } else {
        "</saml:Issuer>"
    };
    let spoilt = kind.spoilt(target, |good| {
        let both = if kind.by == By::File {
            format!("{much}{at}")
        } else {
            format!("{at}{much}")
        };
        Some(good.replacen(at, &both, 1))
    });
    spoilt.expect("every message has it")
}

#[tokio::test]
async fn c_r14_c_g3_requests_of_another_time_are_refused() {
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

/// The kinds of message without regard to how they come.
fn one_of_each_root() -> Vec<&'static Kind> {
    let mut all: Vec<&Kind> = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.by != By::File) {
        if !all.iter().any(|known| known.root == kind.root) {
            all.push(kind);
        }
    }
    all
}

/// A good message of every kind at the doors of all others.
#[tokio::test]
async fn t_type_every_message_is_refused_at_every_other_door() {
    let mut target = Target::start().await;
    for door in KINDS.iter().filter(|kind| kind.by != By::File) {
        for kind in &one_of_each_root() {
            if door.reads(kind.root) {
                continue;
            }
            let sp = door.sp(&target);
            let mut message = (kind.draft)(&target, &sp).message();
            message.destination = target.product.idp(door.path);
            let xml = if matches!(door.by, By::Redirect(_)) {
                message.xml()
            } else {
                Draft::Protocol(message).signed_by(&sp)
            };
            let vector = format!("T-TYPE {}", kind.root);
            target.attack(door, &vector, xml.as_bytes()).await;
        }
    }
    insta::assert_snapshot!(target.table());
}

/// The right message at the wrong door.
#[tokio::test]
async fn t_type_a_message_of_one_door_is_none_at_another() {
    let mut target = Target::start().await;
    for name in [
        "LogoutRequest",
        "LogoutResponse",
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
