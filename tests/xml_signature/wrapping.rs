//! Signature wrapping (vectors T-XSW of docs/threat-model.md): whatever is moved where, an evil root never
//! comes out as signed. The same nine for requests and for metadata.

use doorward::saml::signature::{
    KeyKind, Place, SignatureError, VerifyingKey, has_signature, verify_enveloped,
};
use doorward::saml::xml::{Namespace, Writer, XmlError};

use crate::support::{SAML, SAMLP, cut_signature, pair, parse, signed_request};

const MD: Namespace<'_> = Namespace::new("md", "urn:oasis:names:tc:SAML:2.0:metadata");

/// A kind of document that is attacked: how a genuine one and the evil parts look.
struct Target {
    genuine: String,
    keys: Vec<VerifyingKey>,
    place: Place,
    start: &'static str,
    end: &'static str,
    issuer: &'static str,
}

fn request_target() -> Target {
    let key = pair(KeyKind::P256);
    Target {
        genuine: signed_request(&key.signing, "_good"),
        keys: vec![key.verifying],
        place: Place::AfterIssuer,
        start: "<samlp:AuthnRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' \
                AssertionConsumerServiceURL='https://evil.example/steal'",
        end: "</samlp:AuthnRequest>",
        issuer: "<saml:Issuer xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'>\
                 https://sp.example/metadata</saml:Issuer>",
    }
}

fn metadata_target() -> Target {
    let key = pair(KeyKind::P256);
    let mut w = Writer::with_capacity(512);
    w.start(MD, "EntityDescriptor")
        .attribute("ID", "_good")
        .attribute("entityID", "https://sp");
    let at = w.position();
    w.start(MD, "Extensions").end().end();
    let text = w.finish().unwrap();
    Target {
        genuine: key.signing.sign_enveloped(&text, "_good", at, &[]).unwrap(),
        keys: vec![key.verifying],
        place: Place::First,
        start: "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'",
        end: "</md:EntitiesDescriptor>",
        issuer: "",
    }
}

impl Target {
    fn verdict(&self, text: &str) -> Result<(), SignatureError> {
        let document = parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(has_signature(&document));
        verify_enveloped(&document, &self.keys, self.place).map(|_| ())
    }

    /// An evil root with these contents behind its Issuer.
    fn evil(&self, attributes: &str, content: &str) -> String {
        let Self {
            start, end, issuer, ..
        } = self;
        format!("{start} {attributes}>{issuer}{content}{end}")
    }
}

fn wrapped(target: &Target) {
    let genuine = &target.genuine;
    let (bare, signature) = cut_signature(genuine);
    let evil = "ID='_evil'";
    let object = |content: &str| {
        signature.replace(
            "</ds:Signature>",
            &format!("<ds:Object>{content}</ds:Object></ds:Signature>"),
        )
    };
    assert_eq!(target.verdict(genuine), Ok(()));
    let misplaced = Err(SignatureError::Misplaced);
    let not_the_root = Err(SignatureError::NotTheRoot);
    let unexpected = Err(SignatureError::UnexpectedContent);
    let inside =
        |name: &str, content: &str| format!("<x:{name} xmlns:x='urn:x'>{content}</x:{name}>");

    // 1: the signed original, with its signature, in Extensions.
    assert_eq!(
        target.verdict(&target.evil(evil, &inside("Extensions", genuine))),
        misplaced
    );
    // 2, 3: the signature on the evil root, the original behind it or before it.
    assert_eq!(
        target.verdict(&target.evil(evil, &format!("{signature}{bare}"))),
        not_the_root
    );
    assert_eq!(
        target.verdict(&target.evil(evil, &format!("{bare}{signature}"))),
        misplaced
    );
    // 4: the original within ds:Object of the signature.
    assert_eq!(
        target.verdict(&target.evil(evil, &object(&bare))),
        unexpected
    );
    // 5: within Subject. 6: within Issuer. 7: as another child of the root.
    assert_eq!(
        target.verdict(&target.evil(evil, &inside("Subject", genuine))),
        misplaced
    );
    let issuer = inside("Issuer", genuine);
    let as_issuer = format!(
        "{} {evil}>{issuer}{}{}",
        target.start, target.issuer, target.end
    );
    assert_eq!(target.verdict(&as_issuer), misplaced);
    assert_eq!(target.verdict(&target.evil(evil, genuine)), misplaced);
    // 8: an evil root without ID, with an empty one, with the original's.
    let beside = format!("{signature}{bare}");
    let unusable = Err(SignatureError::UnusableId);
    assert_eq!(target.verdict(&target.evil("", &beside)), unusable);
    assert_eq!(target.verdict(&target.evil("ID=''", &beside)), unusable);
    let twice = target.evil("ID='_good'", &beside);
    assert_eq!(parse(&twice).err(), Some(XmlError::DuplicateId));
    // The signed copy bears another kind of id then.
    let moved = bare.replace("ID=\"_good\"", "Id=\"_good\"");
    let copy = target.evil("ID='_good'", &format!("{signature}{moved}"));
    assert_eq!(target.verdict(&copy), Err(SignatureError::DigestMismatch));
    // 9: the signature stands where it should, its Reference points to a deeper signed element.
    let deeper = format!("{signature}{}", inside("Extensions", &bare));
    assert_eq!(target.verdict(&target.evil(evil, &deeper)), not_the_root);
    // And with a second signature.
    assert_eq!(
        target.verdict(&target.evil(evil, &format!("{signature}{genuine}"))),
        Err(SignatureError::MoreThanOne)
    );
}

