//! The algorithms by their identifiers: which ones there are, which an SP declares, which an
//! administrator denies. What they compute is the business of `saml`.

use std::sync::Arc;

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

    /// The short word: what the identifier ends in.
    #[must_use]
    pub fn word(self) -> &'static str {
        after_hash(self.uri())
    }

    /// The algorithm of that short word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.word() == word)
    }

    /// Whether RSA keys use it; else EC keys do.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512)
    }
}

/// The digest algorithms that we check, and that our own signatures use.
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
}

/// How an assertion itself is encrypted: the block encryption (XML Encryption 1.1, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataEncryption {
    /// AES-256 in GCM.
    Aes256Gcm,
    /// AES-128 in GCM.
    Aes128Gcm,
    /// AES-256 in CBC: only where an administrator said so for this SP (E93).
    Aes256Cbc,
    /// AES-128 in CBC: likewise.
    Aes128Cbc,
}

impl DataEncryption {
    /// All of them, the first is taken where an SP says nothing.
    pub const ALL: [Self; 4] = [
        Self::Aes256Gcm,
        Self::Aes128Gcm,
        Self::Aes256Cbc,
        Self::Aes128Cbc,
    ];

    /// The identifier.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            Self::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Self::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            Self::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
        }
    }

    /// The algorithm of that identifier.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.uri() == uri)
    }

    /// The short word: what the identifier ends in.
    #[must_use]
    pub fn word(self) -> &'static str {
        after_hash(self.uri())
    }

    /// The algorithm of that short word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.word() == word)
    }

    /// Whether who alters the ciphertext is found out only by a signature around it (E93).
    #[must_use]
    pub const fn is_malleable(self) -> bool {
        matches!(self, Self::Aes256Cbc | Self::Aes128Cbc)
    }
}

/// Identifiers end in `#name`.
fn after_hash(uri: &'static str) -> &'static str {
    uri.rsplit_once('#').map_or(uri, |(_, word)| word)
}

/// The identifiers that an administrator denies: used towards nobody, accepted from nobody. What we
/// do not know is denied anyway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeniedAlgorithms(Arc<[String]>);

impl DeniedAlgorithms {
    /// Denies these identifiers.
    #[must_use]
    pub fn new(uris: impl IntoIterator<Item = String>) -> Self {
        Self(uris.into_iter().collect())
    }

    /// Whether this identifier is denied.
    #[must_use]
    pub fn contains(&self, uri: &str) -> bool {
        self.0.iter().any(|denied| denied == uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_identifiers_end_in() {
        assert_eq!(SignatureAlgorithm::EcdsaSha384.word(), "ecdsa-sha384");
        assert_eq!(DataEncryption::Aes128Cbc.word(), "aes128-cbc");
        for algorithm in DataEncryption::ALL {
            assert_eq!(DataEncryption::from_word(algorithm.word()), Some(algorithm));
            assert_eq!(DataEncryption::from_uri(algorithm.uri()), Some(algorithm));
        }
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(
                SignatureAlgorithm::from_word(algorithm.word()),
                Some(algorithm)
            );
        }
        assert_eq!(DataEncryption::from_word("tripledes-cbc"), None);
    }
}
