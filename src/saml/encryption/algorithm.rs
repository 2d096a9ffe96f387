//! The algorithms of encryption, as far as they compute something.

use openssl::hash::MessageDigest;
use openssl::symm::Cipher;

use super::{RSA_OAEP_11, RSA_OAEP_MGF1P};
use crate::directory::algorithms::{DataEncryption, DeniedAlgorithms};
use crate::directory::protection::EncryptionMethod;

impl DataEncryption {
    pub(super) fn cipher(self) -> Cipher {
        match self {
            Self::Aes128Gcm => Cipher::aes_128_gcm(),
            Self::Aes256Gcm => Cipher::aes_256_gcm(),
            Self::Aes128Cbc => Cipher::aes_128_cbc(),
            Self::Aes256Cbc => Cipher::aes_256_cbc(),
        }
    }
}

/// A digest inside RSA-OAEP. SHA-1 is as good as the others there: nothing depends on collisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OaepDigest {
    /// SHA-1, the default of XML Encryption.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl OaepDigest {
    const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The identifier of the digest.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The identifier of MGF1 with the digest (XML Encryption 1.1, section 5.5.2).
    #[must_use]
    pub const fn mgf_uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2009/xmlenc11#mgf1sha1",
            Self::Sha256 => "http://www.w3.org/2009/xmlenc11#mgf1sha256",
            Self::Sha384 => "http://www.w3.org/2009/xmlenc11#mgf1sha384",
            Self::Sha512 => "http://www.w3.org/2009/xmlenc11#mgf1sha512",
        }
    }

    fn from_uri(uri: &str) -> Option<Self> {
        // RFC 6931 gives SHA-384 two names.
        if uri == "http://www.w3.org/2001/04/xmlenc#sha384" {
            return Some(Self::Sha384);
        }
        Self::ALL.into_iter().find(|digest| digest.uri() == uri)
    }

    fn from_mgf_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.mgf_uri() == uri)
    }

    pub(super) fn digest(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// How the key of the data is encrypted: RSA-OAEP (XML Encryption 1.1, section 5.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyTransport {
    /// Whether it goes by the identifier of version 1.1, which names its mask.
    pub names_mask: bool,
    /// The digest.
    pub digest: OaepDigest,
    /// The digest of MGF1.
    pub mask: OaepDigest,
}

impl KeyTransport {
    /// The identifiers of RSA-OAEP.
    pub const IDENTIFIERS: [&str; 2] = [RSA_OAEP_MGF1P, RSA_OAEP_11];

    /// What every implementation takes.
    pub const USUAL: Self = Self {
        names_mask: false,
        digest: OaepDigest::Sha1,
        mask: OaepDigest::Sha1,
    };

    /// The identifier.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        if self.names_mask {
            RSA_OAEP_11
        } else {
            RSA_OAEP_MGF1P
        }
    }

    /// Whether it, or one of the digests that it is made of, is denied.
    pub(super) fn is_denied(self, denied: &DeniedAlgorithms) -> bool {
        denied.contains(self.uri())
            || denied.contains(self.digest.uri())
            || denied.contains(self.mask.mgf_uri())
    }

    /// Whether the mask has to be written. The default is left out: `xenc11:MGF` is in no schema of
    /// the year 2002, by which some SPs still validate.
    pub(super) fn writes_mask(self) -> bool {
        self.names_mask && self.mask != OaepDigest::Sha1
    }

    /// The transport that a method names: `None` if it is none, or none of ours. What is not said
    /// is SHA-1; the mask of `rsa-oaep-mgf1p` always is.
    #[must_use]
    pub fn of(method: &EncryptionMethod) -> Option<Self> {
        let names_mask = match method.algorithm.as_str() {
            RSA_OAEP_MGF1P => false,
            RSA_OAEP_11 => true,
            _ => return None,
        };
        let digest = match &method.digest {
            None => OaepDigest::Sha1,
            Some(uri) => OaepDigest::from_uri(uri)?,
        };
        let mask = match &method.mgf {
            Some(uri) if names_mask => OaepDigest::from_mgf_uri(uri)?,
            _ => OaepDigest::Sha1,
        };
        Some(Self {
            names_mask,
            digest,
            mask,
        })
    }

    /// Whether this identifier is one of a key transport, ours or not: the rest is for the data.
    pub(super) fn is_one(uri: &str) -> bool {
        const OTHERS: [&str; 7] = [
            "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
            "http://www.w3.org/2001/04/xmlenc#kw-aes128",
            "http://www.w3.org/2001/04/xmlenc#kw-aes192",
            "http://www.w3.org/2001/04/xmlenc#kw-aes256",
            "http://www.w3.org/2001/04/xmlenc#kw-tripledes",
            "http://www.w3.org/2001/04/xmlenc#dh",
            "http://www.w3.org/2009/xmlenc11#ECDH-ES",
        ];
        Self::IDENTIFIERS.contains(&uri) || OTHERS.contains(&uri)
    }
}
