//! One way to derive a key and one way to seal: HKDF-SHA256 (RFC 5869) and AES-256-GCM.

use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};

use crate::clock::random;

use super::KeystoreError;

/// A key of 256 bits, never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(pub(super) [u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

const NONCE: usize = 12;
const TAG: usize = 16;

impl Key {
    /// A fresh random key.
    pub(super) fn fresh() -> Result<Self, KeystoreError> {
        Ok(Self(random()?))
    }

    /// The key of one use.
    pub(super) fn derive(&self, label: &str) -> Result<Self, ErrorStack> {
        let mut derivation = PkeyCtx::new_id(Id::HKDF)?;
        derivation.derive_init()?;
        derivation.set_hkdf_md(Md::sha256())?;
        derivation.set_hkdf_key(&self.0)?;
        derivation.add_hkdf_info(b"doorward 1 ")?;
        derivation.add_hkdf_info(label.as_bytes())?;
        let mut derived = [0; 32];
        derivation.derive(Some(&mut derived))?;
        Ok(Self(derived))
    }

    /// Nonce, ciphertext and tag, in this order.
    pub(super) fn seal(&self, aad: &[u8], secret: &[u8]) -> Result<Vec<u8>, KeystoreError> {
        let nonce: [u8; NONCE] = random()?;
        let mut tag = [0; TAG];
        let cipher = Cipher::aes_256_gcm();
        let sealed = encrypt_aead(cipher, &self.0, Some(&nonce), aad, secret, &mut tag)?;
        Ok([&nonce, sealed.as_slice(), &tag].concat())
    }

    /// What was sealed; `None` if this is not it, or not under this key, or not for this place.
    pub(super) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE)?;
        let (text, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        let cipher = Cipher::aes_256_gcm();
        decrypt_aead(cipher, &self.0, Some(nonce), aad, text, tag).ok()
    }
}

/// The parts of a place, each with its length, so that no two places give the same bytes.
pub(super) fn place(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let key = Key([1; 32]);
        let aad = place(&["a", "bc"]);
        let sealed = key.seal(&aad, b"secret").unwrap();
        assert_eq!(key.open(&aad, &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(key.open(&place(&["ab", "c"]), &sealed), None);
        assert_eq!(Key([2; 32]).open(&aad, &sealed), None);
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert_eq!(key.open(&aad, &altered), None, "byte {place}");
            assert_eq!(key.open(&aad, &sealed[..place]), None, "cut at {place}");
        }
    }

    #[test]
    fn every_use_has_a_key_of_its_own() {
        let key = Key([1; 32]);
        assert_ne!(key.derive("one").unwrap(), key.derive("two").unwrap());
        assert_eq!(key.derive("one").unwrap(), key.derive("one").unwrap());
        assert_ne!(
            key.derive("one").unwrap(),
            Key([2; 32]).derive("one").unwrap()
        );
    }
}
