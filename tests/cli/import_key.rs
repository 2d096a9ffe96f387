//! Keys from outside: what is taken, what is refused and why.

use crate::support::{Ended, Installation};
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::{X509, X509NameBuilder};
use std::os::unix::fs::PermissionsExt;

const PASSPHRASE: &str = "open sesame";

pub(crate) fn ec(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// A self-signed certificate that ends so many days from now.
pub(crate) fn certificate(key: &PKey<Private>, days: i64, digest: MessageDigest) -> X509 {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "idp.example").unwrap();
    let name = name.build();
    let at = |days: i64| {
        let now = jiff::Timestamp::from_second(seconds_now()).unwrap();
        Asn1Time::from_unix(now.as_second() + days * 86_400).unwrap()
    };
    let mut builder = X509::builder().unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&at(days.min(0) - 1)).unwrap();
    builder.set_not_after(&at(days)).unwrap();
    builder.sign(key, digest).unwrap();
    builder.build()
}

fn seconds_now() -> i64 {
    doorward::clock::Clock::System.now().millis() / 1000
}

struct Files {
    here: Installation,
}

impl Files {
    fn new(key: &PKey<Private>, certificate: &X509) -> Self {
        let here = Installation::new();
        let files = Self { here };
        files.secret("idp.key", &key.private_key_to_pem_pkcs8().unwrap());
        files.secret("idp.pem", &certificate.to_pem().unwrap());
        files
    }

    fn secret(&self, name: &str, bytes: &[u8]) {
        let path = self.here.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn import(&self) -> Ended {
        let line = [
            "key", "import", "--cert", "idp.pem", "--key", "idp.key", "--json",
        ];
        self.here.run(&line)
    }

    fn import_with(&self, line: &[&str], stdin: &str) -> Ended {
        let line = [&["key", "import", "--json"], line].concat();
        self.here.run_with(&line, stdin, &[])
    }
}

#[test]
fn a_key_and_its_certificate_are_staged_and_can_sign() {
    let key = rsa(2048);
    let certificate = certificate(&key, 365, MessageDigest::sha256());
    let files = Files::new(&key, &certificate);
    let imported = files.import();
    assert_eq!(imported.status, 0, "{imported:?}");
    assert_eq!(imported.complained, "", "nothing to remark");
    let told = imported.json();
    assert_eq!(told["key"]["state"], "next");
    assert_eq!(told["key"]["algorithm"], "rsa2048");
    let pem = String::from_utf8(certificate.to_pem().unwrap()).unwrap();
    assert_eq!(told["key"]["certificate"], pem.as_str());
    files.here.done(&["key", "activate"]);
    let listed = files
        .here
        .json(&["audit", "list", "--kind", "key-imported"]);
    assert_eq!(listed["events"].as_array().unwrap().len(), 1);
    let again = files.import();
    assert_eq!(again.status, 1);
    assert!(again.complained.contains("already"), "{again:?}");
}

#[test]
fn der_a_chain_and_the_older_form_of_pem_are_read_too() {
    let key = ec(Nid::SECP384R1);
    let own = certificate(&key, 365, MessageDigest::sha384());
    let other = certificate(&ec(Nid::X9_62_PRIME256V1), 365, MessageDigest::sha256());
    let files = Files::new(&key, &own);
    let chain = [other.to_pem().unwrap(), own.to_pem().unwrap()].concat();
    files.secret("idp.pem", &chain);
    files.secret(
        "idp.key",
        &key.ec_key().unwrap().private_key_to_pem().unwrap(),
    );
    let told = files.import().json();
    assert_eq!(told["key"]["algorithm"], "p384");

    let key = ec(Nid::X9_62_PRIME256V1);
    let own = certificate(&key, 365, MessageDigest::sha256());
    files.secret("idp.pem", &own.to_der().unwrap());
    files.secret("idp.key", &key.private_key_to_der().unwrap());
    assert_eq!(files.import().json()["key"]["algorithm"], "p256");
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_and_asks_nobody() {
    let key = ec(Nid::X9_62_PRIME256V1);
    let files = Files::new(&key, &certificate(&key, 365, MessageDigest::sha256()));
    let encrypted =
        key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), PASSPHRASE.as_bytes());
    files.secret("idp.key", &encrypted.unwrap());
    let without = files.import();
    assert_eq!(without.status, 1);
    assert!(
        without.complained.contains("--passphrase-stdin"),
        "{without:?}"
    );
    let line = [
        "--cert",
        "idp.pem",
        "--key",
        "idp.key",
        "--passphrase-stdin",
    ];
    let wrong = files.import_with(&line, "open barley\n");
    assert_eq!(wrong.status, 1, "{wrong:?}");
    let right = files.import_with(&line, &format!("{PASSPHRASE}\n"));
    assert_eq!(right.status, 0, "{right:?}");
}

