//! Encryption of assertions and identifiers (Core 6.1; IIP-IDP09, IIP-ALG04 to 06).

use openssl::pkey::PKey;

use crate::installation::Installation;
use crate::support::oracle::{Message, xmlsec1_decrypts, xmlsec1_encrypts};
use crate::support::sp::Sp;

const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
const OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP_11: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const RSA_15: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
const ENCRYPTED: &str =
    r#"<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"/>"#;

/// `md:EncryptionMethod`, with the digest and mask of RSA-OAEP if there are any.
fn method(algorithm: &str, digest: &str, mask: &str) -> String {
    let digest = match digest {
        "" => String::new(),
        uri => format!(
            r#"<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="{uri}"/>"#
        ),
    };
    let mask = match mask {
        "" => String::new(),
        hash => format!(
            r#"<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1{hash}"/>"#
        ),
    };
    format!(r#"<md:EncryptionMethod Algorithm="{algorithm}">{digest}{mask}</md:EncryptionMethod>"#)
}

fn metadata(sp: &Sp, key_use: Option<&str>, methods: &str) -> String {
    sp.metadata_with("", &sp.key_descriptor(key_use, methods))
}

/// What ada brings to this SP.
async fn response_to(home: &Installation, sp: &Sp, children: &str) -> (Message, String) {
    let ada = home.ada().await.decrypting(&sp.key_pem());
    let mut request = sp.request(&home.sso());
    request.children = children.to_owned();
    let answer = home.ask(&ada, &request).await;
    let (acs, message) = answer
        .response()
        .unwrap_or_else(|| panic!("no Response: {}", answer.in_short()));
    assert_eq!(acs, sp.acs);
    let text = answer.encoded_response().expect("it was just read");
    (message.clone(), crate::support::browser::decoded(&text))
}

#[tokio::test]
async fn c_e1_c_s5_an_assertion_is_signed_then_encrypted_then_the_response_is_signed() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    home.register("store", &metadata(&sp, Some("encryption"), ""), &[]);
    let (message, xml) = response_to(&home, &sp, "").await;
    assert!(!xml.contains("<saml:Assertion"), "nothing is left in plain");
    assert_eq!(message.signed(), ["Response"]);
    let inside: Vec<_> = message
        .signatures_inside
        .iter()
        .map(|s| s.of.as_str())
        .collect();
    assert_eq!(inside, ["Assertion"]);
    let encryption = message.encryption.expect("it is encrypted");
    assert_eq!(encryption.data, "aes256-gcm");
    assert_eq!(encryption.transport, "rsa-oaep-mgf1p/sha1/sha1");
    assert_eq!(
        encryption.recipient.as_deref(),
        Some(sp.entity_id.as_str()),
        "C-E6"
    );
    assert_eq!(
        message.issuer.as_deref(),
        home.product.metadata.entity_id.as_deref(),
        "C-A2"
    );
    // A third opinion: xmlsec1 decrypts it, and finds the same.
    let opened = xmlsec1_decrypts(&xml, &sp.key_pem()).expect("xmlsec1 decrypts");
    let assertion = message.decrypted.expect("it was decrypted");
    let (_, signed) = assertion
        .split_once("<ds:SignatureValue>")
        .expect("it is signed");
    let (signature, _) = signed.split_once('<').expect("a value");
    assert!(opened.contains(signature), "{opened}");
}

/// What metadata names, and how the assertion then has to be encrypted: data, transport.
fn declared_and_expected() -> Vec<(Vec<String>, &'static str, &'static str)> {
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let sha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";
    let sha512 = "http://www.w3.org/2001/04/xmlenc#sha512";
    let plain = |algorithm| method(algorithm, "", "");
    let many = vec![
        plain(AES128_CBC),
        plain(AES128_GCM),
        plain(RSA_15),
        method(OAEP_11, sha256, "sha256"),
    ];
    let three = vec![
        plain(AES256_GCM),
        plain(AES128_GCM),
        method(OAEP_MGF1P, sha256, ""),
    ];
    let transport = |digest, mask| vec![method(OAEP_11, digest, mask)];
    vec![
        (
            vec![plain(AES128_GCM)],
            "aes128-gcm",
            "rsa-oaep-mgf1p/sha1/sha1",
        ),
        (three, "aes256-gcm", "rsa-oaep-mgf1p/sha256/sha1"),
        (many, "aes128-gcm", "rsa-oaep/sha256/sha256"),
        (transport(sha1, "sha1"), "aes256-gcm", "rsa-oaep/sha1/sha1"),
        (
            transport(sha384, "sha512"),
            "aes256-gcm",
            "rsa-oaep/sha384/sha512",
        ),
        (transport(sha512, ""), "aes256-gcm", "rsa-oaep/sha512/sha1"),
        (transport("", ""), "aes256-gcm", "rsa-oaep/sha1/sha1"),
    ]
}

