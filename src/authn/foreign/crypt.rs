//! What crypt(3) makes: bcrypt (`$2b$`), and SHA-256 and SHA-512 in many rounds (`$5$`, `$6$`).

use argon2::password_hash::PasswordVerifier;
use sha_crypt::ShaCrypt;

use super::Refusal;

/// 2^14 rounds of bcrypt are about a second.
const MOST_COST: u32 = 14;
/// About a second as well.
const MOST_ROUNDS: u32 = 1_000_000;
/// What crypt(3) takes of a salt.
const LONGEST_SALT: usize = 16;

/// A text of crypt(3).
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) enum Crypt {
    Bcrypt(String),
    Sha(String),
}

impl std::fmt::Debug for Crypt {
    /// Never the hash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bcrypt(_) => "Crypt(bcrypt, ..)",
            Self::Sha(_) => "Crypt(sha, ..)",
        })
    }
}

impl Crypt {
    /// Reads it; `None` if it is something else.
    pub(super) fn read(text: &str) -> Option<Result<Self, Refusal>> {
        // `$2x$` is left out: it marks hashes of a library that lost bits of the password.
        if ["$2a$", "$2b$", "$2y$"].iter().any(|p| text.starts_with(p)) {
            return Some(bcrypt(text));
        }
        let rest = text
            .strip_prefix("$5$")
            .map(|rest| (rest, 43))
            .or_else(|| text.strip_prefix("$6$").map(|rest| (rest, 86)));
        let (rest, length) = rest?;
        Some(sha(rest, length).map(|()| Self::Sha(text.to_owned())))
    }

    pub(super) fn fits(&self, password: &str) -> bool {
        match self {
            Self::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Self::Sha(text) => ShaCrypt::default()
                .verify_password(password.as_bytes(), text.as_str())
                .is_ok(),
        }
    }
}

fn bcrypt(text: &str) -> Result<Crypt, Refusal> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| Refusal::Malformed)?;
    match parts.get_cost() {
        4..=MOST_COST => Ok(Crypt::Bcrypt(text.to_owned())),
        0..4 => Err(Refusal::Malformed),
        _ => Err(Refusal::TooDear),
    }
}

/// `[rounds=N$]SALT$HASH`.
fn sha(rest: &str, length: usize) -> Result<(), Refusal> {
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => rest.split_once('$').ok_or(Refusal::Malformed)?,
        None => ("5000", rest),
    };
    let (salt, hash) = rest.split_once('$').ok_or(Refusal::Malformed)?;
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/');
    let is_whole = (1..=LONGEST_SALT).contains(&salt.len())
        && salt.chars().all(is_letter)
        && hash.len() == length
        && hash.chars().all(is_letter);
    let rounds: u32 = rounds.parse().map_err(|_| Refusal::Malformed)?;
    match rounds {
        _ if !is_whole => Err(Refusal::Malformed),
        0..1000 => Err(Refusal::Malformed),
        1000..=MOST_ROUNDS => Ok(()),
        _ => Err(Refusal::TooDear),
    }
}