#[test]
fn t_xsw_1_to_9_a_request_cannot_be_wrapped() {
    wrapped(&request_target());
}

#[test]
fn t_xsw_m_metadata_cannot_be_wrapped() {
    wrapped(&metadata_target());
}

#[test]
fn t_sig_ref_a_signature_in_its_place_covers_nothing_but_the_root() {
    let target = request_target();
    let (bare, signature) = cut_signature(&target.genuine);
    let inner = bare.replace(
        "</samlp:AuthnRequest>",
        "<x ID='_inner'></x></samlp:AuthnRequest>",
    );
    let at = inner.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
    let signature = signature.replace("#_good", "#_inner");
    let text = [&inner[..at], &signature, &inner[at..]].concat();
    assert_eq!(target.verdict(&text), Err(SignatureError::NotTheRoot));
}

#[test]
fn t_ns_an_issuer_or_an_id_of_another_namespace_is_none() {
    let target = request_target();
    let (saml, samlp) = (SAML.uri, SAMLP.uri);
    let foreign = target.genuine.replace(saml, "urn:e");
    assert_eq!(target.verdict(&foreign), Err(SignatureError::Misplaced));
    let root = target.genuine.replace(samlp, "urn:evil");
    assert_eq!(target.verdict(&root), Err(SignatureError::DigestMismatch));
    let prefixed = target
        .genuine
        .replace(" ID=\"_good\"", " samlp:ID=\"_good\"");
    assert_eq!(target.verdict(&prefixed), Err(SignatureError::UnusableId));
    let both = target
        .genuine
        .replace(" ID=\"_good\"", " ID=\"_good\" samlp:ID=\"_evil\"");
    assert_eq!(target.verdict(&both), Err(SignatureError::DigestMismatch));
}

#[test]
fn t_diff_what_another_parser_would_repair_is_not_read_at_all() {
    let genuine = request_target().genuine;
    let evil = "<samlp:AuthnRequest xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'/>";
    let refusals = [
        (format!("{evil}{genuine}"), XmlError::SecondRoot),
        (format!("{genuine}{evil}"), XmlError::SecondRoot),
        (format!("{genuine}x"), XmlError::TextOutsideRoot),
        (format!("{genuine}\0"), XmlError::IllegalCharacter),
        (genuine.replace("</samlp:AuthnRequest>", ""), XmlError::Tags),
        (
            genuine.replace("</saml:Issuer>", "&zz;</saml:Issuer>"),
            XmlError::Entity,
        ),
        (
            format!("<!DOCTYPE x [<!ENTITY e 'y'>]>{genuine}"),
            XmlError::DocumentType,
        ),
        (
            genuine.replace("/metadata<", "<!-- -->/metadata<"),
            XmlError::CommentInValue,
        ),
        (
            genuine.replace("/metadata<", "<?x?>/metadata<"),
            XmlError::ProcessingInstruction,
        ),
    ];
    for (text, rule) in refusals {
        assert_ne!(text, genuine);
        assert_eq!(parse(&text).err(), Some(rule), "{text}");
    }
}

#[test]
fn t_sig_see_what_is_read_is_the_element_that_was_digested() {
    let target = request_target();
    let document = parse(&target.genuine).unwrap();
    let signed = verify_enveloped(&document, &target.keys, target.place).unwrap();
    assert!(std::ptr::eq(signed.root(), document.root()));
}