#[tokio::test]
async fn c_e2_c_e3_c_e5_the_algorithms_of_the_metadata_are_used_in_its_order() {
    let home = Installation::start().await;
    for (at, (methods, data, transport)) in declared_and_expected().into_iter().enumerate() {
        let name = format!("sp{at}");
        let sp = Installation::sp(&name);
        let metadata = metadata(&sp, Some("encryption"), &methods.concat());
        home.register(&name, &metadata, &[]);
        let (message, _) = response_to(&home, &sp, "").await;
        let encryption = message.encryption.expect("it is encrypted");
        let found = (encryption.data.as_str(), encryption.transport.as_str());
        assert_eq!(found, (data, transport));
    }
}

#[tokio::test]
async fn c_e5_c_s8_a_key_without_use_serves_where_encryption_is_demanded() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    home.register("store", &metadata(&sp, None, ""), &[]);
    let (message, _) = response_to(&home, &sp, "").await;
    assert_eq!(
        message.encryption, None,
        "auto is for keys that are named for it"
    );
    home.product
        .cli(["sp", "update", "store", "--encrypt", "always"]);
    let (message, _) = response_to(&home, &sp, "").await;
    assert!(message.encryption.is_some());
    home.product
        .cli(["sp", "update", "store", "--encrypt", "never"]);
    let (message, _) = response_to(&home, &sp, "").await;
    assert_eq!(message.encryption, None);
}

#[tokio::test]
async fn c_e7_without_a_usable_key_nothing_leaves_in_plain() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    let refused = home.try_register("store", &sp.metadata(""), &["--encrypt", "always"]);
    let why = refused.expect_err("there is no key");
    assert!(why.contains("no key is known"), "{why}");
    let only_rsa_15 = metadata(&sp, Some("encryption"), &method(RSA_15, "", ""));
    let why = home
        .try_register("store", &only_rsa_15, &[])
        .expect_err("never PKCS #1 v1.5");
    assert!(why.contains("rsa-1_5"), "{why}");
    let only_cbc = metadata(&sp, Some("encryption"), &method(AES128_CBC, "", ""));
    let why = home
        .try_register("store", &only_cbc, &[])
        .expect_err("CBC only if asked for");
    assert!(why.contains("aes128-cbc"), "{why}");
}

#[tokio::test]
async fn c_e7_a_key_that_is_denied_later_stops_the_answers() {
    let mut home = Installation::start().await;
    let sp = Installation::sp("store");
    let methods = method(AES128_GCM, "", "");
    home.register(
        "store",
        &metadata(&sp, Some("encryption"), &methods),
        &["--encrypt", "always"],
    );
    home.product
        .settings(&format!("denied_algorithms = [\"{AES128_GCM}\"]"));
    home.product.restart().await;
    let (message, xml) = response_to(&home, &sp, "").await;
    assert_eq!(message.short_status(), "Responder");
    assert!(!xml.contains("Assertion"), "{xml}");
    let reasons = home.product.log();
    let told = reasons
        .iter()
        .any(|line| line.to_string().contains("encryption-impossible"));
    assert!(told, "one line says why");
}

#[tokio::test]
async fn c_e2_cbc_is_an_administrators_choice_with_a_warning_and_a_signed_response() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    let cbc = metadata(&sp, Some("encryption"), &method(AES128_CBC, "", ""));
    let unsigned = [
        "--encryption-algorithm",
        "aes128-cbc",
        "--sign",
        "assertion",
    ];
    let why = home
        .try_register("store", &cbc, &unsigned)
        .expect_err("it could be altered unseen");
    assert!(why.contains("has to be signed"), "{why}");
    home.register("store", &cbc, &["--encryption-algorithm", "aes128-cbc"]);
    let (message, xml) = response_to(&home, &sp, "").await;
    assert_eq!(message.signed(), ["Response"]);
    assert_eq!(
        message.encryption.expect("it is encrypted").data,
        "aes128-cbc"
    );
    xmlsec1_decrypts(&xml, &sp.key_pem()).expect("xmlsec1 knows the padding");
    let log = home.product.log();
    assert!(
        log.iter()
            .any(|line| line.to_string().contains("altered unseen")),
        "the log warns"
    );
    let checked = home.product.try_cli(&["check", "--offline"], "");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("can be altered unseen"), "{said}");
}

