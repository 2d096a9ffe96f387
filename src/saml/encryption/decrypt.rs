//! Decrypting what SPs encrypt to us: an EncryptedID (Core 2.2.4), in either layout of E43.
//!
//! There is one error, whatever failed, and the same work is done for a key that opens nothing: who
//! sends forged ciphertexts learns nothing from the answers. CBC is not read at all.

use std::sync::Arc;

use openssl::encrypt::Decrypter;
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Padding;
use openssl::symm;
use openssl::x509::X509;

use super::{ELEMENT, KeyTransport};
use crate::directory::algorithms::{DataEncryption, DeniedAlgorithms};
use crate::directory::protection::EncryptionMethod;
use crate::saml::signature::{KeyError, decode_base64};
use crate::saml::uri;
use crate::saml::xml::{self, Document, Element, Limits};

/// The most EncryptedKey elements that are tried: one for each of an SP's idea of our keys.
const MOST_KEYS: usize = 4;

/// It cannot be read. Why is not said: the answer would be an oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the encrypted element cannot be read with our keys")]
pub struct DecryptError;

/// One of our own keys for decryption, with the certificate that metadata publishes.
#[derive(Clone)]
pub struct DecryptionKey {
    key: PKey<Private>,
    certificate: Vec<u8>,
}

impl DecryptionKey {
    /// Takes an RSA key in PKCS #8 and the certificate of the same key, both in DER.
    pub fn from_der(pkcs8: &[u8], certificate: &[u8]) -> Result<Self, KeyError> {
        let key = PKey::private_key_from_pkcs8(pkcs8).map_err(|_| KeyError::Unreadable)?;
        let parsed = X509::from_der(certificate).map_err(|_| KeyError::Unreadable)?;
        if key.id() != Id::RSA {
            return Err(KeyError::Type);
        }
        let public = parsed.public_key().map_err(|_| KeyError::Unreadable)?;
        if !public.public_eq(&key) {
            return Err(KeyError::Mismatch);
        }
        Ok(Self {
            key,
            certificate: certificate.to_vec(),
        })
    }

    /// The certificate in DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }
}

impl std::fmt::Debug for DecryptionKey {
    /// Never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DecryptionKey(..)")
    }
}

/// All of our own keys that may decrypt, the newest first (C-E9). Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct DecryptionKeys {
    keys: Arc<[DecryptionKey]>,
    denied: DeniedAlgorithms,
}

/// An EncryptedKey, taken apart.
struct SealedKey {
    transport: KeyTransport,
    label: Vec<u8>,
    value: Vec<u8>,
}

impl DecryptionKeys {
    /// These keys, and none of the algorithms that are denied.
    #[must_use]
    pub fn new(keys: Vec<DecryptionKey>, denied: DeniedAlgorithms) -> Self {
        Self {
            keys: keys.into(),
            denied,
        }
    }

    /// What the configuration denies.
    #[must_use]
    pub const fn denied(&self) -> &DeniedAlgorithms {
        &self.denied
    }

    /// The key that metadata publishes, if there is one.
    #[must_use]
    pub fn newest(&self) -> Option<&DecryptionKey> {
        self.keys.first()
    }

    /// The element that an EncryptedID (or NewEncryptedID) holds. It is read by the strict reader,
    /// with the namespaces in scope where it stood.
    pub fn decrypt(&self, encrypted: &Element) -> Result<Document, DecryptError> {
        let data = only_child(encrypted, "EncryptedData").ok_or(DecryptError)?;
        if data.attribute("Type").is_some_and(|of| of != ELEMENT) {
            return Err(DecryptError);
        }
        let method = self.data_encryption(data).ok_or(DecryptError)?;
        let sealed = cipher_value(data).ok_or(DecryptError)?;
        let mut opened = None;
        for sealed_key in self.sealed_keys(encrypted, data) {
            for key in self.keys.iter() {
                let plain = open(key, &sealed_key, method, &sealed);
                opened = opened.or(plain);
            }
        }
        let plain = opened.ok_or(DecryptError)?;
        xml::read_within(data, &plain, &Limits::MESSAGE).map_err(|_| DecryptError)
    }

