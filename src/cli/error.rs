//! Why a command did not do what it was asked to: what is wrong, and what to do.

use std::fmt;

use thiserror::Error;

use super::boot::BootError;
use crate::authn::password::PasswordError;
use crate::clock::NoRandomness;
use crate::config::ConfigError;
use crate::keystore::{KeystoreError, SigningKeysError};
use crate::storage::StoreError;

/// Every way in which a command ends badly.
#[derive(Debug, Error)]
pub enum CliError {
    /// The configuration has mistakes.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database or the keys could not be opened.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The database did not do it.
    #[error("{}", told(.0))]
    Store(#[from] StoreError),
    /// The master keys, or what they seal.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// A signing key could not be made or opened.
    #[error(transparent)]
    SigningKeys(#[from] SigningKeysError),
    /// It is refused as things are.
    #[error(transparent)]
    Refused(Told),
    /// The command line contradicts itself in a way that only the command can see.
    #[error(transparent)]
    Usage(Told),
    /// A password that the policy refuses, or that could not be hashed.
    #[error("{0}; choose another one")]
    Password(#[from] PasswordError),
    /// Nothing random can be made.
    #[error("{0}; look at the operating system's source of randomness")]
    NoRandomness(#[from] NoRandomness),
    /// The result could not be printed.
    #[error("the result cannot be written: {0}; look at where stdout leads")]
    Output(#[from] std::io::Error),
}

/// What is wrong, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    what: String,
    fix: String,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.fix)
    }
}

impl std::error::Error for Told {}

/// A refusal: what is wrong, and what to do.
pub(super) fn refused(what: impl Into<String>, fix: impl Into<String>) -> CliError {
    CliError::Refused(Told {
        what: what.into(),
        fix: fix.into(),
    })
}

/// Wrong usage: what is wrong, and what to write.
pub(super) fn usage(what: impl Into<String>, fix: impl Into<String>) -> CliError {
    CliError::Usage(Told {
        what: what.into(),
        fix: fix.into(),
    })
}

impl CliError {
    /// 1 for what is refused or failed, 2 for wrong usage.
    pub(super) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }
}

/// What the operator does about a refusal of the database.
pub(super) fn told(error: &StoreError) -> String {
    let fix = match error {
        StoreError::Busy | StoreError::Deadlock => "try again in a moment",
        StoreError::Unreachable(_) => "look at the database server and at database_url",
        StoreError::Full(_) => "make room on the disk of the database",
        StoreError::OldServer { .. } => "upgrade the database server",
        StoreError::Conflict | StoreError::Dangling => "look at what is there now and try again",
        StoreError::NewerSchema { .. } => "run that version, or restore the backup from before",
        StoreError::RoleInUse { .. } => "give that SP another rule first (`doorward sp update`)",
        StoreError::KeyInUse { .. } => {
            "move it first (`doorward sp update NAME --signing-key active`)"
        }
        StoreError::BuiltInRole => "everybody holds it, and it stays",
        StoreError::UnsupportedUrl(_) | StoreError::BadUrl { .. } => "correct database_url",
        StoreError::File { .. } => "give this user write access to the folder of database_url",
        StoreError::Inconsistent { .. } => "undo what was changed by hand, or restore a backup",
        _ => "look at the disk and at the permissions of the file of database_url",
    };
    format!("{error}; {fix}")
}
