//! Keys that signatures are checked with. Only the key counts, never what its certificate says of
//! dates and issuers (SAML metadata interoperability profile, section 2.6.1).

use std::fmt;
use std::sync::Arc;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Public};
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use openssl::sign::Verifier;
use openssl::x509::X509;

use super::{DS, DSIG11, SignatureAlgorithm, decode_base64};
use crate::directory::algorithms::DeniedAlgorithms;
use crate::saml::xml::Element;

/// Why a key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a certificate, or not a key.
    #[error("this is no certificate or key that can be read")]
    Unreadable,
    /// Neither RSA nor EC.
    #[error("the key is neither RSA nor EC")]
    Type,
    /// RSA below 2048 bits, or with an exponent that protects nothing.
    #[error("the RSA key is too weak: at least 2048 bits are needed")]
    Weak,
    /// A curve other than P-256, P-384 and P-521.
    #[error("the EC key is on a curve other than P-256, P-384 and P-521")]
    Curve,
    /// A certificate that does not belong to the private key beside it.
    #[error("the certificate does not belong to the private key")]
    Mismatch,
}

/// The type of a key: what fits which algorithm, and how long its ECDSA signatures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyType {
    Rsa,
    /// The bytes of one coordinate.
    Ec(usize),
}

impl KeyType {
    /// Refuses what is too weak to rely on.
    pub(super) fn of<T: HasPublic>(key: &PKeyRef<T>) -> Result<Self, KeyError> {
        match key.id() {
            Id::RSA => {
                let rsa = key.rsa().map_err(|_| KeyError::Unreadable)?;
                // An exponent of 1 makes every signature valid.
                let sound = rsa.e().num_bits() > 1 && rsa.e().is_bit_set(0);
                let strong = rsa.n().num_bits() >= 2048;
                if sound && strong {
                    Ok(Self::Rsa)
                } else {
                    Err(KeyError::Weak)
                }
            }
            Id::EC => {
                let ec = key.ec_key().map_err(|_| KeyError::Unreadable)?;
                match ec.group().curve_name() {
                    Some(Nid::X9_62_PRIME256V1) => Ok(Self::Ec(32)),
                    Some(Nid::SECP384R1) => Ok(Self::Ec(48)),
                    Some(Nid::SECP521R1) => Ok(Self::Ec(66)),
                    _ => Err(KeyError::Curve),
                }
            }
            _ => Err(KeyError::Type),
        }
    }

    pub(super) const fn fits(self, algorithm: SignatureAlgorithm) -> bool {
        matches!(self, Self::Rsa) == algorithm.is_rsa()
    }
}

/// A public key that is strong enough to be relied on. Cloning is cheap.
///
/// The second part is what the configuration denies: whoever holds the key cannot forget to ask.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Inner>, DeniedAlgorithms);

struct Inner {
    key: PKey<Public>,
    key_type: KeyType,
    fingerprint: [u8; 32],
}

/// How an ECDSA signature may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EcdsaForm {
    /// `r || s`, as XML Signature 1.1, section 6.4.3 has it.
    Raw,
    /// The same, or the DER of X9.62, which some send in redirects.
    RawOrDer,
}

