//! The shape of a signature (T-SIG-*, T-ALG, T-EMPTYSTR, T-C14N-VOID of docs/threat-model.md): what the
//! allow-list does not know is refused before any cryptography.

use doorward::saml::signature::{
    DS, EXCLUSIVE_C14N, KeyKind, Place, SignatureAlgorithm, SignatureError, has_signature,
    verify_enveloped, verify_octets,
};
use doorward::saml::xml::{XmlError, canonicalize};
use proptest::prelude::*;

use crate::support::{Pair, cut_signature, pair, parse, request, signed_request};

fn verdict(pair: &Pair, text: &str) -> Result<(), SignatureError> {
    let document = parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let keys = [pair.verifying.clone()];
    verify_enveloped(&document, &keys, Place::AfterIssuer).map(|_| ())
}

/// Replaces what must be there, so that no vector is empty.
#[track_caller]
fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1)
}

/// Refuses each replacement in a genuine request for that reason.
#[track_caller]
fn refused(reason: &SignatureError, replacements: &[(&str, &str)]) {
    let pair = pair(KeyKind::P256);
    let genuine = signed_request(&pair.signing, "_good");
    assert_eq!(verdict(&pair, &genuine), Ok(()));
    for (from, to) in replacements {
        let text = replace(&genuine, from, to);
        assert_eq!(
            verdict(&pair, &text).as_ref(),
            Err(reason),
            "{from} -> {to}"
        );
    }
}

#[test]
fn t_sig_shape_every_part_occurs_once_and_in_order() {
    refused(
        &SignatureError::UnexpectedContent,
        &[
            (
                "<ds:SignedInfo>",
                "<ds:SignedInfo></ds:SignedInfo><ds:SignedInfo>",
            ),
            (
                "<ds:SignatureValue>",
                "<ds:SignatureValue></ds:SignatureValue><ds:SignatureValue>",
            ),
            (
                "<ds:DigestValue>",
                "<ds:DigestValue></ds:DigestValue><ds:DigestValue>",
            ),
            (
                "<ds:DigestMethod ",
                "<ds:DigestMethod></ds:DigestMethod><ds:DigestMethod ",
            ),
            ("<ds:KeyInfo>", "<ds:KeyInfo></ds:KeyInfo><ds:KeyInfo>"),
            ("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"),
            (
                "</ds:KeyInfo>",
                "</ds:KeyInfo><ds:Object><ds:Manifest/></ds:Object>",
            ),
            (
                "<ds:KeyInfo>",
                "<ds:KeyInfo><ds:RetrievalMethod URI='http://e.example/'/>",
            ),
            (
                "<ds:KeyInfo>",
                "<ds:KeyInfo><k:KeyInfoReference xmlns:k='urn:k' URI='#k'/>",
            ),
            (
                "</ds:SignatureMethod>",
                "<ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>",
            ),
            ("</ds:DigestMethod>", "<ds:X/></ds:DigestMethod>"),
            ("<ds:DigestValue>", "<ds:DigestValue><x/>"),
            ("<ds:SignatureValue>", "<ds:SignatureValue><x/>"),
            ("<ds:Reference ", "x<ds:Reference "),
            ("<ds:SignedInfo>", "<ds:SignedInfo x='1'>"),
            (
                "<ds:Reference ",
                "<ds:Reference Type='http://www.w3.org/2000/09/xmldsig#Manifest' ",
            ),
            (
                "<ds:SignatureMethod Algorithm=",
                "<ds:SignatureMethod algorithm=",
            ),
            ("<ds:Transforms>", "<ds:Transforms Id='x'>"),
        ],
    );
}

