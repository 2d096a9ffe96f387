//! SQLite: the file, and how a connection to it is set up.
//!
//! sqlx serves everything but the hot read and the grouped writer: a point read costs 31 to 50 us
//! through its worker thread and 4 us in the thread itself (decision 19). Both drivers link one and
//! the same copy of SQLite.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::super::error::StoreError;

/// How long a writer waits for another process, such as a command on the same database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// What is committed survives a power cut.
    #[default]
    Full,
    /// What was committed in the last moments may be gone after a power cut (never after a crash
    /// of the process): an assertion may then have left without its audit row.
    Normal,
}

/// The database file and how to reach it.
#[derive(Debug)]
pub(in crate::storage) struct Sqlite {
    path: PathBuf,
    durability: Durability,
    pub(in crate::storage) pool: SqlitePool,
    readers: Mutex<Vec<Connection>>,
}

impl Sqlite {
    /// Makes the file and its folder if there is none, readable by its owner alone.
    pub(in crate::storage) async fn open(
        url: &str,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let path = path_of(url)?;
        create_file(&path).map_err(|cause| StoreError::File {
            path: path.display().to_string(),
            cause,
        })?;
        let synchronous = match durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        };
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options)
            .await?;
        Ok(Self {
            path,
            durability,
            pool,
            readers: Mutex::new(Vec::new()),
        })
    }

    /// A connection in the thread that may write.
    pub(in crate::storage) fn writing_connection(&self) -> rusqlite::Result<Connection> {
        let connection = self.connection()?;
        let synchronous = match self.durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    }

    /// Runs one hot read on a connection of this thread, without waiting for anybody.
    pub(in crate::storage) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let kept = self.readers().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => self.reading_connection()?,
        };
        let answer = read(&connection);
        if !matches!(answer, Err(StoreError::Database(_))) {
            self.readers().push(connection);
        }
        answer
    }

    /// Lets go of the connections that the hot reads kept.
    pub(in crate::storage) fn close_readers(&self) {
        self.readers().clear();
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A list of idle connections is as good after a panic as before.
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading_connection(&self) -> rusqlite::Result<Connection> {
        let connection = self.connection()?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn connection(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

fn path_of(url: &str) -> Result<PathBuf, StoreError> {
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"));
    match path {
        Some(path) if !path.is_empty() && !path.contains(':') && !path.contains('?') => {
            Ok(PathBuf::from(path))
        }
        // What follows the scheme may hold a password, so the error names the scheme alone.
        _ => Err(StoreError::UnsupportedUrl(
            url.split("//").next().unwrap_or_default().to_owned(),
        )),
    }
}

fn create_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    match std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        // An existing file is left to SQLite: closing a handle of ours would drop its locks.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_about_the_url_shows_no_password() {
        let error = path_of("postgres://doorward:secret@db/doorward").unwrap_err();
        assert!(error.to_string().contains("postgres:"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
