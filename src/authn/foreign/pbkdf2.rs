//! PBKDF2 (RFC 8018, section 5.2) as WSO2, Django, Keycloak and passlib write it down.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;

use super::{Refusal, base64, is_same};

/// More rounds than anybody recommends today, and about a second of work.
const MOST_ROUNDS: usize = 2_000_000;

/// A derived key shorter than this is met by chance.
const SHORTEST_KEY: usize = 16;

/// A derived key and what it was derived with.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct Pbkdf2 {
    function: Function,
    rounds: usize,
    salt: Vec<u8>,
    expected: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Sha1,
    Sha256,
    Sha512,
}

impl std::fmt::Debug for Pbkdf2 {
    /// Never the hash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pbkdf2({:?}, {}, ..)", self.function, self.rounds)
    }
}

impl Pbkdf2 {
    /// Reads it; `None` if it is something else.
    pub(super) fn read(text: &str) -> Option<Result<Self, Refusal>> {
        let read = if let Some(rest) = text.strip_prefix("$wso2$pbkdf2") {
            Self::wso2(rest)
        } else if let Some(rest) = text.strip_prefix("pbkdf2_") {
            Self::django(rest)
        } else {
            Self::modular(text.strip_prefix("$pbkdf2")?)
        };
        Some(read.ok_or(Refusal::Malformed).and_then(Self::bounded))
    }

    /// `-sha256$i=10000,l=32,s=SALT$HASH`; the salt is taken as the text that it is.
    fn wso2(rest: &str) -> Option<Self> {
        let (function, rest) = rest.strip_prefix('-')?.split_once('$')?;
        let (parameters, hash) = rest.split_once('$')?;
        let (rounds, rest) = parameters.strip_prefix("i=")?.split_once(",l=")?;
        let (length, salt) = rest.split_once(",s=")?;
        let derived = Self::of(function, rounds, salt.as_bytes().to_vec(), base64(hash)?)?;
        (derived.expected.len() == length.parse::<usize>().ok()?).then_some(derived)
    }

    /// `sha256$ROUNDS$SALT$HASH`; the salt is text, the hash padded base64.
    fn django(rest: &str) -> Option<Self> {
        let mut fields = rest.split('$');
        let (function, rounds) = (fields.next()?, fields.next()?);
        let (salt, hash) = (fields.next()?, fields.next()?);
        if fields.next().is_some() {
            return None;
        }
        Self::of(function, rounds, salt.as_bytes().to_vec(), base64(hash)?)
    }

    /// `-sha256$ROUNDS$SALT$HASH` of passlib, which writes `.` for `+`, and
    /// `-sha256$i=ROUNDS,l=32$SALT$HASH` of the PHC's string format.
    fn modular(rest: &str) -> Option<Self> {
        let mut fields = rest.split('$');
        let function = fields.next()?;
        let function = if function.is_empty() {
            "sha1"
        } else {
            function.strip_prefix('-')?
        };
        let parameters = fields.next()?;
        let decode = |text: &str| base64(&text.replace('.', "+"));
        let (salt, hash) = (decode(fields.next()?)?, decode(fields.next()?)?);
        if fields.next().is_some() {
            return None;
        }
        let Some(named) = parameters.strip_prefix("i=") else {
            return Self::of(function, parameters, salt, hash);
        };
        let (rounds, length) = match named.split_once(",l=") {
            Some((rounds, length)) => (rounds, Some(length.parse::<usize>().ok()?)),
            None => (named, None),
        };
        let derived = Self::of(function, rounds, salt, hash)?;
        length
            .is_none_or(|length| length == derived.expected.len())
            .then_some(derived)
    }

    fn of(function: &str, rounds: &str, salt: Vec<u8>, expected: Vec<u8>) -> Option<Self> {
        let function = match function {
            "sha1" => Function::Sha1,
            "sha256" => Function::Sha256,
            "sha512" => Function::Sha512,
            _ => return None,
        };
        let derived = Self {
            function,
            rounds: rounds.parse().ok()?,
            salt,
            expected,
        };
        let is_whole = derived.rounds > 0
            && !derived.salt.is_empty()
            && derived.expected.len() >= SHORTEST_KEY;
        is_whole.then_some(derived)
    }

    /// A key that is longer than one block costs its rounds once for each of them.
    fn bounded(self) -> Result<Self, Refusal> {
        let blocks = self.expected.len().div_ceil(self.function.length());
        match self.rounds.checked_mul(blocks) {
            Some(work) if work <= MOST_ROUNDS => Ok(self),
            _ => Err(Refusal::TooDear),
        }
    }

    pub(super) fn fits(&self, password: &str) -> Result<bool, ErrorStack> {
        let mut made = vec![0; self.expected.len()];
        pbkdf2_hmac(
            password.as_bytes(),
            &self.salt,
            self.rounds,
            self.function.message_digest(),
            &mut made,
        )?;
        Ok(is_same(&made, &self.expected))
    }
}

impl Function {
    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn message_digest(self) -> MessageDigest {
        match self {
            Self::Sha1 => MessageDigest::sha1(),
            Self::Sha256 => MessageDigest::sha256(),
            Self::Sha512 => MessageDigest::sha512(),
        }
    }
}
