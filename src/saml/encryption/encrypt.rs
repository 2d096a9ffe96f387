//! Encrypting: a finished element becomes an EncryptedAssertion or an EncryptedID.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::cipher::Cipher as RandomKeyCipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::encrypt::Encrypter;
use openssl::error::ErrorStack;
use openssl::rsa::Padding;
use openssl::symm;

use super::{ELEMENT, Recipient};
use crate::directory::algorithms::DataEncryption;
use crate::saml::uri;
use crate::saml::xml::{Namespace, WriteError, Writer};

/// Why nothing was encrypted.
#[derive(Debug, thiserror::Error)]
pub enum EncryptError {
    /// OpenSSL refused.
    #[error("OpenSSL could not encrypt: {0}")]
    Crypto(#[from] ErrorStack),
    /// The entityID cannot be written as XML.
    #[error("the encrypted element cannot be written: {0}")]
    Write(#[from] WriteError),
}

/// The octets of `iv || ciphertext [|| tag]`, and the key that they were made with, encrypted.
struct Sealed {
    data: String,
    key: String,
}

impl Recipient {
    /// `saml:EncryptedAssertion` around a finished assertion (Core 2.3.4). It is canonical and
    /// stands alone.
    pub fn encrypted_assertion(&self, assertion: &str) -> Result<String, EncryptError> {
        let mut writer = Writer::with_capacity(2048 + assertion.len() * 3 / 2);
        self.write(&mut writer, "EncryptedAssertion", assertion)?;
        Ok(writer.finish()?)
    }

    /// Writes `saml:EncryptedID` around a finished NameID (Core 2.2.4).
    pub fn write_encrypted_id(
        &self,
        writer: &mut Writer<'_>,
        name_id: &str,
    ) -> Result<(), EncryptError> {
        self.write(writer, "EncryptedID", name_id)
    }

    /// EncryptedKey stands in the KeyInfo of the EncryptedData, where every implementation finds it
    /// (Core 6.1, E43).
    fn write(
        &self,
        w: &mut Writer<'_>,
        local: &'static str,
        plain: &str,
    ) -> Result<(), EncryptError> {
        let sealed = self.seal(plain.as_bytes())?;
        w.start(uri::SAML, local).start(uri::XENC, "EncryptedData");
        w.attribute("Type", ELEMENT);
        algorithm(w, uri::XENC, "EncryptionMethod", self.data.uri());
        w.start(uri::DS, "KeyInfo").start(uri::XENC, "EncryptedKey");
        w.attribute("Recipient", &self.entity_id);
        w.start(uri::XENC, "EncryptionMethod");
        w.attribute("Algorithm", self.transport.uri());
        algorithm(w, uri::DS, "DigestMethod", self.transport.digest.uri());
        if self.transport.writes_mask() {
            algorithm(w, uri::XENC11, "MGF", self.transport.mask.mgf_uri());
        }
        w.end();
        cipher_value(w, &sealed.key);
        w.end().end();
        cipher_value(w, &sealed.data);
        w.end().end();
        Ok(())
    }

    fn seal(&self, plain: &[u8]) -> Result<Sealed, ErrorStack> {
        let cipher = self.data.cipher();
        let random: [u8; 32] = random_key()?;
        let key = random.get(..cipher.key_len()).unwrap_or(&random);
        let data = seal_data(self.data, key, plain)?;
        Ok(Sealed {
            data: STANDARD.encode(data),
            key: STANDARD.encode(self.seal_key(key)?),
        })
    }

    fn seal_key(&self, key: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut encrypter = Encrypter::new(&self.key)?;
        encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        encrypter.set_rsa_oaep_md(self.transport.digest.digest())?;
        encrypter.set_rsa_mgf1_md(self.transport.mask.digest())?;
        let mut sealed = vec![0; encrypter.encrypt_len(key)?];
        let length = encrypter.encrypt(key, &mut sealed)?;
        sealed.truncate(length);
        Ok(sealed)
    }
}

/// A fresh initialisation vector, the ciphertext, and in GCM the tag of 16 octets (XML Encryption
/// 1.1, sections 5.2.2 and 5.2.4).
fn seal_data(method: DataEncryption, key: &[u8], plain: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let cipher = method.cipher();
    let random: [u8; 32] = random_key()?;
    let iv = random
        .get(..cipher.iv_len().unwrap_or_default())
        .unwrap_or(&random);
    if method.is_malleable() {
        let sealed = symm::encrypt(cipher, key, Some(iv), plain)?;
        return Ok([iv, sealed.as_slice()].concat());
    }
    let mut tag = [0; 16];
    let sealed = symm::encrypt_aead(cipher, key, Some(iv), &[], plain, &mut tag)?;
    Ok([iv, sealed.as_slice(), &tag].concat())
}

/// 256 fresh bits of OpenSSL's generator for keys.
fn random_key() -> Result<[u8; 32], ErrorStack> {
    let mut context = CipherCtx::new()?;
    context.encrypt_init(Some(RandomKeyCipher::aes_256_gcm()), None, None)?;
    let mut key = [0; 32];
    context.rand_key(&mut key)?;
    Ok(key)
}

fn algorithm(w: &mut Writer<'_>, namespace: Namespace<'static>, local: &'static str, uri: &str) {
    w.start(namespace, local).attribute("Algorithm", uri).end();
}

fn cipher_value(w: &mut Writer<'_>, base64: &str) {
    w.start(uri::XENC, "CipherData");
    w.element(uri::XENC, "CipherValue", base64).end();
}
