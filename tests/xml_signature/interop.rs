//! Signatures both ways with xmlsec1, and what keys and octets are accepted.

use std::path::Path;

use doorward::saml::signature::{
    DS, DSIG11, DigestAlgorithm, EXCLUSIVE_C14N, KeyError, KeyKind, Place, SignError,
    SignatureAlgorithm, SignatureError, SigningKey, VerifyingKey, generate, verify_enveloped,
    verify_octets,
};
use doorward::saml::xml::{Namespace, Writer, canonicalize};
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::X509;

use crate::support::{
    Generator, Pair, SAML, SAMLP, certificate_pem, many_choices, pair, parse, private_pem, request,
    run, signed_request,
};

const KINDS: [KeyKind; 4] = [
    KeyKind::Rsa2048,
    KeyKind::Rsa3072,
    KeyKind::P256,
    KeyKind::P384,
];

/// A Response with a signed Assertion in it, whose values carry what has to be escaped.
fn signed_response(key: &SigningKey, value: &str, typed: bool) -> String {
    let xs = Namespace::new("xs", "http://www.w3.org/2001/XMLSchema");
    let xsi = Namespace::new("xsi", "http://www.w3.org/2001/XMLSchema-instance");
    let prefixes: &[&str] = if typed { &["xs", "xsi"] } else { &[] };
    let mut w = Writer::with_capacity(1024);
    w.start(SAML, "Assertion")
        .attribute("ID", "_assertion")
        .attribute("Version", "2.0");
    if typed {
        w.declare(xs).declare(xsi);
    }
    w.element(SAML, "Issuer", "https://idp.example/");
    let at = w.position();
    w.start(SAML, "AttributeValue");
    if typed {
        w.attribute_ns(xsi, "type", "xs:string");
    }
    w.text(value).end().end();
    let assertion = w.finish().unwrap();
    let assertion = key
        .sign_enveloped(&assertion, "_assertion", at, prefixes)
        .unwrap();
    let mut w = Writer::with_capacity(4096);
    w.start(SAMLP, "Response")
        .attribute("ID", "_response")
        .attribute("Destination", value);
    w.element(SAML, "Issuer", "https://idp.example/");
    let at = w.position();
    w.embed(&assertion).end();
    let response = w.finish().unwrap();
    let document = parse(&response).unwrap();
    assert_eq!(
        canonicalize(document.root(), prefixes, None),
        response.as_bytes()
    );
    key.sign_enveloped(&response, "_response", at, prefixes)
        .unwrap()
}

#[test]
fn xmlsec_verifies_what_we_sign() {
    let folder = tempfile::tempdir().unwrap();
    for (number, kind) in KINDS.into_iter().enumerate() {
        let pair = pair(kind);
        let path = |name: &str| folder.path().join(format!("{number}-{name}"));
        std::fs::write(path("cert.pem"), certificate_pem(&pair)).unwrap();
        let values = ["plain", "a&b<c>\"d\"'e'\r\n\t\u{e9}]]>", ""];
        let mut files = vec![(signed_request(&pair.signing, "_id"), "AuthnRequest")];
        for value in values {
            files.push((signed_response(&pair.signing, value, false), "Response"));
            files.push((signed_response(&pair.signing, value, true), "Response"));
        }
        for (at, (text, root)) in files.iter().enumerate() {
            let file = path(&format!("{at}.xml"));
            std::fs::write(&file, text).unwrap();
            let certificate = path("cert.pem");
            let root = format!("{}:{root}", SAMLP.uri);
            let assertion = format!("{}:Assertion", SAML.uri);
            let mut arguments = vec!["--verify", "--trusted-pem", certificate.to_str().unwrap()];
            arguments.extend(["--id-attr:ID", &root, "--id-attr:ID", &assertion]);
            arguments.push(file.to_str().unwrap());
            let (success, _, errors) = run("xmlsec1", &arguments);
            assert!(success, "{kind:?} file {at}: {errors}\n{text}");
            if text.contains("saml:Assertion") {
                // The inner signature, which xmlsec finds by name.
                let xpath = "/*/*[local-name()='Assertion']/*[local-name()='Signature']";
                arguments.splice(1..1, ["--node-xpath", xpath]);
                let (success, _, errors) = run("xmlsec1", &arguments);
                assert!(success, "{kind:?} assertion in file {at}: {errors}\n{text}");
            }
        }
        let own = parse(&files[0].0).unwrap();
        let keys = [pair.verifying];
        let signed = verify_enveloped(&own, &keys, Place::AfterIssuer).unwrap();
        assert_eq!(signed.algorithm(), pair.signing.algorithm());
    }
}

