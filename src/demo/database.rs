//! How both apps open a `SQLite` file.

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// How often opening is tried where another process is opening the same file just then: the change
/// to WAL does not wait for locks by itself.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(100);

/// Opens or creates the file. Several processes write the shared one: WAL lets them read meanwhile,
/// and a writer waits for the other instead of failing.
pub(super) async fn open(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let mut tries = 1;
    loop {
        match try_open(file).await {
            Err(error) if is_locked(&error) && tries < TRIES => tries += 1,
            done => return done,
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// `SQLITE_BUSY` and its kin, whose low byte is 5.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let code: Option<u32> = code.and_then(|code| code.parse().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

async fn try_open(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(5));
    SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(options)
        .await
}
