//! What can go wrong with the database, and what the operator does about it.

use std::sync::Arc;

use thiserror::Error;

use super::engine::answer::{self, Answer};

/// Why the database did not do what it was asked to. Not found is no error: it is `None` or
/// `false`.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database URL is of a kind that is not built in. Operator: correct `database_url`.
    #[error("database_url has to begin with sqlite://, postgres:// or mysql://, not {0:?}")]
    UnsupportedUrl(String),
    /// The database URL cannot be read. Operator: correct `database_url`.
    #[error("the {scheme}:// URL of the database cannot be read: {cause}")]
    BadUrl {
        /// Its scheme; the rest may hold a password.
        scheme: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The database server is older than those that are supported. Operator: upgrade it.
    #[error("the database is {found}; {needed} or later is needed")]
    OldServer {
        /// What it says that it is.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
    /// The server cannot be connected to, or gives no answer. Operator: look at the server, at
    /// the network, at `database_url` and at the server's limit of connections.
    #[error("the database cannot be reached: {0}")]
    Unreachable(#[source] Arc<DatabaseError>),
    /// Two transactions waited for each other and the database undid this one, more than once.
    /// Operator: nothing, unless it happens often: then report it.
    #[error("the database undid it in favour of another")]
    Deadlock,
    /// An error has ended the transaction, and more was asked of it. Operator: report it.
    #[error("the transaction has ended")]
    Ended,
    /// The file or its folder cannot be made. Operator: give the service's user write access to
    /// the folder of `database_url`.
    #[error("cannot make the database file {path}: {cause}")]
    File {
        /// Which file.
        path: String,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// A newer Doorward has changed the schema in a way that this one cannot live with. Operator:
    /// run that version (or a later one), or restore the backup from before the upgrade.
    #[error("the database was changed by a newer Doorward: it can be used from {program} on")]
    NewerSchema {
        /// The oldest version that can use it.
        program: String,
    },
    /// A migration failed or was altered. Operator: restore the backup and report it.
    #[error("the database could not be brought up to date: {0}")]
    Migration(#[source] Box<sqlx::migrate::MigrateError>),
    /// Somebody else has the name already, or changed the row meanwhile. Operator: look at what is
    /// there now and decide again.
    #[error("it exists already, or was changed meanwhile")]
    Conflict,
    /// It names a user, role, service provider or session that does not exist (any more).
    /// Operator: make it first, or name another.
    #[error("it names something that does not exist (any more)")]
    Dangling,
    /// A rule names the role. Operator: give that SP another rule first.
    #[error("the rule of {sp} names the role")]
    RoleInUse {
        /// Short name of one SP, or source of metadata, whose rule names it.
        sp: String,
    },
    /// An SP is held at the signing key. Operator: let it go over to another key first.
    #[error("{sp} is held at the key")]
    KeyInUse {
        /// Short name of one SP that is held at it.
        sp: String,
    },
    /// The role `everyone` is built in: everybody holds it, and it stays. Operator: nothing.
    #[error("the role is built in")]
    BuiltInRole,
    /// The user was disabled or removed, or the password was changed, while it was being checked.
    /// Operator: nothing; the person tries again.
    #[error("the account changed while it was signing in")]
    SignInRefused,
    /// Somebody else holds the database for too long. Operator: look for a long-running command,
    /// a backup that copies the file, or a slow disk.
    #[error("the database is busy")]
    Busy,
    /// More is to be written than the disk takes. Operator: a faster disk, or
    /// `durability = "normal"` with what it means.
    #[error("the queue of the audit writer is full")]
    QueueFull,
    /// There is no room for what was to be written. Operator: make room on the disk of the database.
    #[error("the disk of the database is full: {0}")]
    Full(#[source] Arc<DatabaseError>),
    /// Whether it was committed is not known, so it counts as done, and nothing leaves that relies
    /// on it. Operator: look at disk space and at the disk's health.
    #[error("the commit failed, and its outcome is not known: {0}")]
    UnknownOutcome(#[source] Arc<DatabaseError>),
    /// A row holds what this program never writes. Operator: undo the change by hand in the
    /// database, or restore the backup.
    #[error("{table}.{column} holds a value that does not belong there")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The store was not started, or has been shut down. Operator: report it.
    #[error("the store is not running")]
    NotRunning,
    /// The thread of the grouped writer could not be started. Operator: look at the limits of the
    /// service (threads, memory).
    #[error("cannot start a thread: {0}")]
    NoThread(#[source] std::io::Error),
    /// There is no randomness for an id. Operator: look at the operating system.
    #[error(transparent)]
    NoRandomness(#[from] crate::clock::NoRandomness),
    /// Anything else that the database said. Operator: read what it says; most often the file
    /// cannot be read or written, or the disk is full.
    #[error("the database said: {0}")]
    Database(#[source] Arc<DatabaseError>),
}

/// What the driver said, whichever driver it was.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// From sqlx.
    #[error(transparent)]
    Sqlx(sqlx::Error),
    /// From SQLite in the thread.
    #[error(transparent)]
    Rusqlite(rusqlite::Error),
    /// Nothing, for too long.
    #[error("no answer within {0:?}")]
    Late(std::time::Duration),
    /// It is a standby.
    #[error("the server takes no writes: it is a replica, or was told to be read-only")]
    ReadOnly,
    /// Something else, at COMMIT.
    #[error("{0}")]
    AtCommit(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let meaning = error.as_database_error().and_then(answer::meaning);
        match (meaning, &error) {
            (Some(Answer::Conflict), _) => Self::Conflict,
            (Some(Answer::Dangling), _) => Self::Dangling,
            (Some(Answer::Deadlock), _) => Self::Deadlock,
            (Some(Answer::Busy), _) | (_, E::PoolTimedOut) => Self::Busy,
            (_, E::PoolClosed) => Self::NotRunning,
            (Some(Answer::Full), _) => Self::Full(Arc::new(DatabaseError::Sqlx(error))),
            (Some(Answer::Gone), _) | (_, E::Io(_) | E::Tls(_) | E::Protocol(_)) => {
                Self::unreachable(DatabaseError::Sqlx(error))
            }
            _ => Self::Database(Arc::new(DatabaseError::Sqlx(error))),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi;
        match error.sqlite_error().map(|e| e.extended_code) {
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                Self::Conflict
            }
            Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Self::Dangling,
            Some(code) if answer::is_busy(code) => Self::Busy,
            Some(code) if answer::is_full(code) => {
                Self::Full(Arc::new(DatabaseError::Rusqlite(error)))
            }
            _ => Self::Database(Arc::new(DatabaseError::Rusqlite(error))),
        }
    }
}

impl StoreError {
    /// The server did not answer.
    pub(super) fn unreachable(cause: DatabaseError) -> Self {
        Self::Unreachable(Arc::new(cause))
    }

    /// It may have been done, or not.
    pub(super) fn unknown(cause: DatabaseError) -> Self {
        Self::UnknownOutcome(Arc::new(cause))
    }

    /// Takes an error of connecting: whatever it is, the server cannot be reached as things are.
    pub(super) fn of_connecting(error: sqlx::Error) -> Self {
        match Self::from(error) {
            Self::Database(cause) => Self::Unreachable(cause),
            other => other,
        }
    }

    /// Takes an error of a server's COMMIT. That two transactions met is a certain no; else it may
    /// have been done all the same.
    pub(super) fn of_commit(self) -> Self {
        match self {
            Self::Deadlock => Self::Deadlock,
            Self::Conflict => Self::Conflict,
            Self::Dangling => Self::Dangling,
            Self::Unreachable(cause) | Self::Full(cause) | Self::Database(cause) => {
                Self::UnknownOutcome(cause)
            }
            other => Self::unknown(DatabaseError::AtCommit(other.to_string())),
        }
    }

    /// Takes an error of a statement that is a transaction by itself: without an answer, it may
    /// have been done.
    pub(super) fn after_asking_to_write(self) -> Self {
        match self {
            Self::Unreachable(cause) => Self::UnknownOutcome(cause),
            other => other,
        }
    }

    /// Whether the connection turned out to be broken; a server that is merely slow is not asked
    /// again.
    pub(super) fn is_of_connection(&self) -> bool {
        match self {
            Self::Unreachable(cause) => !matches!(**cause, DatabaseError::Late(_)),
            _ => false,
        }
    }

    /// Whether the server answered, be it with a no.
    pub(super) fn is_an_answer(&self) -> bool {
        matches!(
            self,
            Self::Conflict | Self::Dangling | Self::Deadlock | Self::Busy
        )
    }

    /// Whether the same will work in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy | Self::QueueFull | Self::Deadlock | Self::Unreachable(_)
        )
    }

    /// The same for another who waited for the same commit.
    pub(super) fn for_another(&self) -> Self {
        match self {
            Self::Conflict => Self::Conflict,
            Self::Dangling => Self::Dangling,
            Self::NotRunning => Self::NotRunning,
            Self::QueueFull => Self::QueueFull,
            Self::Unreachable(cause) => Self::Unreachable(Arc::clone(cause)),
            Self::Full(cause) => Self::Full(Arc::clone(cause)),
            Self::Database(cause) => Self::Database(Arc::clone(cause)),
            Self::UnknownOutcome(cause) => Self::UnknownOutcome(Arc::clone(cause)),
            // Nothing else befalls a whole batch but what a later try may not meet.
            _ => Self::Busy,
        }
    }
}

/// A column that holds what does not belong there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(pub(super) &'static str, pub(super) &'static str);

impl Column {
    /// The error that names it.
    pub(super) fn inconsistent(self) -> StoreError {
        StoreError::Inconsistent {
            table: self.0,
            column: self.1,
        }
    }

    /// Takes a value that was read and checked.
    pub(super) fn checked<T, E>(self, read: Result<T, E>) -> Result<T, StoreError> {
        read.map_err(|_| self.inconsistent())
    }
}