/// A generated document with an empty signature in it, for xmlsec1 to fill.
fn template(choices: &[u8], algorithm: SignatureAlgorithm, list: &str, digest: &str) -> String {
    let (inside, _) = Generator::new(choices, true, "i").document(&[("", "urn:outer")]);
    let inclusive =
        format!("<e:InclusiveNamespaces xmlns:e='{EXCLUSIVE_C14N}' PrefixList='{list}'/>");
    format!(
        "<?xml version='1.0'?>\n<p:Request xmlns:p='{}' xmlns='urn:outer' ID='_root'>\
         <!-- before --><i:Issuer xmlns:i='{}'>https://sp.example</i:Issuer>
         <Signature xmlns='{DS}'>
         <SignedInfo><CanonicalizationMethod Algorithm='{EXCLUSIVE_C14N}'>{inclusive}\
         </CanonicalizationMethod><SignatureMethod Algorithm='{}'/>
         <Reference URI='#_root'><Transforms>\
         <Transform Algorithm='{DS}enveloped-signature'/>\
         <Transform Algorithm='{EXCLUSIVE_C14N}'>{inclusive}</Transform></Transforms>\
         <DigestMethod Algorithm='{digest}'/><DigestValue/></Reference></SignedInfo>
         <SignatureValue/><KeyInfo><X509Data/></KeyInfo></Signature>{inside}</p:Request>",
        SAMLP.uri,
        SAML.uri,
        algorithm.uri(),
    )
}

/// Lets xmlsec1 sign a template with the private key of that file.
fn sign_by_xmlsec(folder: &Path, keys: &str, template: &str) -> String {
    let file = folder.join("template.xml");
    std::fs::write(&file, template).unwrap();
    let root = format!("{}:Request", SAMLP.uri);
    let file = file.to_str().unwrap();
    let arguments = ["--sign", "--privkey-pem", keys, "--id-attr:ID", &root, file];
    let (success, signed, errors) = run("xmlsec1", &arguments);
    assert!(success, "{errors}");
    String::from_utf8(signed).unwrap()
}

#[test]
fn we_verify_what_xmlsec_signs() {
    let folder = tempfile::tempdir().unwrap();
    let mut choices = many_choices(24).into_iter();
    for kind in KINDS {
        let pair = pair(kind);
        let (key, certificate) = (
            folder.path().join("key.pem"),
            folder.path().join("cert.pem"),
        );
        std::fs::write(&key, private_pem(&pair)).unwrap();
        std::fs::write(&certificate, certificate_pem(&pair)).unwrap();
        let files = format!("{},{}", key.display(), certificate.display());
        let keys = std::slice::from_ref(&pair.verifying);
        let rsa = pair.signing.algorithm() == SignatureAlgorithm::RsaSha256;
        let algorithms = if rsa { 0..3 } else { 3..6 };
        for (algorithm, digest) in SignatureAlgorithm::ALL[algorithms]
            .iter()
            .zip(DigestAlgorithm::ALL)
        {
            for list in ["", "#default p a saml"] {
                let choices = choices.next().unwrap();
                let template = template(&choices, *algorithm, list, digest.uri());
                let signed = sign_by_xmlsec(folder.path(), &files, &template);
                let document = parse(&signed).unwrap();
                let verified = verify_enveloped(&document, keys, Place::AfterIssuer)
                    .unwrap_or_else(|error| panic!("{kind:?} {list}: {error}\n{signed}"));
                assert_eq!(verified.algorithm(), *algorithm);
                assert_eq!(verified.root().attribute("ID"), Some("_root"));
                let altered = signed.replace("https://sp.example", "https://sp.exampl3");
                assert_eq!(
                    verify_enveloped(&parse(&altered).unwrap(), keys, Place::AfterIssuer).err(),
                    Some(SignatureError::DigestMismatch)
                );
            }
        }
    }
}