#[test]
fn t_sig_shape_values_hold_neither_comments_nor_instructions() {
    let pair = pair(KeyKind::P256);
    let genuine = signed_request(&pair.signing, "_good");
    for tag in [
        "<ds:SignatureValue>",
        "<ds:DigestValue>",
        "<ds:X509Certificate>",
    ] {
        let comment = replace(&genuine, tag, &format!("{tag}AAAA<!-- -->"));
        assert_eq!(parse(&comment).err(), Some(XmlError::CommentInValue));
        let instruction = replace(&genuine, tag, &format!("{tag}<?x?>"));
        assert_eq!(
            parse(&instruction).err(),
            Some(XmlError::ProcessingInstruction)
        );
        // A CDATA section is another spelling of the same value, in the one tree that there is.
        let cdata = replace(&genuine, tag, &format!("{tag}<![CDATA[]]>"));
        assert_eq!(verdict(&pair, &cdata), Ok(()));
    }
    refused(
        &SignatureError::MalformedValue,
        &[
            ("<ds:SignatureValue>", "<ds:SignatureValue><![CDATA[*]]>"),
            ("<ds:DigestValue>", "<ds:DigestValue>-"),
        ],
    );
}

#[test]
fn t_sig_multiref_there_is_exactly_one_reference() {
    let pair = pair(KeyKind::P256);
    let genuine = signed_request(&pair.signing, "_good");
    let from = genuine.find("<ds:Reference ").unwrap();
    let to = genuine.find("</ds:SignedInfo>").unwrap();
    let doubled = [&genuine[..to], &genuine[from..to], &genuine[to..]].concat();
    assert_eq!(
        verdict(&pair, &doubled),
        Err(SignatureError::NotOneReference)
    );
    let none = [&genuine[..from], &genuine[to..]].concat();
    assert_eq!(verdict(&pair, &none), Err(SignatureError::NotOneReference));
}

#[test]
fn t_ssrf_ref_the_reference_is_the_roots_id_and_nothing_else() {
    let vectors = [
        "",
        "#",
        "_good",
        "#_GOOD",
        "#_good ",
        "##_good",
        "#_other",
        "#xpointer(/)",
        "#xpointer(id('_good'))",
        "http://127.0.0.1:1/",
        "https://e.example/",
        "ftp://e.example/x",
        "file:///etc/passwd",
        "//host/x",
        "x.xml",
        "x.xml#_good",
        "?#_good",
    ];
    for vector in vectors {
        let attribute = format!("URI=\"{vector}\"");
        refused(
            &SignatureError::NotTheRoot,
            &[("URI=\"#_good\"", &attribute)],
        );
    }
    refused(&SignatureError::NotTheRoot, &[(" URI=\"#_good\"", "")]);
}

