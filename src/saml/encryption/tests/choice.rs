//! Which key and which algorithms are taken for whom.

use super::*;

#[test]
fn c_e5_a_key_is_chosen_by_its_use() {
    let ask = |encrypt, keys| recipient(&sp(keys, of(encrypt)), &nothing_denied());
    let unnamed = || key(&OTHER, false, &[]);
    let named = || key(&OURS, true, &[]);
    assert!(ask(Encrypt::Auto, vec![]).unwrap().is_none());
    assert!(ask(Encrypt::Auto, vec![unnamed()]).unwrap().is_none());
    assert!(ask(Encrypt::Never, vec![named()]).unwrap().is_none());
    let opens = |recipient: Option<Recipient>, pair: &Pair| {
        opened(&keys(&[pair]), &encrypted_id(&recipient.unwrap())).is_ok()
    };
    assert!(opens(
        ask(Encrypt::Auto, vec![unnamed(), named()]).unwrap(),
        &OURS
    ));
    assert!(opens(
        ask(Encrypt::Always, vec![unnamed(), named()]).unwrap(),
        &OURS
    ));
    // C-S8, E62: without use it serves both.
    assert!(opens(
        ask(Encrypt::Always, vec![unnamed()]).unwrap(),
        &OTHER
    ));
}

#[test]
fn c_e7_without_a_usable_key_there_is_an_error_and_never_nothing() {
    let ask = |encrypt, keys| recipient(&sp(keys, of(encrypt)), &nothing_denied()).unwrap_err();
    assert_eq!(ask(Encrypt::Always, vec![]), RecipientError::NoKey);
    let bare = |key: &PKey<Private>| EncryptionKey {
        key: KeyForm::Bare(key.public_key_to_der().unwrap()),
        is_for_encryption: true,
        methods: vec![],
    };
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let ec = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let broken = EncryptionKey {
        key: KeyForm::Certificate(vec![1, 2, 3]),
        is_for_encryption: true,
        methods: vec![],
    };
    for encrypt in [Encrypt::Auto, Encrypt::Always] {
        assert_eq!(ask(encrypt, vec![bare(&ec)]), RecipientError::NotRsa);
        assert_eq!(ask(encrypt, vec![bare(&weak)]), RecipientError::Weak);
        assert_eq!(
            ask(encrypt, vec![broken.clone()]),
            RecipientError::Unreadable
        );
    }
    let second = sp(
        vec![bare(&ec), key(&OURS, true, &[])],
        Protection::default(),
    );
    assert!(
        recipient(&second, &nothing_denied()).unwrap().is_some(),
        "any one (E68)"
    );
}

#[test]
fn c_e5_c_alg3_the_declared_order_is_honoured() {
    let ask = |methods: &[EncryptionMethod]| {
        let sp = sp(vec![key(&OURS, true, methods)], Protection::default());
        recipient(&sp, &nothing_denied()).map(|found| {
            let found = found.unwrap();
            (found.data_encryption(), found.key_transport())
        })
    };
    let (cbc, gcm) = (
        DataEncryption::Aes128Cbc.uri(),
        DataEncryption::Aes128Gcm.uri(),
    );
    let other = DataEncryption::Aes256Gcm.uri();
    let rsa_15 = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
    let data = |methods: &[EncryptionMethod]| ask(methods).unwrap().0;
    assert_eq!(data(&[]), DataEncryption::Aes256Gcm);
    assert_eq!(
        data(&[method(gcm), method(other)]),
        DataEncryption::Aes128Gcm
    );
    assert_eq!(data(&[method(cbc), method(gcm)]), DataEncryption::Aes128Gcm);
    assert!(matches!(
        ask(&[method(cbc)]),
        Err(RecipientError::NoDataEncryption { .. })
    ));
    assert!(matches!(
        ask(&[method(rsa_15)]),
        Err(RecipientError::NoKeyTransport { .. })
    ));
    let with = |digest: OaepDigest, mgf: OaepDigest| EncryptionMethod {
        algorithm: RSA_OAEP_11.to_owned(),
        digest: Some(digest.uri().to_owned()),
        mgf: Some(mgf.mgf_uri().to_owned()),
    };
    let chosen = [
        with(OaepDigest::Sha512, OaepDigest::Sha256),
        method(RSA_OAEP_MGF1P),
    ];
    let transport = ask(&chosen).unwrap().1;
    assert_eq!(
        (transport.digest, transport.mask),
        (OaepDigest::Sha512, OaepDigest::Sha256)
    );
    let unsaid = ask(&[method(rsa_15), method(RSA_OAEP_11)]).unwrap().1;
    assert_eq!(
        (unsaid.digest, unsaid.mask),
        (OaepDigest::Sha1, OaepDigest::Sha1)
    );
}

#[test]
fn c_e2_cbc_is_used_only_where_the_administrator_said_so_and_the_response_is_signed() {
    let cbc = Protection {
        data_encryption: Some(DataEncryption::Aes128Cbc),
        ..Protection::default()
    };
    let mut sp = sp(vec![key(&OURS, true, &[])], cbc);
    let chosen = recipient(&sp, &nothing_denied()).unwrap().unwrap();
    assert_eq!(chosen.data_encryption(), DataEncryption::Aes128Cbc);
    sp.policy.sign = Sign::Assertion;
    assert!(matches!(
        recipient(&sp, &nothing_denied()),
        Err(RecipientError::Unsigned { .. })
    ));
    sp.policy.sign = Sign::Response;
    sp.declared.encryption_keys =
        vec![key(&OURS, true, &[method(DataEncryption::Aes128Gcm.uri())])];
    assert!(matches!(
        recipient(&sp, &nothing_denied()),
        Err(RecipientError::NotDeclared { .. })
    ));
}
