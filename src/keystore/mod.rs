//! Secrets at rest (decision 11): a ring of master keys in files wraps the data keys in the
//! database, and the data keys seal what the database keeps secret.
//!
//! AES-256-GCM with a random nonce; the id of the key stands in front; what is sealed is bound to
//! its place (purpose, table, column, row), so that nothing can be moved to where it means
//! something else. Every use has a key of its own, by HKDF-SHA256 under its own label.

pub mod endings;
mod ring;
mod seal;
pub mod sealed;
mod sealed_file;
mod secrets;
pub mod signing_keys;

use std::path::PathBuf;

use thiserror::Error;

use crate::clock::NoRandomness;
use crate::storage::StoreError;

pub use ring::{CarriedKey, Keystore};
pub use sealed::FlowKey;
pub use sealed_file::{Lock, SealedReader, SealedWriter};
pub use secrets::Secrets;
pub use signing_keys::{SigningKeys, SigningKeysError};

/// Why secrets cannot be had.
#[derive(Debug, Error)]
pub enum KeystoreError {
    /// The folder or a key file cannot be read or made.
    #[error("cannot use {path}: {cause}; give the service's user access to keys_dir")]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// Others can read a master key.
    #[error(
        "{path} can be read by others: chmod 600 it, and make another key if others have been there"
    )]
    ReadableByOthers {
        /// Which.
        path: PathBuf,
    },
    /// A file of the ring is no key.
    #[error("{path} is no master key: 64 hexadecimal digits are expected")]
    NotAKey {
        /// Which.
        path: PathBuf,
    },
    /// The database's keys were wrapped by a master key that is not in the ring.
    #[error(
        "the database's keys are wrapped by master key {wanted}, and {folder} holds {found}: \
         copy that key file here from the node that made the database, or point database_url \
         elsewhere"
    )]
    NoMasterKey {
        /// The id of the key that is needed.
        wanted: String,
        /// The folder of the ring.
        folder: PathBuf,
        /// The ids of the keys that are there.
        found: String,
    },
    /// What was sealed does not open: it was altered, moved, or sealed under a key that is gone.
    #[error(
        "{what} does not open: it was altered or moved, or its key is gone; restore the backup"
    )]
    DoesNotOpen {
        /// What it is.
        what: String,
    },
    /// A backup brings a master key, and another one has its name. Operator: restore with an empty
    /// `keys_dir`.
    #[error("{path} holds another key than the backup brings: point keys_dir to an empty folder")]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// The backup opens with a master key that is not here.
    #[error(
        "the backup opens with master key {wanted}, which is not in {folder}: copy its file there"
    )]
    NoBackupKey {
        /// The id of the key that is needed.
        wanted: String,
        /// The folder of the ring.
        folder: PathBuf,
    },
    /// The file does not begin as a backup does.
    #[error("it is no backup of Doorward, or its beginning was altered; name another file")]
    NoBackup,
    /// The backup was made with the master key.
    #[error("the backup opens with the master key in keys_dir: leave --passphrase-stdin away")]
    NoPassphrase,
    /// The backup was made with a passphrase.
    #[error("the backup opens with a passphrase: add --passphrase-stdin")]
    WantsPassphrase,
    /// The backup cannot be read or written.
    #[error("the backup cannot be read or written: {0}; look at the disk")]
    Backup(#[from] std::io::Error),
    /// The database did not do what it was asked to.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness for a key.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// OpenSSL refused; it says why.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}
