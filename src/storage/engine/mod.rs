//! The engines behind [`Store`]: the only place that knows drivers.
//!
//! Every statement is a [`query`] that runs on the [`Pool`] by itself or within a [`Tx`]; nobody
//! else calls a driver, but for the one hot read (decisions 19 and 42).
//!
//! [`Store`]: super::Store

mod query;
mod row;
mod sqlite;
mod value;

use sqlx::{Sqlite as SqliteDriver, Transaction};

use super::error::StoreError;

pub use sqlite::Durability;

pub(super) use query::{Query, query};
pub(super) use row::{Cells, FromRow, Row, columns};
pub(super) use sqlite::Sqlite;

/// The database behind a URL.
#[derive(Debug)]
pub(super) enum Pool {
    /// A file.
    Sqlite(Sqlite),
}

/// A transaction. Dropped without [`Tx::commit`], it has not happened.
#[derive(Debug)]
pub(super) enum Tx {
    /// On a connection of sqlx's.
    Sqlite(Transaction<'static, SqliteDriver>),
    /// On a connection in this thread; what is not committed goes when it is closed.
    InThread(rusqlite::Connection),
}

/// A connection that its holder keeps from one transaction to the next.
#[derive(Debug)]
pub(super) enum Kept {
    /// To a file, in this thread.
    InThread(rusqlite::Connection),
}

impl Pool {
    /// Opens the database of a `database_url`.
    pub(super) async fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        Ok(Self::Sqlite(Sqlite::open(url, durability).await?))
    }

    /// Begins a transaction that may write.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            // IMMEDIATE: a transaction that read first could not become a writer later.
            Self::Sqlite(sqlite) => {
                let tx = sqlite.pool.begin_with("BEGIN IMMEDIATE").await?;
                Ok(Tx::Sqlite(tx))
            }
        }
    }

    /// A connection to be kept by one that writes all the time.
    #[expect(
        clippy::unused_async,
        reason = "an engine behind a network is connected to"
    )]
    pub(super) async fn connect(&self) -> Result<Kept, StoreError> {
        match self {
            Self::Sqlite(sqlite) => Ok(Kept::InThread(sqlite.writing_connection()?)),
        }
    }

    /// Lets go of every connection.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => {
                sqlite.close_readers();
                sqlite.pool.close().await;
            }
        }
    }
}

impl Kept {
    /// Begins a transaction on it.
    #[expect(
        clippy::unused_async,
        reason = "an engine behind a network is asked over a connection"
    )]
    pub(super) async fn begin(self) -> Result<Tx, StoreError> {
        match self {
            Self::InThread(connection) => {
                in_thread(&connection, "BEGIN IMMEDIATE")?;
                Ok(Tx::InThread(connection))
            }
        }
    }
}

impl Tx {
    /// Makes it so.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.commit_and_keep().await.map(drop)
    }

    /// Makes it so, and gives back a connection that was kept.
    pub(super) async fn commit_and_keep(self) -> Result<Option<Kept>, StoreError> {
        match self {
            Self::Sqlite(tx) => {
                tx.commit().await.map_err(StoreError::of_commit)?;
                Ok(None)
            }
            Self::InThread(connection) => {
                in_thread(&connection, "COMMIT").map_err(StoreError::of_commit)?;
                Ok(Some(Kept::InThread(connection)))
            }
        }
    }
}

fn in_thread(connection: &rusqlite::Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}
