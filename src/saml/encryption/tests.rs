//! Encryption held against itself, against the rules of choice, and against whoever forges. What
//! others make of it is seen in `tests/encryption`.

mod choice;

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use proptest::prelude::*;
use std::sync::LazyLock;

use super::*;
use crate::directory::algorithms::{DataEncryption, DeniedAlgorithms};
use crate::directory::name::{EntityId, RoleName, SpId, SpName};
use crate::directory::protection::{
    Declared, Encrypt, EncryptionKey, EncryptionMethod, KeyForm, Protection,
};
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::{
    AcsBinding, AcsEndpoint, AcsEndpoints, Policy, ServiceProvider, Sign,
};
use crate::directory::signing_key::KeyUse;
use crate::saml::signature::{KeyKind, generate_for};
use crate::saml::uri;
use crate::saml::xml::{self, Document, Limits, Writer, canonicalize};

const NAME_ID: &str = "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">a&amp;b \
                       \u{1F511}</saml:NameID>";

/// A key and its certificate.
struct Pair {
    key: DecryptionKey,
    certificate: Vec<u8>,
}

fn pair(serial: u8) -> Pair {
    let of = KeyUse::Encryption;
    let made = generate_for(of, KeyKind::Rsa2048, "sp", (0, 4_000_000_000), [serial; 20]).unwrap();
    Pair {
        key: DecryptionKey::from_der(&made.pkcs8, &made.certificate).unwrap(),
        certificate: made.certificate,
    }
}

static OURS: LazyLock<Pair> = LazyLock::new(|| pair(1));
static OTHER: LazyLock<Pair> = LazyLock::new(|| pair(2));

fn keys(pairs: &[&Pair]) -> DecryptionKeys {
    let keys = pairs.iter().map(|pair| pair.key.clone()).collect();
    DecryptionKeys::new(keys, DeniedAlgorithms::default())
}

fn sp(encryption_keys: Vec<EncryptionKey>, protection: Protection) -> ServiceProvider {
    let acs = AcsEndpoint {
        binding: AcsBinding::HttpPost,
        location: "https://sp.example/acs".to_owned(),
        index: 0,
        is_default: None,
    };
    ServiceProvider {
        id: SpId::from_stored("sp"),
        version: 1,
        name: SpName::parse("store").unwrap(),
        entity_id: EntityId::parse("https://sp.example/?a=1&b=2").unwrap(),
        enabled: true,
        rule: Rule::new(Quantifier::AnyOf, [RoleName::parse("store").unwrap()]).unwrap(),
        acs: AcsEndpoints::new(vec![acs], false).unwrap(),
        certificates: vec![],
        bare_keys: vec![],
        slo: crate::directory::slo_endpoint::SloEndpoints::default(),
        requested: crate::directory::release::Requested::default(),
        name_id_formats: vec![],
        declared: Declared {
            encryption_keys,
            ..Declared::default()
        },
        metadata: None,
        policy: Policy {
            protection,
            ..Policy::default()
        },
    }
}

fn key(pair: &Pair, is_for_encryption: bool, methods: &[EncryptionMethod]) -> EncryptionKey {
    EncryptionKey {
        key: KeyForm::Certificate(pair.certificate.clone()),
        is_for_encryption,
        methods: methods.to_vec(),
    }
}

fn method(algorithm: &str) -> EncryptionMethod {
    EncryptionMethod {
        algorithm: algorithm.to_owned(),
        digest: None,
        mgf: None,
    }
}

fn of(encrypt: Encrypt) -> Protection {
    Protection {
        encrypt,
        ..Protection::default()
    }
}

fn nothing_denied() -> DeniedAlgorithms {
    DeniedAlgorithms::default()
}

fn usual() -> Recipient {
    let sp = sp(vec![key(&OURS, true, &[])], Protection::default());
    recipient(&sp, &nothing_denied()).unwrap().unwrap()
}

fn encrypted_id(recipient: &Recipient) -> String {
    let mut writer = Writer::with_capacity(1024);
    recipient.write_encrypted_id(&mut writer, NAME_ID).unwrap();
    writer.finish().unwrap()
}

fn opened(keys: &DecryptionKeys, text: &str) -> Result<Document, DecryptError> {
    let document = xml::read(text.as_bytes(), &Limits::MESSAGE).unwrap();
    keys.decrypt(document.root())
}

#[test]
fn what_is_encrypted_opens_as_the_very_same_text() {
    let text = encrypted_id(&usual());
    let document = opened(&keys(&[&OURS]), &text).unwrap();
    let again = canonicalize(document.root(), &[], None);
    assert_eq!(String::from_utf8(again).unwrap(), NAME_ID);
}

