//! Our own signatures. The text to be signed is in canonical form already, so nothing is parsed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::x509::X509;

use super::key::{KeyError, KeyType};
use super::{DS, DigestAlgorithm, ENVELOPED, EXCLUSIVE_C14N, SignatureAlgorithm};
use crate::digest::sha256;
use crate::saml::xml::is_nc_name;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The ID to be referred to is no `NCName`.
    #[error("the ID of the element to be signed is no NCName")]
    Id,
    /// A prefix to be treated inclusively is no `NCName`.
    #[error("a prefix to be listed is no NCName")]
    Prefix,
    /// The signature cannot be put in there.
    #[error("the place for the signature is outside the element")]
    Place,
    /// OpenSSL refused.
    #[error("OpenSSL could not sign")]
    Crypto(#[from] ErrorStack),
}

/// Each with the algorithm that it was set up for.
type Operations = Vec<(SignatureAlgorithm, PkeyCtx<Private>)>;

/// A private key with its certificate, loaded once and used for every signature. Cloning is cheap.
#[derive(Clone)]
pub struct SigningKey {
    loaded: Arc<Loaded>,
    algorithm: SignatureAlgorithm,
    digest: DigestAlgorithm,
}

/// What stays the same whichever algorithms it signs with.
struct Loaded {
    key: PKey<Private>,
    key_type: KeyType,
    certificate: Vec<u8>,
    certificate_base64: String,
    id: String,
    /// Operations that are set up and not in use: OpenSSL takes long to look an algorithm up.
    operations: Mutex<Operations>,
}

impl SigningKey {
    /// Takes a private key in PKCS #8 and the certificate of the same key, both in DER.
    pub fn from_der(pkcs8: &[u8], certificate: &[u8]) -> Result<Self, KeyError> {
        let key = PKey::private_key_from_pkcs8(pkcs8).map_err(|_| KeyError::Unreadable)?;
        let parsed = X509::from_der(certificate).map_err(|_| KeyError::Unreadable)?;
        let key_type = KeyType::of(&key)?;
        if !parsed
            .public_key()
            .is_ok_and(|public| public.public_eq(&key))
        {
            return Err(KeyError::Mismatch);
        }
        let algorithm = match key_type {
            KeyType::Rsa => SignatureAlgorithm::RsaSha256,
            KeyType::Ec(32) => SignatureAlgorithm::EcdsaSha256,
            KeyType::Ec(48) => SignatureAlgorithm::EcdsaSha384,
            KeyType::Ec(_) => SignatureAlgorithm::EcdsaSha512,
        };
        let id = sha256(certificate)
            .iter()
            .fold(String::new(), |hex, b| hex + &format!("{b:02x}"));
        let certificate_base64 = STANDARD.encode(certificate);
        let certificate = certificate.to_vec();
        let loaded = Loaded {
            key,
            key_type,
            certificate,
            certificate_base64,
            id,
            operations: Mutex::default(),
        };
        Ok(Self {
            loaded: Arc::new(loaded),
            algorithm,
            digest: DigestAlgorithm::Sha256,
        })
    }

    /// The algorithm of its signatures.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The same key with other algorithms, which have to fit its type.
    pub(super) fn with(&self, algorithm: SignatureAlgorithm, digest: DigestAlgorithm) -> Self {
        Self {
            algorithm,
            digest,
            ..self.clone()
        }
    }

    pub(super) fn key_type(&self) -> KeyType {
        self.loaded.key_type
    }

    /// The size of the key.
    pub(super) fn bits(&self) -> u32 {
        self.loaded.key.bits()
    }

