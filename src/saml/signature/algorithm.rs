//! The algorithms that are accepted. What is not here is refused before any cryptography: SHA-1,
//! MD5, HMAC, DSA, PSS and whatever comes later.

use openssl::hash::MessageDigest;
use openssl::md::{Md, MdRef};
use openssl::sha::{sha384, sha512};

use super::SignatureError;
use crate::digest::sha256;
use crate::directory::algorithms::{DigestAlgorithm, SignatureAlgorithm};

impl SignatureAlgorithm {
    pub(super) fn accept(uri: &str) -> Result<Self, SignatureError> {
        Self::from_uri(uri).ok_or_else(|| refused(uri))
    }

    /// The digest, as an operation on digests that are there already has to name it.
    pub(super) fn md(self) -> &'static MdRef {
        match self {
            Self::RsaSha256 | Self::EcdsaSha256 => Md::sha256(),
            Self::RsaSha384 | Self::EcdsaSha384 => Md::sha384(),
            Self::RsaSha512 | Self::EcdsaSha512 => Md::sha512(),
        }
    }

    /// The digest of octets.
    pub(super) fn hash(self, octets: &[u8]) -> Vec<u8> {
        self.digest_algorithm().hash(octets)
    }

    pub(super) fn digest(self) -> MessageDigest {
        self.digest_algorithm().digest()
    }

    const fn digest_algorithm(self) -> DigestAlgorithm {
        match self {
            Self::RsaSha256 | Self::EcdsaSha256 => DigestAlgorithm::Sha256,
            Self::RsaSha384 | Self::EcdsaSha384 => DigestAlgorithm::Sha384,
            Self::RsaSha512 | Self::EcdsaSha512 => DigestAlgorithm::Sha512,
        }
    }
}

impl DigestAlgorithm {
    pub(super) fn accept(uri: &str) -> Result<Self, SignatureError> {
        Self::from_uri(uri).ok_or_else(|| refused(uri))
    }

    /// The digest of octets.
    pub(super) fn hash(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha256(octets).to_vec(),
            Self::Sha384 => sha384(octets).to_vec(),
            Self::Sha512 => sha512(octets).to_vec(),
        }
    }

    pub(super) fn digest(self) -> MessageDigest {
        match self {
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}

/// A whole identifier fits; a message cannot fill a log.
pub(super) fn refused(uri: &str) -> SignatureError {
    SignatureError::RefusedAlgorithm {
        uri: uri.chars().take(120).collect(),
    }
}