    fn data_encryption(&self, data: &Element) -> Option<DataEncryption> {
        let uri = algorithm(data.child(uri::XENC.uri, "EncryptionMethod")?)?;
        let method = DataEncryption::from_uri(uri)?;
        (!method.is_malleable() && !self.denied.contains(uri)).then_some(method)
    }

    /// Inside the KeyInfo of the data, or beside the data.
    fn sealed_keys(&self, encrypted: &Element, data: &Element) -> Vec<SealedKey> {
        let inside = data.child(uri::DS.uri, "KeyInfo");
        let inside = inside.into_iter().flat_map(Element::children);
        inside
            .chain(encrypted.children())
            .filter(|element| element.is(uri::XENC.uri, "EncryptedKey"))
            .take(MOST_KEYS)
            .filter_map(|element| self.sealed_key(element))
            .collect()
    }

    fn sealed_key(&self, element: &Element) -> Option<SealedKey> {
        let method = element.child(uri::XENC.uri, "EncryptionMethod")?;
        let named = |child: Option<&Element>| child.and_then(algorithm).map(str::to_owned);
        let transport = KeyTransport::of(&EncryptionMethod {
            algorithm: algorithm(method)?.to_owned(),
            digest: named(method.child(uri::DS.uri, "DigestMethod")),
            mgf: named(method.child(uri::XENC11.uri, "MGF")),
        })?;
        let label = match method.child(uri::XENC.uri, "OAEPparams") {
            Some(label) => decode_base64(label.text().ok()?)?,
            None => Vec::new(),
        };
        let value = cipher_value(element)?;
        (!transport.is_denied(&self.denied)).then_some(SealedKey {
            transport,
            label,
            value,
        })
    }
}

/// Opens the key and then the data. Where the key does not open, the data is tried with another, so
/// that it takes as long; what comes of that is thrown away.
fn open(
    key: &DecryptionKey,
    sealed_key: &SealedKey,
    method: DataEncryption,
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let length = method.cipher().key_len();
    let content_key = open_key(key, sealed_key).ok();
    let content_key = content_key.filter(|key| key.len() == length);
    let fits = content_key.is_some();
    let plain = open_data(
        method,
        &content_key.unwrap_or_else(|| vec![0; length]),
        sealed,
    );
    plain.filter(|_| fits)
}

fn open_key(key: &DecryptionKey, sealed: &SealedKey) -> Result<Vec<u8>, ErrorStack> {
    let mut decrypter = Decrypter::new(&key.key)?;
    decrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
    decrypter.set_rsa_oaep_md(sealed.transport.digest.digest())?;
    decrypter.set_rsa_mgf1_md(sealed.transport.mask.digest())?;
    if !sealed.label.is_empty() {
        decrypter.set_rsa_oaep_label(&sealed.label)?;
    }
    let mut opened = vec![0; decrypter.decrypt_len(&sealed.value)?];
    let length = decrypter.decrypt(&sealed.value, &mut opened)?;
    opened.truncate(length);
    Ok(opened)
}

/// A nonce of 12 octets, the ciphertext, a tag of 16 octets, which OpenSSL checks.
fn open_data(method: DataEncryption, key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_at_checked(12)?;
    let (text, tag) = rest.split_at_checked(rest.len().checked_sub(16)?)?;
    symm::decrypt_aead(method.cipher(), key, Some(nonce), &[], text, tag).ok()
}

/// The child of that name, unless there are several: which one would be meant?
fn only_child<'e>(parent: &'e Element, local: &'e str) -> Option<&'e Element> {
    let mut children = parent.children_named(uri::XENC.uri, local);
    let first = children.next()?;
    children.next().is_none().then_some(first)
}

fn cipher_value(element: &Element) -> Option<Vec<u8>> {
    let value = element
        .child(uri::XENC.uri, "CipherData")?
        .child(uri::XENC.uri, "CipherValue")?;
    decode_base64(value.text().ok()?)
}

fn algorithm(element: &Element) -> Option<&str> {
    element.attribute("Algorithm")
}