    /// The certificate in DER, as metadata publishes it.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.loaded.certificate
    }

    /// The certificate in base64, as `ds:X509Certificate` holds it.
    #[must_use]
    pub fn certificate_base64(&self) -> &str {
        &self.loaded.certificate_base64
    }

    /// SHA-256 of the certificate in hex: what operators compare.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.loaded.id
    }

    /// Signs octets: the query of the Redirect binding, or a canonical `SignedInfo`. An ECDSA
    /// signature is `r || s` (XML Signature 1.1, section 6.4.3).
    pub fn sign_octets(&self, octets: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut operation = self.kept_operation().map_or_else(|| self.operation(), Ok)?;
        let mut signature = Vec::new();
        operation.sign_to_vec(&self.algorithm.hash(octets), &mut signature)?;
        self.operations().push((self.algorithm, operation));
        let KeyType::Ec(width) = self.loaded.key_type else {
            return Ok(signature);
        };
        let width = i32::try_from(width).unwrap_or(i32::MAX);
        let parts = EcdsaSig::from_der(&signature)?;
        let mut raw = parts.r().to_vec_padded(width)?;
        raw.append(&mut parts.s().to_vec_padded(width)?);
        Ok(raw)
    }

    /// An operation of this key, set up; it may be used again and again.
    fn operation(&self) -> Result<PkeyCtx<Private>, ErrorStack> {
        let mut operation = PkeyCtx::new(&self.loaded.key)?;
        operation.sign_init()?;
        if self.loaded.key_type == KeyType::Rsa {
            operation.set_rsa_padding(Padding::PKCS1)?;
        }
        operation.set_signature_md(self.algorithm.md())?;
        Ok(operation)
    }

    /// One that was used before and is for the same algorithm.
    fn kept_operation(&self) -> Option<PkeyCtx<Private>> {
        let mut kept = self.operations();
        let place = kept.iter().rposition(|(of, _)| *of == self.algorithm)?;
        Some(kept.swap_remove(place).1)
    }

    fn operations(&self) -> MutexGuard<'_, Operations> {
        // Operations that nobody uses are as good after a panic as before.
        self.loaded
            .operations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs a finished element and returns it with the `ds:Signature` put in at byte `at`: right
    /// behind `</saml:Issuer>`, or in metadata right behind the root's start tag.
    ///
    /// `canonical` is the element in exclusive-C14N form, standing alone, with the attribute
    /// `ID="{id}"`. `inclusive_prefixes` are those that it declares for its values' sake
    /// ([`Writer::declare`](crate::saml::xml::Writer::declare)).
    pub fn sign_enveloped(
        &self,
        canonical: &str,
        id: &str,
        at: usize,
        inclusive_prefixes: &[&str],
    ) -> Result<String, SignError> {
        if !is_nc_name(id) {
            return Err(SignError::Id);
        }
        if !inclusive_prefixes
            .iter()
            .all(|prefix| *prefix == "#default" || is_nc_name(prefix))
        {
            return Err(SignError::Prefix);
        }
        let (before, after) = canonical.split_at_checked(at).ok_or(SignError::Place)?;
        if !before.ends_with('>') || !after.starts_with('<') {
            return Err(SignError::Place);
        }
        let digest = self.digest.hash(canonical.as_bytes());
        let info = self.signed_info(&digest, id, inclusive_prefixes);
        // Alone, as it is digested, SignedInfo declares the prefix; in place, Signature does.
        let octets = [SIGNED_INFO_ALONE, DS, "\">", &info].concat();
        let value = STANDARD.encode(self.sign_octets(octets.as_bytes())?);
        Ok([
            before,
            "<ds:Signature xmlns:ds=\"",
            DS,
            "\"><ds:SignedInfo>",
            &info,
            "<ds:SignatureValue>",
            &value,
            "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>",
            &self.loaded.certificate_base64,
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
            after,
        ]
        .concat())
    }

    /// The canonical `SignedInfo` behind its start tag.
    fn signed_info(&self, digest: &[u8], id: &str, prefixes: &[&str]) -> String {
        let inclusive = if prefixes.is_empty() {
            String::new()
        } else {
            let list = prefixes.join(" ");
            format!(
                "<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE_C14N}\" PrefixList=\"{list}\">\
                 </ec:InclusiveNamespaces>"
            )
        };
        format!(
            "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE_C14N}\">\
             </ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{signature}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
             <ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\">{inclusive}</ds:Transform>\
             </ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{method}\"></ds:DigestMethod>\
             <ds:DigestValue>{value}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            signature = self.algorithm.uri(),
            method = self.digest.uri(),
            value = STANDARD.encode(digest),
        )
    }
}

const SIGNED_INFO_ALONE: &str = "<ds:SignedInfo xmlns:ds=\"";

impl fmt::Debug for SigningKey {
    /// Never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.loaded.id)
            .finish_non_exhaustive()
    }
}