#[test]
fn every_key_is_tried_and_only_keys_that_fit() {
    let (first, second, rsa) = (
        pair(KeyKind::P256),
        pair(KeyKind::P384),
        pair(KeyKind::Rsa2048),
    );
    let text = signed_request(&second.signing, "_id");
    let document = parse(&text).unwrap();
    let verify = |keys: &[&Pair]| {
        let keys: Vec<_> = keys.iter().map(|pair| pair.verifying.clone()).collect();
        verify_enveloped(&document, &keys, Place::AfterIssuer).map(|signed| signed.key())
    };
    assert_eq!(verify(&[&rsa, &first, &second]), Ok(2));
    assert_eq!(verify(&[&second, &first]), Ok(0));
    assert_eq!(verify(&[&first, &rsa]), Err(SignatureError::NotTheirs));
    assert_eq!(verify(&[&rsa]), Err(SignatureError::NoKeyOfThisType));
}

#[test]
fn t_failopen_without_a_key_nothing_is_accepted() {
    let text = signed_request(&pair(KeyKind::P256).signing, "_id");
    let document = parse(&text).unwrap();
    let refused = verify_enveloped(&document, &[], Place::AfterIssuer).err();
    assert_eq!(refused, Some(SignatureError::NoKey));
    let algorithm = SignatureAlgorithm::RsaSha256.uri();
    assert_eq!(
        verify_octets(b"x", algorithm, b"y", &[]),
        Err(SignatureError::NoKey)
    );
}

#[test]
fn t_key_embedded_the_key_in_the_message_counts_for_nothing() {
    let (ours, attacker) = (pair(KeyKind::P256), pair(KeyKind::P256));
    let text = signed_request(&attacker.signing, "_id");
    let document = parse(&text).unwrap();
    let refused = verify_enveloped(&document, &[ours.verifying], Place::AfterIssuer).err();
    assert_eq!(refused, Some(SignatureError::NotTheirs));
}

#[test]
fn octets_are_verified_with_raw_and_der_ecdsa_and_with_rsa() {
    for kind in KINDS {
        let pair = pair(kind);
        let keys = [pair.verifying.clone()];
        let algorithm = pair.signing.algorithm().uri();
        let signature = pair.signing.sign_octets(b"SAMLRequest=x").unwrap();
        assert_eq!(
            verify_octets(b"SAMLRequest=x", algorithm, &signature, &keys),
            Ok(())
        );
        let not_theirs = Err(SignatureError::NotTheirs);
        assert_eq!(
            verify_octets(b"SAMLRequest=y", algorithm, &signature, &keys),
            not_theirs
        );
        assert_eq!(
            verify_octets(b"SAMLRequest=x", algorithm, b"", &keys),
            not_theirs
        );
        let cut = &signature[..signature.len() - 1];
        assert_eq!(
            verify_octets(b"SAMLRequest=x", algorithm, cut, &keys),
            not_theirs
        );
        if matches!(kind, KeyKind::P256 | KeyKind::P384) {
            let (r, s) = signature.split_at(signature.len() / 2);
            let number = |bytes| openssl::bn::BigNum::from_slice(bytes).unwrap();
            let der = EcdsaSig::from_private_components(number(r), number(s)).unwrap();
            let der = der.to_der().unwrap();
            assert_eq!(
                verify_octets(b"SAMLRequest=x", algorithm, &der, &keys),
                Ok(())
            );
        }
    }
}

