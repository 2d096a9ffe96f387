//! Exclusive C14N, byte for byte against libxml2 and xmlsec1.

use std::fmt::Write as _;

use doorward::saml::signature::{DS, EXCLUSIVE_C14N, KeyKind, decode_base64};
use doorward::saml::xml::{Element, Limits, XML_NAMESPACE, canonicalize, read};
use openssl::sha::sha256;
use proptest::prelude::*;

use crate::support::{Generator, many_choices, pair, parse, private_pem, run};

fn canonical(text: &str) -> String {
    let document = parse(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    String::from_utf8(canonicalize(document.root(), &[], None)).unwrap()
}

#[test]
fn whole_documents_come_out_as_libxml2_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec!["--exc-c14n".to_owned()];
    let mut ours = String::new();
    for (number, choices) in many_choices(120).iter().enumerate() {
        let (text, _) = Generator::new(choices, false, "i").document(&[]);
        let path = folder.path().join(format!("{number}.xml"));
        std::fs::write(&path, &text).unwrap();
        arguments.push(path.to_str().unwrap().to_owned());
        ours.push_str(&canonical(&text));
    }
    let (success, theirs, errors) = run("xmllint", &arguments);
    assert!(success, "{errors}");
    let theirs = String::from_utf8(theirs).unwrap();
    assert!(
        ours.len() > 10_000,
        "the documents are too small to show anything"
    );
    let differ = ours.bytes().zip(theirs.bytes()).position(|(a, b)| a != b);
    if let Some(at) = differ {
        let around = at.saturating_sub(200)..at + 60;
        panic!(
            "ours:\n{:?}\ntheirs:\n{:?}",
            &ours[around.clone()],
            &theirs[around]
        );
    }
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn namespace_names_are_escaped_like_attributes() {
    let text = "<p:a xmlns:p=\"http://e.example/?a=1&amp;b=2\"></p:a>";
    assert_eq!(canonical(text), text);
}

/// All elements with an `xml:id`, in document order.
fn identified<'e>(element: &'e Element, found: &mut Vec<(&'e str, &'e Element)>) {
    if let Some(id) = element.attribute_ns(XML_NAMESPACE, "id") {
        found.push((id, element));
    }
    element
        .children()
        .for_each(|child| identified(child, found));
}

const LISTS: [&str; 7] = [
    "",
    "a",
    "#default",
    "b c",
    "#default a b c saml",
    "saml nowhere",
    "a xml",
];