#[test]
fn t_sig_xslt_xpath_base64_decrypt_no_transform_but_the_two_of_saml() {
    let exclusive = format!("<ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\"></ds:Transform>");
    let enveloped = format!("<ds:Transform Algorithm=\"{DS}enveloped-signature\"></ds:Transform>");
    let both = format!("{enveloped}{exclusive}");
    let with = |uri: &str, content: &str| {
        format!("<ds:Transform Algorithm=\"{uri}\">{content}</ds:Transform>")
    };
    let sheet = "<s:stylesheet xmlns:s='http://www.w3.org/1999/XSL/Transform' version='1.0'/>";
    let xpath = "<ds:XPath>not(ancestor-or-self::x)</ds:XPath>";
    let foreign = [
        with("http://www.w3.org/TR/1999/REC-xslt-19991116", sheet),
        with("http://www.w3.org/TR/1999/REC-xpath-19991116", xpath),
        with("http://www.w3.org/2002/06/xmldsig-filter2", xpath),
        with("http://www.w3.org/2001/04/xmldsig-more/xptr", ""),
        with(&format!("{DS}base64"), ""),
        with("http://www.w3.org/2002/07/decrypt#XML", ""),
        with("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ""),
        with(&format!("{EXCLUSIVE_C14N}WithComments"), ""),
        with("", ""),
    ];
    let transforms = Err(SignatureError::Transforms);
    let pair = pair(KeyKind::P256);
    let genuine = signed_request(&pair.signing, "_good");
    let try_instead = |list: &str| verdict(&pair, &replace(&genuine, &both, list));
    for one in &foreign {
        assert_eq!(
            try_instead(&format!("{enveloped}{one}")),
            transforms,
            "{one}"
        );
        assert_eq!(
            try_instead(&format!("{one}{exclusive}")),
            transforms,
            "{one}"
        );
        assert_eq!(
            try_instead(&format!("{enveloped}{one}{exclusive}")),
            transforms,
            "{one}"
        );
    }
    for list in [
        "",
        &exclusive,
        &enveloped,
        &format!("{exclusive}{enveloped}"),
    ] {
        assert_eq!(try_instead(list), transforms, "{list}");
    }
    let nested = enveloped.replace("></", "><ds:X/></");
    assert_eq!(try_instead(&format!("{nested}{exclusive}")), transforms);
}

#[test]
fn the_list_of_prefixes_is_the_only_parameter_and_short() {
    let parameter = |inside: &str| {
        let from = format!("<ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\">");
        let pair = pair(KeyKind::P256);
        let genuine = signed_request(&pair.signing, "_good");
        verdict(&pair, &replace(&genuine, &from, &format!("{from}{inside}")))
    };
    let unexpected = Err(SignatureError::UnexpectedContent);
    let one = format!("<e:InclusiveNamespaces xmlns:e='{EXCLUSIVE_C14N}' PrefixList='a'/>");
    assert_eq!(parameter(&format!("{one}{one}")), unexpected);
    assert_eq!(parameter("x"), unexpected);
    assert_eq!(
        parameter("<InclusiveNamespaces PrefixList='a'/>"),
        unexpected
    );
    assert_eq!(parameter(&one.replace("PrefixList", "x")), unexpected);
    let many = one.replace("'a'", &format!("'{}'", "a ".repeat(17)));
    assert_eq!(parameter(&many), Err(SignatureError::PrefixList));
    // Well-formed, but not what was signed.
    assert_eq!(parameter(&one), Err(SignatureError::NotTheirs));
}

#[test]
fn signed_info_is_canonicalised_exclusively() {
    let method = |uri: &str| format!("<ds:CanonicalizationMethod Algorithm=\"{uri}\">");
    for uri in [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "",
    ] {
        let reason = SignatureError::Canonicalization;
        refused(&reason, &[(&method(EXCLUSIVE_C14N), &method(uri))]);
    }
}

const REFUSED: [&str; 14] = [
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha224",
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    "http://www.w3.org/2009/xmldsig11#dsa-sha256",
    "urn:unknown",
    "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
    "",
];

#[test]
fn t_alg_no_other_algorithm_signs_or_digests() {
    let pair = pair(KeyKind::P256);
    let genuine = signed_request(&pair.signing, "_good");
    let is_refused = |text: &str, uri: &str| {
        assert_eq!(
            verdict(&pair, text),
            Err(SignatureError::RefusedAlgorithm {
                uri: uri.to_owned()
            })
        );
    };
    for uri in REFUSED {
        let ours = pair.signing.algorithm().uri();
        is_refused(&replace(&genuine, ours, uri), uri);
        assert_eq!(SignatureAlgorithm::from_uri(uri), None);
        let octets = verify_octets(b"x", uri, b"y", std::slice::from_ref(&pair.verifying));
        assert!(matches!(
            octets,
            Err(SignatureError::RefusedAlgorithm { .. })
        ));
    }
    let digest = "http://www.w3.org/2001/04/xmlenc#sha256";
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "http://www.w3.org/2001/04/xmldsig-more#sha224",
        "",
    ] {
        is_refused(&replace(&genuine, digest, uri), uri);
    }
    let long = "u".repeat(100_000);
    let text = replace(&genuine, digest, &long);
    is_refused(&text, &long[..120]);
    // Of another family than the key.
    let rsa = replace(&genuine, "#ecdsa-sha256", "#rsa-sha256");
    assert_eq!(verdict(&pair, &rsa), Err(SignatureError::NoKeyOfThisType));
    let other = replace(&genuine, "#ecdsa-sha256", "#ecdsa-sha512");
    assert_eq!(verdict(&pair, &other), Err(SignatureError::NotTheirs));
}