impl VerifyingKey {
    /// The key of a certificate in DER.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        X509::from_der(der)
            .and_then(|certificate| certificate.public_key())
            .map_or_else(|_| Err(KeyError::Unreadable), Self::new)
    }

    /// The key of a certificate in PEM.
    pub fn from_certificate_pem(pem: &[u8]) -> Result<Self, KeyError> {
        X509::from_pem(pem)
            .and_then(|certificate| certificate.public_key())
            .map_or_else(|_| Err(KeyError::Unreadable), Self::new)
    }

    /// The key of a `ds:KeyValue`: `ds:RSAKeyValue`, or `dsig11:ECKeyValue` with a named curve.
    pub fn from_key_value(key_value: &Element) -> Result<Self, KeyError> {
        let mut children = key_value.children();
        let (Some(value), None) = (children.next(), children.next()) else {
            return Err(KeyError::Unreadable);
        };
        if value.is(DS, "RSAKeyValue") {
            rsa_key(value).and_then(Self::new)
        } else if value.is(DSIG11, "ECKeyValue") {
            ec_key(value).and_then(Self::new)
        } else {
            Err(KeyError::Type)
        }
    }

    /// The key of a DER `SubjectPublicKeyInfo`, as [`Self::public_key_der`] gives it.
    pub fn from_public_key_der(der: &[u8]) -> Result<Self, KeyError> {
        PKey::public_key_from_der(der).map_or_else(|_| Err(KeyError::Unreadable), Self::new)
    }

    /// The key alone, as a DER `SubjectPublicKeyInfo`.
    pub fn public_key_der(&self) -> Result<Vec<u8>, KeyError> {
        self.0
            .key
            .public_key_to_der()
            .map_err(|_| KeyError::Unreadable)
    }

    fn new(key: PKey<Public>) -> Result<Self, KeyError> {
        let key_type = KeyType::of(&key)?;
        let info = key.public_key_to_der().map_err(|_| KeyError::Unreadable)?;
        let inner = Inner {
            key,
            key_type,
            fingerprint: sha256(&info),
        };
        Ok(Self(Arc::new(inner), DeniedAlgorithms::default()))
    }

    /// The same key, which verifies nothing in these algorithms (C-ALG2).
    #[must_use]
    pub fn denying(self, denied: &DeniedAlgorithms) -> Self {
        Self(self.0, denied.clone())
    }

    pub(super) fn denies(&self, uri: &str) -> bool {
        self.1.contains(uri)
    }

    /// SHA-256 of the key's `SubjectPublicKeyInfo`: the same for every certificate of a key.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.0.fingerprint
    }

    pub(super) fn fits(&self, algorithm: SignatureAlgorithm) -> bool {
        self.0.key_type.fits(algorithm) && !self.denies(algorithm.uri())
    }

    /// Whether this key made the signature. An error of the library is a no.
    pub(super) fn made(
        &self,
        algorithm: SignatureAlgorithm,
        octets: &[u8],
        signature: &[u8],
        form: EcdsaForm,
    ) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        let check = |signature: &[u8]| {
            Verifier::new(algorithm.digest(), &self.0.key)
                .and_then(|mut verifier| verifier.verify_oneshot(signature, octets))
                .unwrap_or(false)
        };
        match self.0.key_type {
            KeyType::Rsa => check(signature),
            KeyType::Ec(width) => {
                raw_to_der(signature, width).is_some_and(|der| check(&der))
                    || form == EcdsaForm::RawOrDer && check(signature)
            }
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?}, ", self.0.key_type)?;
        self.0
            .fingerprint
            .iter()
            .take(8)
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ")")
    }
}

fn raw_to_der(signature: &[u8], width: usize) -> Option<Vec<u8>> {
    let (r, s) = signature
        .split_at_checked(width)
        .filter(|(_, s)| s.len() == width)?;
    let parts = (BigNum::from_slice(r).ok()?, BigNum::from_slice(s).ok()?);
    EcdsaSig::from_private_components(parts.0, parts.1)
        .and_then(|both| both.to_der())
        .ok()
}

/// The number in a `ds:CryptoBinary` child.
fn number(parent: &Element, name: &str) -> Result<BigNum, KeyError> {
    let text = parent.child(DS, name).and_then(|child| child.text().ok());
    let bytes = text.and_then(decode_base64).ok_or(KeyError::Unreadable)?;
    BigNum::from_slice(&bytes).map_err(|_| KeyError::Unreadable)
}

fn rsa_key(value: &Element) -> Result<PKey<Public>, KeyError> {
    let (modulus, exponent) = (number(value, "Modulus")?, number(value, "Exponent")?);
    Rsa::from_public_components(modulus, exponent)
        .and_then(PKey::from_rsa)
        .map_err(|_| KeyError::Unreadable)
}

fn ec_key(value: &Element) -> Result<PKey<Public>, KeyError> {
    let curve = value
        .child(DSIG11, "NamedCurve")
        .and_then(|curve| curve.attribute("URI"));
    let curve = match curve.ok_or(KeyError::Curve)? {
        "urn:oid:1.2.840.10045.3.1.7" => Nid::X9_62_PRIME256V1,
        "urn:oid:1.3.132.0.34" => Nid::SECP384R1,
        "urn:oid:1.3.132.0.35" => Nid::SECP521R1,
        _ => return Err(KeyError::Curve),
    };
    let point = value
        .child(DSIG11, "PublicKey")
        .and_then(|point| point.text().ok());
    let point = point.and_then(decode_base64).ok_or(KeyError::Unreadable)?;
    ec_from_point(curve, &point).map_err(|_| KeyError::Unreadable)
}

fn ec_from_point(curve: Nid, point: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    let group = EcGroup::from_curve_name(curve)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    let key = EcKey::from_public_key(&group, &point)?;
    key.check_key()?;
    PKey::from_ec_key(key)
}
