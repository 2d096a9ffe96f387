//! How what goes to an SP is protected: what its metadata declares, and what the administrator
//! decided.

use super::algorithms::{DataEncryption, SignatureAlgorithm};

/// What the metadata of an SP declares about encryption and about algorithms; all of it empty where
/// it declares nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared {
    /// Keys that may be encrypted to, in document order.
    pub encryption_keys: Vec<EncryptionKey>,
    /// `alg:SigningMethod`: the signatures that it checks.
    pub signing_methods: Vec<SigningMethod>,
    /// `alg:DigestMethod`: the digests that it checks.
    pub digest_methods: Vec<String>,
}

/// A key of a KeyDescriptor with `use="encryption"`, or without `use` (Metadata 2.4.1.1, E62).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    /// The key.
    pub key: KeyForm,
    /// Whether the metadata names it for encryption; a key without `use` may serve.
    pub is_for_encryption: bool,
    /// `md:EncryptionMethod`, the preferred first; none leaves the choice to us.
    pub methods: Vec<EncryptionMethod>,
}

/// In which form a key came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyForm {
    /// A certificate, DER. Only its key counts.
    Certificate(Vec<u8>),
    /// A bare public key (`ds:KeyValue`), DER SubjectPublicKeyInfo.
    Bare(Vec<u8>),
}

/// `md:EncryptionMethod`: an algorithm for the data or for the transport of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionMethod {
    /// Its identifier.
    pub algorithm: String,
    /// The `ds:DigestMethod` of RSA-OAEP.
    pub digest: Option<String>,
    /// The `xenc11:MGF` of RSA-OAEP.
    pub mgf: Option<String>,
}

/// `alg:SigningMethod` (SAML algorithm support profile, section 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningMethod {
    /// Its identifier.
    pub algorithm: String,
    /// `MinKeySize`, in bits.
    pub minimum_bits: Option<u32>,
    /// `MaxKeySize`, in bits.
    pub maximum_bits: Option<u32>,
}

/// What the administrator decided: the options about encryption and signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Protection {
    /// `--encrypt`.
    pub encrypt: Encrypt,
    /// `--encryption-algorithm`; nothing said leaves it to the metadata and to us.
    pub data_encryption: Option<DataEncryption>,
    /// `--signature-algorithm`; nothing said leaves it to the metadata and to the key.
    pub signature: Option<SignatureAlgorithm>,
    /// `--plain-logout`: its software reads no EncryptedID in a LogoutRequest.
    pub plain_logout: bool,
}

/// Whether assertions are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encrypt {
    /// Where the metadata has a key that is named for encryption.
    #[default]
    Auto,
    /// Always; without a usable key nothing leaves.
    Always,
    /// Never.
    Never,
}

impl Encrypt {
    /// The word of the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// From that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Auto, Self::Always, Self::Never]
            .into_iter()
            .find(|encrypt| encrypt.word() == word)
    }
}
