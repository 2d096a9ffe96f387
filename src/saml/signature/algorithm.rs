//! The algorithms that are accepted. What is not here is refused before any cryptography: SHA-1,
//! MD5, HMAC, DSA, PSS and whatever comes later.

use openssl::hash::MessageDigest;
use openssl::md::{Md, MdRef};
use openssl::sha::{sha384, sha512};

use super::SignatureError;
use crate::digest::sha256;

/// The signature algorithms that we check, and that our own keys use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaSha512,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
}

impl SignatureAlgorithm {
    /// All of them, for metadata that names what we accept.
    pub const ALL: [Self; 6] = [
        Self::RsaSha256,
        Self::RsaSha384,
        Self::RsaSha512,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
    ];

    /// The identifier (RFC 6931, section 2.3).
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Self::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            Self::EcdsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        }
    }

    /// The algorithm of that identifier, if it is accepted.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.uri() == uri)
    }

    pub(super) fn accept(uri: &str) -> Result<Self, SignatureError> {
        Self::from_uri(uri).ok_or_else(|| refused(uri))
    }

    pub(super) const fn is_rsa(self) -> bool {
        matches!(self, Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512)
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
        match self {
            Self::RsaSha256 | Self::EcdsaSha256 => sha256(octets).to_vec(),
            Self::RsaSha384 | Self::EcdsaSha384 => sha384(octets).to_vec(),
            Self::RsaSha512 | Self::EcdsaSha512 => sha512(octets).to_vec(),
        }
    }

    pub(super) fn digest(self) -> MessageDigest {
        match self {
            Self::RsaSha256 | Self::EcdsaSha256 => MessageDigest::sha256(),
            Self::RsaSha384 | Self::EcdsaSha384 => MessageDigest::sha384(),
            Self::RsaSha512 | Self::EcdsaSha512 => MessageDigest::sha512(),
        }
    }
}

/// The digest algorithms that we check; our own signatures use the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// All of them, for metadata that names what we accept.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The identifier (XML Encryption, section 5.7; RFC 6931, section 2.1).
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The algorithm of that identifier, if it is accepted.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.uri() == uri)
    }

    pub(super) fn accept(uri: &str) -> Result<Self, SignatureError> {
        Self::from_uri(uri).ok_or_else(|| refused(uri))
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
fn refused(uri: &str) -> SignatureError {
    SignatureError::RefusedAlgorithm {
        uri: uri.chars().take(120).collect(),
    }
}