#[test]
fn c_e4_c_e6_the_encrypted_element_is_canonical_and_stands_alone() {
    let assertion = "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_1\">\
                     </saml:Assertion>";
    let text = usual().encrypted_assertion(assertion).unwrap();
    let document = xml::read(text.as_bytes(), &Limits::MESSAGE).unwrap();
    let root = document.root();
    assert_eq!(canonicalize(root, &[], None), text.as_bytes());
    assert!(root.is(uri::SAML.uri, "EncryptedAssertion"));
    let data = root.child(uri::XENC.uri, "EncryptedData").unwrap();
    assert_eq!(
        data.attribute("Type"),
        Some("http://www.w3.org/2001/04/xmlenc#Element")
    );
    let key_info = data.child(uri::DS.uri, "KeyInfo").unwrap();
    let sealed_key = key_info.child(uri::XENC.uri, "EncryptedKey").unwrap();
    assert_eq!(
        sealed_key.attribute("Recipient"),
        Some("https://sp.example/?a=1&b=2")
    );
}

#[test]
fn c_e8_no_two_encryptions_have_anything_in_common() {
    let values = |text: &str| -> Vec<String> {
        let parts = text.split("CipherValue>").skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let recipient = usual();
    let (one, other) = (encrypted_id(&recipient), encrypted_id(&recipient));
    let (one, other) = (values(&one), values(&other));
    assert_eq!((one.len(), other.len()), (2, 2));
    for (one, other) in one.iter().zip(&other) {
        // 12 octets are 16 characters: the initialisation vector, and the start of the key.
        assert_ne!(one[..16], other[..16]);
        assert_ne!(one, other);
    }
}

#[test]
fn c_e9_every_key_of_ours_is_tried() {
    let text = encrypted_id(&usual());
    assert!(opened(&keys(&[&OTHER, &OURS]), &text).is_ok());
    assert!(opened(&keys(&[&OURS, &OTHER]), &text).is_ok());
    assert_eq!(opened(&keys(&[&OTHER]), &text).err(), Some(DecryptError));
    assert_eq!(opened(&keys(&[]), &text).err(), Some(DecryptError));
}

#[test]
fn c_e6_both_layouts_are_read() {
    let text = encrypted_id(&usual());
    let start = text.find("<ds:KeyInfo").unwrap();
    let end = text.find("</ds:KeyInfo>").unwrap() + "</ds:KeyInfo>".len();
    let key_info = &text[start..end];
    let sealed_key = &key_info[key_info.find("<xenc:EncryptedKey").unwrap()..key_info.len() - 13];
    let beside = sealed_key
        .replacen("<xenc:EncryptedKey", "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"", 1)
        .replace("<ds:DigestMethod", "<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"")
        .replace("DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", "DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"");
    let moved = text.replace(key_info, "").replace(
        "</saml:EncryptedID>",
        &format!("{beside}</saml:EncryptedID>"),
    );
    let document = opened(&keys(&[&OURS]), &moved).unwrap();
    assert!(document.root().is(uri::SAML.uri, "NameID"));
}

#[test]
fn what_was_encrypted_may_use_the_namespaces_around_it() {
    let bare = "<saml:NameID>x</saml:NameID>";
    let mut writer = Writer::with_capacity(1024);
    usual().write_encrypted_id(&mut writer, bare).unwrap();
    let document = opened(&keys(&[&OURS]), &writer.finish().unwrap()).unwrap();
    assert!(document.root().is(uri::SAML.uri, "NameID"));
    let undeclared = "<evil:NameID>x</evil:NameID>";
    let mut writer = Writer::with_capacity(1024);
    usual().write_encrypted_id(&mut writer, undeclared).unwrap();
    assert!(opened(&keys(&[&OURS]), &writer.finish().unwrap()).is_err());
}

/// The text with the octets of the last CipherValue changed.
fn altered(text: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let start = text.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
    let end = text[start..].find('<').unwrap() + start;
    let mut octets = STANDARD.decode(&text[start..end]).unwrap();
    change(&mut octets);
    [&text[..start], &STANDARD.encode(octets), &text[end..]].concat()
}

#[test]
fn t_enc_tag_every_octet_of_the_tag_counts_and_so_does_its_length() {
    let text = encrypted_id(&usual());
    let keys = keys(&[&OURS]);
    for place in 0..16 {
        let flipped = altered(&text, |octets| {
            let at = octets.len() - 16 + place;
            octets[at] ^= 1;
        });
        assert_eq!(
            opened(&keys, &flipped).err(),
            Some(DecryptError),
            "octet {place}"
        );
    }
    for cut in [1, 4, 12, 15, 16] {
        let short = altered(&text, |octets| octets.truncate(octets.len() - cut));
        assert_eq!(
            opened(&keys, &short).err(),
            Some(DecryptError),
            "without {cut} octets"
        );
    }
    for at in [0, 11, 12] {
        let flipped = altered(&text, |octets| octets[at] ^= 1);
        assert!(
            opened(&keys, &flipped).is_err(),
            "octet {at} of nonce and text"
        );
    }
    assert!(opened(&keys, &altered(&text, Vec::clear)).is_err());
}

#[test]
fn t_enc_oracle_all_failures_look_alike() {
    let text = encrypted_id(&usual());
    let cbc = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
    let rsa_15 = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
    let gcm = DataEncryption::Aes256Gcm.uri();
    let vectors = [
        ("cbc", text.replace(gcm, cbc)),
        ("rsa-1_5", text.replace(RSA_OAEP_MGF1P, rsa_15)),
        (
            "another length",
            text.replace(gcm, DataEncryption::Aes128Gcm.uri()),
        ),
        (
            "another digest",
            text.replace(OaepDigest::Sha1.uri(), OaepDigest::Sha256.uri()),
        ),
        (
            "md5",
            text.replace(
                OaepDigest::Sha1.uri(),
                "http://www.w3.org/2001/04/xmldsig-more#md5",
            ),
        ),
        ("no data", text.replace("CipherData", "CipherNothing")),
        ("content", text.replace("xmlenc#Element", "xmlenc#Content")),
        ("no key", text.replace("EncryptedKey", "EncryptedQuay")),
    ];
    for (name, vector) in vectors {
        assert_eq!(
            opened(&keys(&[&OURS]), &vector).err(),
            Some(DecryptError),
            "{name}"
        );
    }
}

#[test]
fn t_enc_oracle_a_key_that_does_not_open_is_not_replaced_by_a_known_one() {
    // Encrypted under the key that stands in for one that does not open, without knowing any.
    let mut tag = [0; 16];
    let cipher = openssl::symm::Cipher::aes_256_gcm();
    let key = [0; 32];
    let nonce = [7; 12];
    let sealed = openssl::symm::encrypt_aead(
        cipher,
        &key,
        Some(&nonce),
        &[],
        NAME_ID.as_bytes(),
        &mut tag,
    );
    let octets = [&nonce, sealed.unwrap().as_slice(), &tag].concat();
    let sp = sp(vec![self::key(&OTHER, true, &[])], Protection::default());
    let to_other = recipient(&sp, &nothing_denied()).unwrap().unwrap();
    let forged = altered(&encrypted_id(&to_other), |data| *data = octets);
    assert_eq!(opened(&keys(&[&OURS]), &forged).err(), Some(DecryptError));
}

#[test]
fn c_alg2_what_is_denied_is_neither_written_nor_read() {
    let gcm = DataEncryption::Aes256Gcm.uri();
    let denied = DeniedAlgorithms::new([gcm.to_owned()]);
    let sp = sp(vec![key(&OURS, true, &[])], Protection::default());
    let chosen = recipient(&sp, &denied).unwrap().unwrap();
    assert_eq!(chosen.data_encryption(), DataEncryption::Aes128Gcm);
    let ours = DecryptionKeys::new(vec![OURS.key.clone()], denied);
    assert!(opened(&ours, &encrypted_id(&usual())).is_err());
    let denied = DeniedAlgorithms::new([RSA_OAEP_MGF1P.to_owned()]);
    let chosen = recipient(&sp, &denied).unwrap().unwrap();
    assert_eq!(chosen.key_transport().uri(), RSA_OAEP_11);
    let denied = DeniedAlgorithms::new(KeyTransport::IDENTIFIERS.map(str::to_owned));
    assert!(matches!(
        recipient(&sp, &denied),
        Err(RecipientError::Denied { .. })
    ));
}

fn transports() -> impl Strategy<Value = KeyTransport> {
    let digest = || {
        proptest::sample::select(vec![
            OaepDigest::Sha1,
            OaepDigest::Sha256,
            OaepDigest::Sha384,
            OaepDigest::Sha512,
        ])
    };
    (any::<bool>(), digest(), digest()).prop_map(|(names_mask, digest, mask)| KeyTransport {
        names_mask,
        digest,
        mask: if names_mask { mask } else { OaepDigest::Sha1 },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any value, in every pair of algorithms that we write and read.
    #[test]
    fn c_e3_every_transport_and_every_data_encryption_opens_again(
        value in "\\PC{0,200}",
        transport in transports(),
        long in any::<bool>(),
    ) {
        let data = if long { DataEncryption::Aes256Gcm } else { DataEncryption::Aes128Gcm };
        let recipient = Recipient { data, transport, ..usual() };
        let mut plain = Writer::with_capacity(256);
        plain.element(uri::SAML, "NameID", &value);
        let Ok(plain) = plain.finish() else { return Ok(()) };
        let mut writer = Writer::with_capacity(1024);
        recipient.write_encrypted_id(&mut writer, &plain).unwrap();
        let document = opened(&keys(&[&OTHER, &OURS]), &writer.finish().unwrap()).unwrap();
        prop_assert_eq!(canonicalize(document.root(), &[], None), plain.as_bytes());
    }

    /// Whatever stands in the place of ciphertexts: an error, never a panic.
    #[test]
    fn t_enc_oracle_arbitrary_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let forged = altered(&encrypted_id(&usual()), |data| *data = octets);
        prop_assert_eq!(opened(&keys(&[&OURS]), &forged).err(), Some(DecryptError));
    }
}