#[tokio::test]
async fn c_n8_an_identifier_is_encrypted_where_the_request_asks_for_it() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    home.register("store", &metadata(&sp, None, ""), &[]);
    let (message, xml) = response_to(&home, &sp, ENCRYPTED).await;
    assert!(!xml.contains("<saml:NameID"), "{xml}");
    let assertion = message.assertion.expect("an assertion");
    assert_eq!(
        assertion.encrypted_id.expect("an EncryptedID").data,
        "aes256-gcm"
    );
    let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let name_id = assertion.name_id.expect("it was decrypted");
    assert_eq!(name_id.format.as_deref(), Some(persistent));
    // The same person under the same identifier as in plain.
    let (plain, _) = response_to(&home, &sp, "").await;
    assert_eq!(plain.assertion.and_then(|a| a.name_id), Some(name_id));
}

#[tokio::test]
async fn c_n8_without_a_key_an_encrypted_identifier_is_an_invalid_policy() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    home.register("store", &sp.metadata(""), &[]);
    let (message, _) = response_to(&home, &sp, ENCRYPTED).await;
    assert_eq!(message.short_status(), "Requester/InvalidNameIDPolicy");
}

/// An EncryptedID by xmlsec1, of a template that names these algorithms.
fn foreign_encrypted_id(name_id: &str, data: &str, session_key: &str, certificate: &str) -> String {
    let template = format!(
        r#"<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{data}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{OAEP_MGF1P}"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"#
    );
    let sealed = xmlsec1_encrypts(&template, name_id, session_key, certificate);
    let sealed = sealed.unwrap_or_else(|why| panic!("xmlsec1 cannot encrypt: {why}"));
    format!("<saml:Subject><saml:EncryptedID>{sealed}</saml:EncryptedID></saml:Subject>")
}

#[tokio::test]
async fn c_e9_c_r8_what_xmlsec1_encrypts_to_us_is_decrypted_and_matched() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    home.register("store", &sp.metadata(""), &["--nameid", "unspecified"]);
    let certificate = home.product.metadata.encryption_pem();
    let name_id = |name: &str| {
        format!(
            r#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{name}</saml:NameID>"#
        )
    };
    for (data, session_key) in [(AES128_GCM, "aes-128"), (AES256_GCM, "aes-256")] {
        let subject = foreign_encrypted_id(&name_id("ada"), data, session_key, &certificate);
        let (message, _) = response_to(&home, &sp, &subject).await;
        let assertion = message.assertion.expect("ada is who was asked for");
        assert_eq!(assertion.name_id.expect("a NameID").value, "ada");
        let subject = foreign_encrypted_id(&name_id("bob"), data, session_key, &certificate);
        let (message, _) = response_to(&home, &sp, &subject).await;
        assert_eq!(message.short_status(), "Responder/UnknownPrincipal");
    }
}

#[tokio::test]
async fn t_enc_oracle_over_http_all_failures_look_alike() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    home.register("store", &sp.metadata(""), &["--nameid", "unspecified"]);
    let certificate = home.product.metadata.encryption_pem();
    let plain =
        r#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">ada</saml:NameID>"#;
    let good = foreign_encrypted_id(plain, AES256_GCM, "aes-256", &certificate);
    let (foreign, _) = crate::support::sp::another_key();
    assert!(PKey::private_key_from_pem(&foreign.private_key_to_pem_pkcs8().expect("PEM")).is_ok());
    let of_others = foreign_encrypted_id(plain, AES256_GCM, "aes-256", &sp.certificate_pem());
    let cbc = foreign_encrypted_id(plain, AES128_CBC, "aes-128", &certificate);
    let no_name = foreign_encrypted_id("<x/>", AES256_GCM, "aes-256", &certificate);
    let flipped = {
        let end = good.rfind("</xenc:CipherValue>").expect("a value");
        let at = good[..end].trim_end().len() - 6;
        let other = if &good[at..=at] == "A" { "B" } else { "A" };
        [&good[..at], other, &good[at + 1..]].concat()
    };
    let mut answers = Vec::new();
    for vector in [of_others, cbc, no_name, flipped] {
        let (message, _) = response_to(&home, &sp, &vector).await;
        answers.push((message.short_status(), message.told));
    }
    let expected = ("Requester".to_owned(), None);
    assert!(
        answers.iter().all(|answer| *answer == expected),
        "{answers:?}"
    );
    let causes: std::collections::BTreeSet<_> = home
        .product
        .log()
        .into_iter()
        .filter(|line| line.to_string().contains("undecryptable"))
        .map(|line| line["fields"]["cause"].to_string() + &line["cause"].to_string())
        .collect();
    assert_eq!(causes.len(), 1, "the log does not say either: {causes:?}");
}
