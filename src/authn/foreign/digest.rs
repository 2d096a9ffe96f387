//! One run of a digest over the password and a salt: WSO2's user store, and LDAP's `{SSHA}` and its
//! like.
//!
//! Both are computed in a microsecond, so a stolen table of them is read quickly. That is why they
//! are replaced at the first right password.

use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};

use super::{Refusal, base64, is_same};

/// A digest and what went into it after the password.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct Digest {
    kind: Kind,
    salt: Vec<u8>,
    expected: Vec<u8>,
    /// WSO2 before 4.4 took the bytes of the machine's own charset, most often ISO-8859-1.
    also_latin1: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl std::fmt::Debug for Digest {
    /// Never the hash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:?}, ..)", self.kind)
    }
}

impl Digest {
    /// Reads `$wso2$sha256$s=SALT$HASH` and `{SSHA}BASE64`; `None` if it is something else.
    pub(super) fn read(text: &str) -> Option<Result<Self, Refusal>> {
        let read = if let Some(rest) = text.strip_prefix("$wso2$") {
            Self::wso2(rest)
        } else {
            let (scheme, rest) = text.strip_prefix('{')?.split_once('}')?;
            let (kind, is_salted) = ldap_scheme(scheme)?;
            Self::ldap(kind, is_salted, rest)
        };
        Some(read.ok_or(Refusal::Malformed))
    }

    /// The salt is the text of its base64, appended as it is; the hash is padded base64.
    fn wso2(rest: &str) -> Option<Self> {
        let (scheme, rest) = rest.split_once('$')?;
        let kind = match scheme {
            "md5" => Kind::Md5,
            "sha1" => Kind::Sha1,
            "sha256" => Kind::Sha256,
            "sha384" => Kind::Sha384,
            "sha512" => Kind::Sha512,
            _ => return None,
        };
        let (salt, hash) = match rest.strip_prefix("s=") {
            Some(rest) => rest.split_once('$')?,
            None => ("", rest),
        };
        let digest = Self {
            kind,
            salt: salt.as_bytes().to_vec(),
            expected: base64(hash)?,
            also_latin1: true,
        };
        (digest.expected.len() == kind.length()).then_some(digest)
    }

    /// The salt follows the digest inside the base64.
    fn ldap(kind: Kind, is_salted: bool, rest: &str) -> Option<Self> {
        let mut expected = base64(rest)?;
        if expected.len() < kind.length() {
            return None;
        }
        let salt = expected.split_off(kind.length());
        (salt.is_empty() != is_salted).then_some(Self {
            kind,
            salt,
            expected,
            also_latin1: false,
        })
    }

    pub(super) fn fits(&self, password: &str) -> Result<bool, ErrorStack> {
        if self.fits_bytes(password.as_bytes())? {
            return Ok(true);
        }
        match latin1(password).filter(|_| self.also_latin1) {
            Some(bytes) => self.fits_bytes(&bytes),
            None => Ok(false),
        }
    }

    fn fits_bytes(&self, password: &[u8]) -> Result<bool, ErrorStack> {
        let input = [password, &self.salt].concat();
        let made = hash(self.kind.message_digest(), &input)?;
        Ok(is_same(&made, &self.expected))
    }
}

/// RFC 2307 names two of them; `OpenLDAP` and the others have added the newer digests.
fn ldap_scheme(scheme: &str) -> Option<(Kind, bool)> {
    Some(match scheme.to_ascii_uppercase().as_str() {
        "MD5" => (Kind::Md5, false),
        "SMD5" => (Kind::Md5, true),
        "SHA" => (Kind::Sha1, false),
        "SSHA" => (Kind::Sha1, true),
        "SHA256" => (Kind::Sha256, false),
        "SSHA256" => (Kind::Sha256, true),
        "SHA384" => (Kind::Sha384, false),
        "SSHA384" => (Kind::Sha384, true),
        "SHA512" => (Kind::Sha512, false),
        "SSHA512" => (Kind::Sha512, true),
        _ => return None,
    })
}

/// The password in ISO-8859-1, where that is another text than in UTF-8.
fn latin1(password: &str) -> Option<Vec<u8>> {
    if password.is_ascii() {
        return None;
    }
    password
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect()
}

impl Kind {
    fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn message_digest(self) -> MessageDigest {
        match self {
            Self::Md5 => MessageDigest::md5(),
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha384 => MessageDigest::sha384(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}