#[test]
fn a_pkcs12_file_brings_both() {
    let key = rsa(2048);
    let certificate = certificate(&key, 365, MessageDigest::sha256());
    let files = Files::new(&key, &certificate);
    let mut builder = Pkcs12::builder();
    builder.pkey(&key).cert(&certificate).name("idp");
    let packed = builder.build2(PASSPHRASE).unwrap().to_der().unwrap();
    files.secret("idp.p12", &packed);
    let line = ["--pkcs12", "idp.p12", "--passphrase-stdin"];
    let wrong = files.import_with(&line, "wrong\n");
    assert!(
        wrong.status == 1 && wrong.complained.contains("passphrase"),
        "{wrong:?}"
    );
    let right = files.import_with(&line, &format!("{PASSPHRASE}\r\n"));
    assert_eq!(right.json()["key"]["algorithm"], "rsa2048");
    let no_such = files.import_with(&["--pkcs12", "idp.pem"], "");
    assert!(no_such.complained.contains("PKCS #12"), "{no_such:?}");
}

#[test]
fn what_nobody_should_trust_is_refused_with_the_reason() {
    let weak = rsa(1024);
    let odd = ec(Nid::SECP256K1);
    let large = ec(Nid::SECP521R1);
    for (key, why) in [
        (weak, "1024 bits"),
        (odd, "another curve"),
        (large, "another curve"),
    ] {
        let files = Files::new(&key, &certificate(&key, 365, MessageDigest::sha256()));
        let refused = files.import();
        assert_eq!(refused.status, 1, "{why}");
        assert!(refused.complained.contains(why), "{refused:?}");
        assert_eq!(
            files.here.json(&["key", "list"])["keys"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
    }
    let (key, other) = (ec(Nid::X9_62_PRIME256V1), ec(Nid::X9_62_PRIME256V1));
    let files = Files::new(&key, &certificate(&other, 365, MessageDigest::sha256()));
    let mismatch = files.import();
    assert!(
        mismatch.complained.contains("belongs to the key"),
        "{mismatch:?}"
    );
    for line in [&["--cert", "idp.pem"][..], &["--key", "idp.key"], &[]] {
        assert_eq!(files.import_with(line, "").status, 2, "{line:?}");
    }
}

#[test]
fn what_some_service_providers_refuse_is_taken_with_a_remark() {
    let key = rsa(2048);
    let files = Files::new(&key, &certificate(&key, -3, MessageDigest::sha1()));
    let imported = files.import();
    assert_eq!(imported.status, 0, "{imported:?}");
    assert!(imported.complained.contains("has ended"), "{imported:?}");
    assert!(imported.complained.contains("SHA-1"), "{imported:?}");
    let key = rsa(2048);
    let files = Files::new(&key, &certificate(&key, 365, MessageDigest::sha256()));
    let path = files.here.path().join("idp.key");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let imported = files.import();
    assert!(imported.complained.contains("chmod 600"), "{imported:?}");
}
