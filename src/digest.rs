//! SHA-256 and HMAC-SHA256 where they are made for every request: without OpenSSL's look-up of the
//! algorithm, which costs more than the hash of a short text, and without preparing a key anew.

use openssl::sha::Sha256;

/// The hash of a text.
pub(crate) fn sha256(text: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(text);
    hash.finish()
}

/// A key of HMAC-SHA256 (RFC 2104) whose two pads are hashed beforehand, and copied for each
/// message.
#[derive(Clone)]
pub(crate) struct HmacKey {
    inner: Sha256,
    outer: Sha256,
}

impl std::fmt::Debug for HmacKey {
    /// Never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

impl HmacKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            let mut hash = Sha256::new();
            hash.update(&block);
            hash
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }

    /// The code of the message that `write` writes.
    pub(crate) fn code(&self, write: impl FnOnce(&mut Sha256)) -> [u8; 32] {
        let (mut inner, mut outer) = (self.inner.clone(), self.outer.clone());
        write(&mut inner);
        outer.update(&inner.finish());
        outer.finish()
    }
}

#[cfg(test)]
mod tests {
    use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};

    use super::*;

    #[test]
    fn the_code_is_that_of_openssl() {
        let message = b"what do ya want for nothing?";
        let theirs = PKey::hmac(&[7; 32]).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &theirs).unwrap();
        let theirs = signer.sign_oneshot_to_vec(message).unwrap();
        let ours = HmacKey::new(&[7; 32]).code(|hash| hash.update(message));
        assert_eq!(ours.to_vec(), theirs);
    }
}
