//! Making a signing key with the self-signed certificate that metadata publishes it in.

use std::fmt;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

use crate::directory::signing_key::KeyUse;

/// The kinds of signing key, by the names of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits, the default.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::P256,
        Self::P384,
    ];

    /// The name in the configuration: `rsa3072`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
            Self::P256 => "p256",
            Self::P384 => "p384",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn key(self) -> Result<PKey<Private>, ErrorStack> {
        let rsa = |bits| Rsa::generate(bits).and_then(PKey::from_rsa);
        let ec = |curve| {
            let mut group = EcGroup::from_curve_name(curve)?;
            group.set_asn1_flag(Asn1Flag::NAMED_CURVE);
            EcKey::generate(&group).and_then(PKey::from_ec_key)
        };
        match self {
            Self::Rsa2048 => rsa(2048),
            Self::Rsa3072 => rsa(3072),
            Self::Rsa4096 => rsa(4096),
            Self::P256 => ec(Nid::X9_62_PRIME256V1),
            Self::P384 => ec(Nid::SECP384R1),
        }
    }
}

/// A fresh key, to be sealed and stored.
pub struct GeneratedKey {
    /// The private key in PKCS #8, DER. Secret.
    pub pkcs8: Vec<u8>,
    /// The self-signed certificate in DER.
    pub certificate: Vec<u8>,
}

impl fmt::Debug for GeneratedKey {
    /// Never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedKey").finish_non_exhaustive()
    }
}

/// Makes a signing key and its certificate (X.509 v3, self-signed) for `common_name`.
///
/// Times are seconds since 1970. The serial number is made positive. OpenSSL's own randomness
/// makes the key.
pub fn generate(
    kind: KeyKind,
    common_name: &str,
    not_before: i64,
    not_after: i64,
    serial: [u8; 20],
) -> Result<GeneratedKey, ErrorStack> {
    let validity = (not_before, not_after);
    generate_for(KeyUse::Signing, kind, common_name, validity, serial)
}

/// The same for a key of any use, valid from and to these seconds since 1970.
pub fn generate_for(
    key_use: KeyUse,
    kind: KeyKind,
    common_name: &str,
    (not_before, not_after): (i64, i64),
    serial: [u8; 20],
) -> Result<GeneratedKey, ErrorStack> {
    let key = kind.key()?;
    let digest = if kind == KeyKind::P384 {
        MessageDigest::sha384()
    } else {
        MessageDigest::sha256()
    };
    let mut builder = describe(&key, key_use, common_name, serial)?;
    builder.set_not_before(&*Asn1Time::from_unix(not_before)?)?;
    builder.set_not_after(&*Asn1Time::from_unix(not_after)?)?;
    builder.sign(&key, digest)?;
    let certificate: X509 = builder.build();
    Ok(GeneratedKey {
        pkcs8: key.private_key_to_pkcs8()?,
        certificate: certificate.to_der()?,
    })
}

fn describe(
    key: &PKey<Private>,
    key_use: KeyUse,
    common_name: &str,
    mut serial: [u8; 20],
) -> Result<X509Builder, ErrorStack> {
    // A serial number is positive and has 20 octets at most (RFC 5280, section 4.1.2.2).
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7F | 0x40;
    }
    let serial: Asn1Integer = BigNum::from_slice(&serial)?.to_asn1_integer()?;
    let name = subject(common_name)?;
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(key)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    let mut usage = KeyUsage::new();
    match key_use {
        KeyUse::Signing => usage.critical().digital_signature(),
        KeyUse::Encryption => usage.critical().key_encipherment(),
    };
    builder.append_extension(usage.build()?)?;
    let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(identifier)?;
    Ok(builder)
}

/// A common name has 64 characters at most (RFC 5280, appendix A.1).
fn subject(common_name: &str) -> Result<X509Name, ErrorStack> {
    let short: String = common_name.chars().take(64).collect();
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, &short)?;
    Ok(name.build())
}
