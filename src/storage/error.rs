//! What can go wrong with the database, and what the operator does about it.

use std::sync::Arc;

use thiserror::Error;

/// Why the database did not do what it was asked to. Not found is no error: it is `None` or
/// `false`.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database URL is of a kind that is not built in. Operator: correct `database_url`.
    #[error("database_url has to begin with sqlite://, not {0:?}")]
    UnsupportedUrl(String),
    /// The file or its folder cannot be made. Operator: give the service's user write access to
    /// the folder of `database_url`.
    #[error("cannot make the database file {path}: {cause}")]
    File {
        /// Which file.
        path: String,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// A newer Doorward has been at this database. Operator: run that version (or a later one), or
    /// restore the backup from before the upgrade.
    #[error("the database was made by a newer Doorward (its schema has migration {found})")]
    NewerSchema {
        /// The number of the first migration that this program does not know.
        found: i64,
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
}

/// Primary result codes of SQLite that mean "try again".
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let kind = error.as_database_error().map(|e| {
            let code = e.code().and_then(|code| code.parse::<i32>().ok());
            let is_busy = code.is_some_and(|code| is_busy(code & 0xff));
            (
                e.is_unique_violation(),
                e.is_foreign_key_violation(),
                is_busy,
            )
        });
        match kind {
            Some((true, _, _)) => Self::Conflict,
            Some((_, true, _)) => Self::Dangling,
            Some((_, _, true)) => Self::Busy,
            _ if matches!(error, sqlx::Error::PoolTimedOut) => Self::Busy,
            _ if matches!(error, sqlx::Error::PoolClosed) => Self::NotRunning,
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
            Some(code) if is_busy(code & 0xff) => Self::Busy,
            _ => Self::Database(Arc::new(DatabaseError::Rusqlite(error))),
        }
    }
}

fn is_busy(primary_code: i32) -> bool {
    primary_code == SQLITE_BUSY || primary_code == SQLITE_LOCKED
}

impl StoreError {
    /// Takes an error of COMMIT: it may have been done all the same.
    pub(super) fn of_commit(error: impl Into<DatabaseError>) -> Self {
        Self::UnknownOutcome(Arc::new(error.into()))
    }

    /// The same for another who waited for the same commit.
    pub(super) fn for_another(&self) -> Self {
        match self {
            Self::Conflict => Self::Conflict,
            Self::Dangling => Self::Dangling,
            Self::NotRunning => Self::NotRunning,
            Self::QueueFull => Self::QueueFull,
            Self::Database(cause) => Self::Database(Arc::clone(cause)),
            Self::UnknownOutcome(cause) => Self::UnknownOutcome(Arc::clone(cause)),
            // Nothing else befalls a whole batch but what a later try may not meet.
            _ => Self::Busy,
        }
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Rusqlite(error)
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
