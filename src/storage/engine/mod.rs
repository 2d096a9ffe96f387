//! The engines behind [`Store`]: the only place that knows drivers (decision 42).
//!
//! Every statement is a [`query()`] that runs on the [`Pool`] by itself or within a [`Tx`]; nobody
//! else calls a driver, but for the one hot read on SQLite (decision 19).
//!
//! [`Store`]: super::Store

pub(super) mod answer;
mod connections;
mod migrating;
mod open;
mod product;
mod query;
mod row;
mod server;
mod settings;
mod sqlite;
mod value;

use std::sync::Arc;

use sqlx::{MySql, Postgres, Sqlite as SqliteDriver, Transaction};

use super::error::{DatabaseError, StoreError};
use connections::Lent;
use open::{Open, Patience};

pub use settings::Settings;
pub use sqlite::Durability;

pub(super) use connections::Connections;
pub(super) use migrating::Migrating;
pub(super) use product::Product;
pub(super) use query::{On, Query, query};
pub(super) use row::{Cells, Columns, FromRow, Row, columns};
pub(super) use server::Server;
pub(super) use sqlite::Sqlite;

/// How often something is tried that surely was not done: two transactions met, or the connection
/// was a broken one.
pub(super) const TRIES: u32 = 3;

/// The database behind a URL.
#[derive(Debug)]
pub(super) enum Pool {
    /// A file.
    Sqlite(Sqlite),
    /// PostgreSQL.
    Postgres(Arc<Connections<Postgres>>),
    /// `MySQL` or MariaDB.
    MySql(Arc<Connections<MySql>>),
}

/// A transaction. Dropped without [`Tx::commit`], it has not happened.
#[derive(Debug)]
pub(super) enum Tx {
    /// On a connection of sqlx's.
    Sqlite(Transaction<'static, SqliteDriver>),
    /// On a connection in this thread; what is not committed goes when it is closed.
    InThread(rusqlite::Connection),
    /// On PostgreSQL.
    Postgres(Open<Postgres>),
    /// On `MySQL` or MariaDB.
    MySql(Open<MySql>),
}

/// A connection that its holder keeps from one transaction to the next.
#[derive(Debug)]
pub(super) enum Kept {
    /// To a file, in this thread.
    InThread(rusqlite::Connection),
    /// To PostgreSQL.
    Postgres(Lent<Postgres>),
    /// To `MySQL` or MariaDB.
    MySql(Lent<MySql>),
}

const BEGIN: &[&str] = &["BEGIN"];

const FOLLOW_ROWS: &str = "\
    SELECT setval(pg_get_serial_sequence('audit_events', 'position'), \
    (SELECT COALESCE(MAX(position), 0) + 1 FROM audit_events), false)";

impl Pool {
    /// Opens the database of a `database_url`.
    pub(super) async fn open(url: &str, settings: Settings) -> Result<Self, StoreError> {
        settings.open(url).await
    }

    /// Whether it is a file of this machine.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// After rows were put in together with the numbers that the engine else gives: the next ones
    /// follow them. Only PostgreSQL keeps a counter that does not look at the rows.
    pub(super) async fn follow_filled_rows(&self) -> Result<(), StoreError> {
        if matches!(self, Self::Postgres(_)) {
            query(FOLLOW_ROWS).fetch_one::<i64>(self).await?;
        }
        Ok(())
    }