/// 120 generated documents within one, to be signed with a reference to each element that has an
/// ID; and those ids, each with its list of prefixes.
fn document_of_parts() -> (String, Vec<(String, &'static str)>) {
    let outer = [
        ("", "urn:outer"),
        ("a", "urn:one"),
        ("saml", "urn:outer-saml"),
    ];
    let (mut parts, mut references) = (String::new(), String::new());
    let mut expected = Vec::new();
    for (number, choices) in many_choices(120).iter().enumerate() {
        let generator = Generator::new(choices, true, &format!("d{number}-"));
        let (text, ids) = generator.document(&outer);
        parts.push_str(&text);
        for (at, id) in ids.into_iter().enumerate() {
            let list = LISTS[(number + at) % LISTS.len()];
            write!(
                references,
                r##"<Reference URI="#{id}"><Transforms><Transform Algorithm="{EXCLUSIVE_C14N}">
                <InclusiveNamespaces xmlns="{EXCLUSIVE_C14N}" PrefixList="{list}"/></Transform>
                </Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
                <DigestValue/></Reference>"##
            )
            .unwrap();
            expected.push((id, list));
        }
    }
    let template = format!(
        r#"<all xmlns="urn:outer" xmlns:a="urn:one" xmlns:saml="urn:outer-saml">{parts}
        <Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"/>
        <SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>
        {references}</SignedInfo><SignatureValue/></Signature></all>"#
    );
    (template, expected)
}

#[test]
fn parts_of_documents_and_lists_of_prefixes_come_out_as_xmlsec_digests_them() {
    let folder = tempfile::tempdir().unwrap();
    let (key, file) = (
        folder.path().join("key.pem"),
        folder.path().join("template.xml"),
    );
    std::fs::write(&key, private_pem(&pair(KeyKind::P256))).unwrap();
    let (template, expected) = document_of_parts();
    assert!(
        expected.len() > 150,
        "too few parts to show anything: {}",
        expected.len()
    );
    std::fs::write(&file, &template).unwrap();
    let arguments = [
        "--sign",
        "--privkey-pem",
        key.to_str().unwrap(),
        file.to_str().unwrap(),
    ];
    let (success, signed, errors) = run("xmlsec1", &arguments);
    assert!(success, "{errors}");
    let signed = read(&signed, &Limits::METADATA).unwrap();
    let info = signed
        .root()
        .child(DS, "Signature")
        .and_then(|s| s.child(DS, "SignedInfo"));
    let digests: Vec<_> = info
        .unwrap()
        .children_named(DS, "Reference")
        .map(|reference| {
            reference
                .child(DS, "DigestValue")
                .unwrap()
                .text()
                .unwrap()
                .to_owned()
        })
        .collect();
    let document = parse(&template).unwrap();
    let mut elements = Vec::new();
    identified(document.root(), &mut elements);
    assert_eq!(digests.len(), expected.len());
    for ((id, list), digest) in expected.iter().zip(digests) {
        let element = elements.iter().find(|(other, _)| other == id).unwrap().1;
        let prefixes: Vec<_> = list.split_whitespace().collect();
        let octets = canonicalize(element, &prefixes, None);
        let theirs = decode_base64(&digest).unwrap();
        let text = String::from_utf8_lossy(&octets);
        assert_eq!(
            sha256(&octets).as_slice(),
            theirs,
            "{id} with {list:?}: {text}"
        );
    }
}

proptest! {
    #[test]
    fn the_canonical_form_of_a_canonical_form_is_itself(
        choices in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let (text, _) = Generator::new(&choices, true, "i").document(&[]);
        let once = canonical(&text);
        prop_assert_eq!(canonical(&once), once);
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(text in "[<>/!?a-c:=\"' &;#x\\[\\]CDAT-]{0,60}") {
        if let Ok(document) = parse(&text) {
            let _ = canonicalize(document.root(), &["#default"], None);
        }
    }

    #[test]
    fn what_the_writer_writes_is_canonical_and_says_what_was_meant(
        value in any::<String>(), text in any::<String>(), list in any::<bool>(),
    ) {
        use crate::support::{SAML, SAMLP};
        use doorward::saml::xml::{Namespace, WriteError, Writer};
        let xs = Namespace::new("xs", "http://www.w3.org/2001/XMLSchema");
        let xsi = Namespace::new("xsi", "http://www.w3.org/2001/XMLSchema-instance");
        let mut w = Writer::with_capacity(512);
        w.start(SAMLP, "Response").attribute("Version", "2.0").attribute("ID", &value);
        w.element(SAML, "Issuer", &text);
        w.start(SAML, "Assertion");
        if list {
            w.declare(xs).declare(xsi);
        }
        w.start(SAML, "AttributeValue").attribute_ns(xsi, "type", "xs:string");
        w.attribute_ns(SAMLP, "b", &value).attribute("a", "").text(&text).end();
        w.end().end();
        let illegal = |c: char| c < ' ' && !"\t\n\r".contains(c) || "\u{FFFE}\u{FFFF}".contains(c);
        match w.finish() {
            Err(error) => {
                prop_assert_eq!(error, WriteError::IllegalCharacter);
                prop_assert!(value.contains(illegal) || text.contains(illegal));
            }
            Ok(written) => {
                let document = parse(&written).unwrap();
                let prefixes: &[&str] = if list { &["xs", "xsi"] } else { &[] };
                let again = canonicalize(document.root(), prefixes, None);
                prop_assert_eq!(String::from_utf8(again).unwrap(), written);
                let root = document.root();
                prop_assert_eq!(root.attribute("ID"), Some(value.as_str()));
                let issuer = root.child(SAML.uri, "Issuer").unwrap();
                prop_assert_eq!(issuer.text().unwrap(), text.as_str());
            }
        }
    }
}

#[test]
fn a_namespace_is_declared_where_it_is_first_used_so_an_assertion_reads_the_same_alone() {
    use crate::support::{SAML, SAMLP};
    use doorward::saml::xml::{WriteError, Writer};
    let mut alone = Writer::with_capacity(256);
    alone
        .start(SAML, "Assertion")
        .attribute("ID", "_a")
        .element(SAML, "Issuer", "i")
        .end();
    let alone = alone.finish().unwrap();
    let mut response = Writer::with_capacity(256);
    response
        .start(SAMLP, "Response")
        .attribute("ID", "_r")
        .element(SAML, "Issuer", "i");
    response.start(SAMLP, "Status").end().embed(&alone).end();
    let response = response.finish().unwrap();
    assert!(response.contains(&alone));
    assert_eq!(canonical(&response), response);
    let document = parse(&response).unwrap();
    let assertion = document.root().child(SAML.uri, "Assertion").unwrap();
    assert_eq!(canonicalize(assertion, &[], None), alone.as_bytes());

    let mut repeated = Writer::with_capacity(256);
    repeated.start(SAML, "Advice").embed(&alone).end();
    assert_eq!(repeated.finish(), Err(WriteError::RepeatedDeclaration));
}

#[test]
fn the_writer_refuses_what_would_not_be_one_element() {
    use crate::support::{SAML, SAMLP};
    use doorward::saml::xml::{Namespace, WriteError, Writer};
    fn fault(write: impl FnOnce(&mut Writer<'static>)) -> Option<WriteError> {
        let mut writer = Writer::with_capacity(64);
        write(&mut writer);
        writer.finish().err()
    }
    let unbalanced = Some(WriteError::Unbalanced);
    assert_eq!(fault(|_| {}), unbalanced);
    assert_eq!(fault(|w| _ = w.start(SAML, "a")), unbalanced);
    assert_eq!(fault(|w| _ = w.start(SAML, "a").end().end()), unbalanced);
    assert_eq!(
        fault(|w| _ = w.element(SAML, "a", "").element(SAML, "b", "")),
        unbalanced
    );
    assert_eq!(
        fault(|w| _ = w.element(SAML, "a", "").text("x")),
        unbalanced
    );
    let late = Some(WriteError::LateAttribute);
    assert_eq!(
        fault(|w| _ = w.start(SAML, "a").text("t").attribute("x", "").end()),
        late
    );
    let twice = Some(WriteError::DuplicateAttribute);
    assert_eq!(
        fault(|w| _ = w
            .start(SAML, "a")
            .attribute("x", "1")
            .attribute("x", "2")
            .end()),
        twice
    );
    let other = Namespace::new("saml", "urn:other");
    let conflict = Some(WriteError::PrefixConflict);
    assert_eq!(
        fault(|w| _ = w.start(SAML, "a").declare(other).end()),
        conflict
    );
    let illegal = Some(WriteError::IllegalCharacter);
    assert_eq!(fault(|w| _ = w.element(SAML, "a", "\u{1}")), illegal);
    assert_eq!(
        fault(|w| _ = w.start(SAMLP, "a").attribute("x", "\0").end()),
        illegal
    );
}