fn certificate_of(key: &PKey<Private>) -> Vec<u8> {
    let mut builder = X509::builder().unwrap();
    builder.set_pubkey(key).unwrap();
    builder
        .set_not_before(&openssl::asn1::Asn1Time::from_unix(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&openssl::asn1::Asn1Time::from_unix(1).unwrap())
        .unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build().to_der().unwrap()
}

fn ec(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

#[test]
fn t_alg_weak_and_foreign_keys_are_not_taken() {
    let refused =
        |key: &PKey<Private>| VerifyingKey::from_certificate_der(&certificate_of(key)).err();
    let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    assert_eq!(refused(&rsa(1024)), Some(KeyError::Weak));
    assert_eq!(refused(&ec(Nid::X9_62_PRIME192V1)), Some(KeyError::Curve));
    assert_eq!(refused(&ec(Nid::SECP256K1)), Some(KeyError::Curve));
    assert_eq!(refused(&ec(Nid::SECP521R1)), None);
    assert_eq!(
        VerifyingKey::from_certificate_der(b"0").err(),
        Some(KeyError::Unreadable)
    );
    assert_eq!(
        VerifyingKey::from_certificate_pem(b"").err(),
        Some(KeyError::Unreadable)
    );
    let (one, other) = (pair(KeyKind::P256), pair(KeyKind::P256));
    let mixed = SigningKey::from_der(&one.pkcs8, other.signing.certificate_der());
    assert_eq!(mixed.err(), Some(KeyError::Mismatch));
    let pem = certificate_pem(&one);
    let read = VerifyingKey::from_certificate_pem(&pem).unwrap();
    assert_eq!(read.fingerprint(), one.verifying.fingerprint());
}

#[test]
fn a_bare_key_value_is_a_key() {
    use base64::Engine as _;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let rsa = pair(KeyKind::Rsa2048);
    let key = PKey::private_key_from_pkcs8(&rsa.pkcs8)
        .unwrap()
        .rsa()
        .unwrap();
    let (modulus, exponent) = (base64(&key.n().to_vec()), base64(&key.e().to_vec()));
    let value = |modulus: &str, exponent: &str| {
        format!(
            "<KeyValue xmlns='{DS}'><RSAKeyValue><Modulus>\n{modulus}\n</Modulus>\
             <Exponent>{exponent}</Exponent></RSAKeyValue></KeyValue>"
        )
    };
    let taken = |text: &str| VerifyingKey::from_key_value(parse(text).unwrap().root());
    let read = taken(&value(&modulus, &exponent)).unwrap();
    assert_eq!(read.fingerprint(), rsa.verifying.fingerprint());
    assert_eq!(taken(&value(&modulus, "AQ==")).err(), Some(KeyError::Weak));
    assert_eq!(taken(&value("AQAB", &exponent)).err(), Some(KeyError::Weak));
    assert_eq!(taken(&value("", &exponent)).err(), Some(KeyError::Weak));
    assert_eq!(
        taken(&value("*", &exponent)).err(),
        Some(KeyError::Unreadable)
    );

    for (kind, oid) in [
        (KeyKind::P256, "1.2.840.10045.3.1.7"),
        (KeyKind::P384, "1.3.132.0.34"),
    ] {
        let pair = pair(kind);
        let key = PKey::private_key_from_pkcs8(&pair.pkcs8)
            .unwrap()
            .ec_key()
            .unwrap();
        let mut context = BigNumContext::new().unwrap();
        let form = PointConversionForm::UNCOMPRESSED;
        let mut point = key
            .public_key()
            .to_bytes(key.group(), form, &mut context)
            .unwrap();
        let value = |oid: &str, point: &[u8]| {
            format!(
                "<KeyValue xmlns='{DS}'><d:ECKeyValue xmlns:d='{DSIG11}'>\
                 <d:NamedCurve URI='urn:oid:{oid}'/><d:PublicKey>{}</d:PublicKey>\
                 </d:ECKeyValue></KeyValue>",
                base64(point)
            )
        };
        let read = taken(&value(oid, &point)).unwrap();
        assert_eq!(read.fingerprint(), pair.verifying.fingerprint());
        assert_eq!(
            taken(&value("1.3.132.0.10", &point)).err(),
            Some(KeyError::Curve)
        );
        *point.last_mut().unwrap() ^= 1;
        assert_eq!(taken(&value(oid, &point)).err(), Some(KeyError::Unreadable));
    }
    assert_eq!(taken("<KeyValue/>").err(), Some(KeyError::Unreadable));
    let dsa = format!("<KeyValue xmlns='{DS}'><DSAKeyValue/></KeyValue>");
    assert_eq!(taken(&dsa).err(), Some(KeyError::Type));
}

#[test]
fn the_certificate_says_what_was_asked_for() {
    for kind in KeyKind::ALL {
        assert_eq!(KeyKind::from_name(kind.name()), Some(kind));
    }
    let key = generate(
        KeyKind::P384,
        "idp.example",
        1_000,
        4_000_000_000,
        [0xFF; 20],
    )
    .unwrap();
    let certificate = X509::from_der(&key.certificate).unwrap();
    assert_eq!(certificate.version(), 2);
    let name = certificate.subject_name().entries().next().unwrap();
    assert_eq!(name.data().as_slice(), b"idp.example");
    assert_eq!(
        certificate.not_before().to_string(),
        "Jan  1 00:16:40 1970 GMT"
    );
    assert_eq!(
        certificate.not_after().to_string(),
        "Oct  2 07:06:40 2096 GMT"
    );
    let serial = certificate.serial_number().to_bn().unwrap();
    assert!(!serial.is_negative() && serial.num_bytes() == 20);
    assert!(
        certificate
            .verify(&certificate.public_key().unwrap())
            .unwrap()
    );
    let signing = SigningKey::from_der(&key.pkcs8, &key.certificate).unwrap();
    assert_eq!(signing.algorithm(), SignatureAlgorithm::EcdsaSha384);
    assert_eq!(signing.id().len(), 64);
    assert!(!format!("{signing:?} {key:?}").contains("key: "));
}

#[test]
fn a_signature_is_put_only_between_tags_and_refers_only_to_a_name() {
    let key = pair(KeyKind::P256).signing;
    let (text, at) = request("_id", "https://sp.example/acs");
    assert!(matches!(
        key.sign_enveloped(&text, "a b", at, &[]),
        Err(SignError::Id)
    ));
    assert!(matches!(
        key.sign_enveloped(&text, "_id", at - 1, &[]),
        Err(SignError::Place)
    ));
    assert!(matches!(
        key.sign_enveloped(&text, "_id", 99_999, &[]),
        Err(SignError::Place)
    ));
    assert!(matches!(
        key.sign_enveloped(&text, "_id", at, &["a\""]),
        Err(SignError::Prefix)
    ));
}

#[test]
fn rsa_pss_signatures_do_not_pass_as_the_older_padding() {
    let rsa = pair(KeyKind::Rsa2048);
    let key = PKey::private_key_from_pkcs8(&rsa.pkcs8).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    signer
        .set_rsa_padding(openssl::rsa::Padding::PKCS1_PSS)
        .unwrap();
    let signature = signer.sign_oneshot_to_vec(b"x").unwrap();
    let keys = [rsa.verifying];
    assert_eq!(
        verify_octets(b"x", SignatureAlgorithm::RsaSha256.uri(), &signature, &keys),
        Err(SignatureError::NotTheirs)
    );
}