#[test]
fn t_emptystr_the_signed_id_is_a_name_of_reasonable_length() {
    let pair = pair(KeyKind::P256);
    let genuine = signed_request(&pair.signing, "_good");
    let long = "a".repeat(10_000);
    for id in [
        "",
        " ",
        "a b",
        " _good",
        "xpointer(/)",
        "1",
        "a:b",
        "#_good",
        &long,
    ] {
        assert_eq!(
            verdict(&pair, &genuine.replace("_good", id)),
            Err(SignatureError::UnusableId)
        );
    }
    let none = replace(&genuine, " ID=\"_good\"", "");
    assert_eq!(verdict(&pair, &none), Err(SignatureError::UnusableId));
}

#[test]
fn t_c14n_void_the_digest_of_nothing_is_no_digest() {
    let pair = pair(KeyKind::P256);
    let genuine = signed_request(&pair.signing, "_good");
    let from = genuine.find("<ds:DigestValue>").unwrap() + "<ds:DigestValue>".len();
    let to = genuine.find("</ds:DigestValue>").unwrap();
    let with = |digest: &str| verdict(&pair, &[&genuine[..from], digest, &genuine[to..]].concat());
    let void = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(with(void), Err(SignatureError::EmptyDigest));
    for malformed in [
        "",
        "AAAA",
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "=",
        &void[..43],
    ] {
        assert_eq!(
            with(malformed),
            Err(SignatureError::MalformedValue),
            "{malformed}"
        );
    }
    let relative = replace(&genuine, "<saml:Issuer ", "<saml:Issuer xmlns:q='1' ");
    assert_eq!(parse(&relative).err(), Some(XmlError::RelativeNamespace));
}

#[test]
fn the_signature_stands_behind_the_issuer_and_nowhere_else() {
    let pair = pair(KeyKind::P256);
    let (bare, signature) = cut_signature(&signed_request(&pair.signing, "_good"));
    let put = |at: usize| verdict(&pair, &[&bare[..at], &signature, &bare[at..]].concat());
    let behind = bare.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
    assert_eq!(put(behind), Ok(()));
    for tag in [
        "<saml:Issuer",
        "</saml:Issuer>",
        "</samlp:NameIDPolicy>",
        "</samlp:AuthnRequest>",
    ] {
        assert_eq!(
            put(bare.find(tag).unwrap()),
            Err(SignatureError::Misplaced),
            "{tag}"
        );
    }
    assert_eq!(verdict(&pair, &bare), Err(SignatureError::Missing));
    assert!(!has_signature(&parse(&bare).unwrap()));
    assert!(has_signature(
        &parse(&format!("<a><b>{signature}</b></a>")).unwrap()
    ));
    let first = parse(&[&bare[..behind], &signature, &bare[behind..]].concat()).unwrap();
    let keys = [pair.verifying];
    assert_eq!(
        verify_enveloped(&first, &keys, Place::First).err(),
        Some(SignatureError::Misplaced)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// A change either breaks the document or the signature, or it changes nothing that is signed:
    /// KeyInfo is a hint, and a blank between attributes may become a line feed.
    #[test]
    fn one_changed_byte_never_passes_with_other_content(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        thread_local!(static KEY: Pair = pair(KeyKind::P256));
        KEY.with(|pair| {
            let genuine = signed_request(&pair.signing, "_good");
            let mut bytes = genuine.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = to;
            let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
            let Ok(document) = parse(&text) else { return Ok(()) };
            let keys = [pair.verifying.clone()];
            if let Ok(signed) = verify_enveloped(&document, &keys, Place::AfterIssuer) {
                let signature = signed.root().child(DS, "Signature");
                let canonical = canonicalize(signed.root(), &[], signature);
                let (expected, _) = request("_good", "https://sp.example/acs");
                prop_assert_eq!(String::from_utf8(canonical).unwrap(), expected);
                let hint = genuine.find("<ds:KeyInfo").unwrap()
                    ..genuine.find("</ds:Signature>").unwrap();
                let harmless = text == genuine || b" \t\r\n".contains(&to) || hint.contains(&at);
                prop_assert!(harmless, "{}", text);
            }
            Ok(())
        })?;
    }
}