    /// Begins a transaction that may write.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            // IMMEDIATE: a transaction that read first could not become a writer later.
            Self::Sqlite(sqlite) => {
                let tx = sqlite.pool.begin_with("BEGIN IMMEDIATE").await?;
                Ok(Tx::Sqlite(tx))
            }
            Self::Postgres(connections) => Ok(Tx::Postgres(begin(connections, BEGIN).await?)),
            Self::MySql(connections) => Ok(Tx::MySql(begin(connections, BEGIN).await?)),
        }
    }

    /// Begins a transaction that only reads: everything in it is of one moment.
    pub(super) async fn snapshot(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(sqlite) => Ok(Tx::Sqlite(sqlite.pool.begin().await?)),
            Self::Postgres(connections) => {
                let open = begin(connections, Postgres::SNAPSHOT).await?;
                Ok(Tx::Postgres(open))
            }
            Self::MySql(connections) => Ok(Tx::MySql(begin(connections, MySql::SNAPSHOT).await?)),
        }
    }

    /// The same on a connection of its own, for one that reads so much that it may take its time, and
    /// does something else meanwhile.
    pub(super) async fn snapshot_at_leisure(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(_) => self.snapshot().await,
            Self::Postgres(connections) => {
                let open = begin_at_leisure(connections).await?;
                Ok(Tx::Postgres(open))
            }
            Self::MySql(connections) => Ok(Tx::MySql(begin_at_leisure(connections).await?)),
        }
    }

    /// A connection to be kept by one that writes all the time.
    pub(super) async fn connect(&self) -> Result<Kept, StoreError> {
        Ok(match self {
            Self::Sqlite(sqlite) => Kept::InThread(sqlite.writing_connection()?),
            Self::Postgres(connections) => Kept::Postgres(connections.lend_for_good().await?),
            Self::MySql(connections) => Kept::MySql(connections.lend_for_good().await?),
        })
    }

    /// Lets go of every connection.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => {
                sqlite.close_readers();
                sqlite.pool.close().await;
            }
            Self::Postgres(connections) => connections.close().await,
            Self::MySql(connections) => connections.close().await,
        }
    }

    /// The database's own time in milliseconds since 1970, where it is another machine's.
    pub(super) async fn now(&self) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(_) => query(Postgres::NOW).fetch_optional(self).await,
            Self::MySql(_) => query(MySql::NOW).fetch_optional(self).await,
        }
    }

    /// The version as the server writes it; none of a file.
    pub(super) async fn version(&self) -> Result<Option<String>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(_) => query(Postgres::VERSION).fetch_optional(self).await,
            Self::MySql(_) => query(MySql::VERSION).fetch_optional(self).await,
        }
    }
}

/// A connection that rested may turn out to be a broken one: nothing was asked on it yet, so the
/// next is tried.
async fn begin<S: Server>(
    connections: &Arc<Connections<S>>,
    words: &'static [&'static str],
) -> Result<Open<S>, StoreError> {
    let mut tries = 1;
    loop {
        match Open::begin(connections.lend().await?, words).await {
            Err(error) if error.is_of_connection() && tries < TRIES => tries += 1,
            begun => return begun,
        }
    }
}

/// On a connection that is nobody else's afterwards.
async fn begin_at_leisure<S: Server>(
    connections: &Arc<Connections<S>>,
) -> Result<Open<S>, StoreError> {
    let mut lent = connections.lend_for_good().await?;
    let said = S::say(lent.connection(), S::AT_LEISURE);
    open::answered(Patience::Short, said).await?;
    Open::begin(lent, S::SNAPSHOT).await
}

impl Kept {
    /// Whether it can be used once more; who keeps it does not notice that a server is gone, or is
    /// not the primary any more.
    pub(super) async fn is_good(&mut self) -> bool {
        match self {
            Self::InThread(_) => true,
            Self::Postgres(lent) => lent.is_good().await,
            Self::MySql(lent) => lent.is_good().await,
        }
    }

    /// Begins a transaction on it.
    pub(super) async fn begin(self) -> Result<Tx, StoreError> {
        match self {
            Self::InThread(connection) => {
                in_thread(&connection, "BEGIN IMMEDIATE")?;
                Ok(Tx::InThread(connection))
            }
            Self::Postgres(lent) => Ok(Tx::Postgres(Open::begin(lent, BEGIN).await?)),
            Self::MySql(lent) => Ok(Tx::MySql(Open::begin(lent, BEGIN).await?)),
        }
    }
}

impl Tx {
    /// Whether rows are committed in the order in which they are written.
    pub(super) fn commits_in_order(&self) -> bool {
        matches!(self, Self::Sqlite(_) | Self::InThread(_))
    }

    /// Makes it so.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.commit_and_keep().await.map(drop)
    }

    /// Makes it so, and gives back a connection that was kept.
    pub(super) async fn commit_and_keep(self) -> Result<Option<Kept>, StoreError> {
        match self {
            Self::Sqlite(tx) => {
                let committed = tx.commit().await;
                committed.map_err(|error| StoreError::unknown(DatabaseError::Sqlx(error)))?;
                Ok(None)
            }
            Self::InThread(connection) => {
                let committed = in_thread(&connection, "COMMIT");
                committed.map_err(|error| StoreError::unknown(DatabaseError::Rusqlite(error)))?;
                Ok(Some(Kept::InThread(connection)))
            }
            Self::Postgres(open) => Ok(open.commit().await?.map(Kept::Postgres)),
            Self::MySql(open) => Ok(open.commit().await?.map(Kept::MySql)),
        }
    }
}

fn in_thread(connection: &rusqlite::Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}
