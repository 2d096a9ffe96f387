//! Password hashes that other systems made: taken over as they are, checked beside one run of
//! argon2id, and replaced at the first right password (decisions 15 and 48).
//!
//! What is stored is the text of the other system, with its scheme in front; nothing is lost by
//! taking it over, and nothing here makes a new hash of an old kind.

mod crypt;
mod digest;
mod pbkdf2;

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;
use thiserror::Error;

/// What the column of a stored hash holds at most.
const LONGEST: usize = 255;

/// The most that one check of a hash of argon2 may ask for. More would let one row of an import
/// take the memory or the processor from everybody else who signs in.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

/// Why a hash is not taken over. The text itself is never repeated: it may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It begins as none of the known schemes does.
    #[error(
        "password_hash is of no scheme that is taken over (it may be a password in clear text)"
    )]
    Unknown,
    /// It begins well, and then is not what the scheme says.
    #[error("password_hash is damaged, or not written as its scheme is")]
    Malformed,
    /// Checking it once would take more time or memory than anybody may ask for.
    #[error("password_hash asks for too much work at each sign-in")]
    TooDear,
    /// Longer than what is stored.
    #[error("password_hash is longer than {LONGEST} bytes")]
    TooLong,
}

/// A stored hash that is not argon2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Foreign {
    Digest(digest::Digest),
    Pbkdf2(pbkdf2::Pbkdf2),
    Crypt(crypt::Crypt),
}

/// The text under which a hash of another system is stored here.
///
/// # Errors
/// It is of no known scheme, damaged, or too dear to check.
pub fn take_over(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    // Django writes its own name in front of what argon2 made.
    let text = text
        .strip_prefix("argon2$")
        .map_or(text, |_| text.get("argon2".len()..).unwrap_or(text));
    if text.len() > LONGEST {
        return Err(Refusal::TooLong);
    }
    if text.starts_with("$argon2") {
        check_argon(text)?;
    } else {
        Foreign::read(text)?;
    }
    Ok(text.to_owned())
}

fn check_argon(text: &str) -> Result<(), Refusal> {
    let hash = PasswordHash::new(text).map_err(|_| Refusal::Malformed)?;
    let is_known = ["argon2id", "argon2i", "argon2d"].contains(&hash.algorithm.as_str())
        && matches!(hash.version, Some(16 | 19))
        && hash.salt.is_some()
        && hash.hash.is_some();
    let params = Params::try_from(&hash).map_err(|_| Refusal::Malformed)?;
    if !is_known || !params.keyid().is_empty() || !params.data().is_empty() {
        return Err(Refusal::Malformed);
    }
    let too_dear = params.m_cost() > MOST_MEMORY_KIB
        || params.t_cost() > MOST_PASSES
        || params.p_cost() > MOST_LANES;
    if too_dear {
        Err(Refusal::TooDear)
    } else {
        Ok(())
    }
}

impl Foreign {
    /// Reads a stored hash that is not argon2.
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        // LDAP's word for what crypt(3) made (RFC 2307, section 5.3).
        let crypt = text.get(..7).filter(|s| s.eq_ignore_ascii_case("{crypt}"));
        let text = text.get(crypt.map_or(0, str::len)..).unwrap_or(text);
        if let Some(found) = crypt::Crypt::read(text) {
            return found.map(Self::Crypt);
        }
        if crypt.is_some() {
            return Err(Refusal::Unknown);
        }
        if let Some(found) = pbkdf2::Pbkdf2::read(text) {
            return found.map(Self::Pbkdf2);
        }
        match digest::Digest::read(text) {
            Some(found) => found.map(Self::Digest),
            None => Err(Refusal::Unknown),
        }
    }

    /// Whether the password fits. An error is the library's: it cannot compute the hash at all.
    pub(super) fn fits(&self, password: &str) -> Result<bool, openssl::error::ErrorStack> {
        match self {
            Self::Digest(digest) => digest.fits(password),
            Self::Pbkdf2(derived) => derived.fits(password),
            Self::Crypt(crypt) => Ok(crypt.fits(password)),
        }
    }
}

/// Compares without telling by its time how much was equal.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && openssl::memcmp::eq(one, other)
}

/// Standard base64, with its padding or without it.
fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let text = text.trim_end_matches('=');
    base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(text)
        .ok()
}

#[cfg(test)]
mod tests;
