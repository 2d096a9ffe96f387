//! A service provider as it stands in the database, what is encrypted to us, and the moment at which
//! the seeds were sent.

use std::sync::OnceLock;
use std::time::Duration;

use doorward::directory::name::{EntityId, RoleName, SpId, SpName};
use doorward::directory::release::Requested;
use doorward::directory::rule::{Quantifier, Rule};
use doorward::directory::service_provider::{
    AcsBinding, AcsEndpoint, AcsEndpoints, Policy, ServiceProvider,
};
use doorward::directory::slo_endpoint::SloEndpoints;
use doorward::directory::time::UnixTime;
use doorward::saml::binding::{Binding, Detached, Inbound};
use doorward::saml::encryption::{DecryptionKey, DecryptionKeys};
use doorward::saml::logout;
use doorward::saml::signature::{KeyKind, SigningKey, VerifyingKey, generate};
use openssl::base64::encode_block;
use openssl::encrypt::Encrypter;
use openssl::rsa::Padding;
use openssl::symm::{Cipher, encrypt_aead};
use openssl::x509::X509;

/// When the seeds were sent: 2027-01-15T08:00:00Z.
pub const NOW: UnixTime = UnixTime::from_millis(1_800_000_000_000);

/// The service provider that sends what the targets read.
pub fn sp(require_signed_requests: bool) -> ServiceProvider {
    let endpoint = AcsEndpoint {
        binding: AcsBinding::HttpPost,
        location: "https://sp.example/acs".to_owned(),
        index: 0,
        is_default: None,
    };
    let rule = Rule::new(Quantifier::AnyOf, [RoleName::everyone()]);
    ServiceProvider {
        id: SpId::from_stored("sp"),
        version: 1,
        name: SpName::parse("sp").expect("a name"),
        entity_id: EntityId::parse("https://sp.example/saml").expect("an entityID"),
        enabled: true,
        rule: rule.expect("a rule"),
        acs: AcsEndpoints::new(vec![endpoint], false).expect("an endpoint"),
        slo: SloEndpoints::default(),
        declared: Default::default(),
        certificates: vec![],
        bare_keys: vec![],
        name_id_formats: vec![],
        requested: Requested::default(),
        metadata: None,
        policy: Policy {
            require_signed_requests,
            ..Policy::default()
        },
    }
}

/// What logout messages are held against.
pub fn logout_receiver() -> logout::Receiver {
    logout::Receiver {
        location: "https://idp.example/saml/slo".to_owned(),
        clock_skew: Duration::from_mins(3),
        decryption: decryption().clone(),
    }
}

/// Our keys for what is encrypted to us.
pub fn decryption() -> &'static DecryptionKeys {
    static KEYS: OnceLock<DecryptionKeys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let pkcs8 = include_bytes!("../seeds/decryption-key.der");
        let key = DecryptionKey::from_der(pkcs8, CERTIFICATE).expect("a key");
        DecryptionKeys::new(vec![key], Default::default())
    })
}

const CERTIFICATE: &[u8] = include_bytes!("../seeds/decryption-certificate.der");

/// An EncryptedID with these bytes in it.
pub fn encrypted(plain: &[u8]) -> String {
    const KEY: [u8; 16] = [7; 16];
    const NONCE: [u8; 12] = [9; 12];
    static SEALED_KEY: OnceLock<String> = OnceLock::new();
    let sealed_key = SEALED_KEY.get_or_init(|| {
        let certificate = X509::from_der(CERTIFICATE).expect("a certificate");
        let public = certificate.public_key().expect("a key");
        let mut encrypter = Encrypter::new(&public).expect("a key");
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP).expect("RSA");
        let mut sealed = vec![0; encrypter.encrypt_len(&KEY).expect("a length")];
        let length = encrypter.encrypt(&KEY, &mut sealed).expect("a short key");
        encode_block(&sealed[..length])
    });
    let mut tag = [0; 16];
    let cipher = Cipher::aes_128_gcm();
    let sealed = encrypt_aead(cipher, &KEY, Some(&NONCE), &[], plain, &mut tag);
    let sealed = [&NONCE[..], &sealed.expect("AES"), &tag].concat();
    let data = encode_block(&sealed);
    format!(
        r#"<saml:EncryptedID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes128-gcm"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue>{sealed_key}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{data}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedID>"#
    )
}

/// A message as a browser brings it by HTTP-Redirect, under a good signature: what is behind the
/// check of the signature is reached by every input. And the key to check it with.
pub fn brought(xml: &[u8]) -> (Inbound, &'static [VerifyingKey]) {
    static SIGNED: OnceLock<(Vec<u8>, Vec<VerifyingKey>)> = OnceLock::new();
    const OCTETS: &str = "SAMLRequest=a&SigAlg=b";
    let (signature, keys) = SIGNED.get_or_init(|| {
        let made = generate(KeyKind::P256, "sp.example", 0, 4_000_000_000, [1; 20]);
        let made = made.expect("a key");
        let key = SigningKey::from_der(&made.pkcs8, &made.certificate).expect("a key");
        let signature = key.sign_octets(OCTETS.as_bytes()).expect("a signature");
        let public = VerifyingKey::from_certificate_der(&made.certificate).expect("a key");
        (signature, vec![public])
    });
    let inbound = Inbound {
        binding: Binding::Redirect,
        xml: xml.to_vec(),
        relay_state: None,
        detached: Some(Detached {
            octets: OCTETS.to_owned(),
            algorithm: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256".to_owned(),
            signature: signature.clone(),
        }),
    };
    (inbound, keys)
}

/// The same by HTTP-POST, which carries a signature inside or none.
pub fn posted(xml: &[u8]) -> Inbound {
    Inbound {
        binding: Binding::Post,
        xml: xml.to_vec(),
        relay_state: None,
        detached: None,
    }
}

/// The message in an envelope.
pub fn envelope(message: &[u8]) -> Vec<u8> {
    const START: &[u8] =
        br#"<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>"#;
    [START, message, b"</S:Body></S:Envelope>"].concat()
}
