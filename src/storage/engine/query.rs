//! The funnel that every statement goes through: its text, what is bound to it, and where it runs.

use std::sync::Arc;

use rusqlite::params_from_iter;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Executor, Sqlite};

use super::super::error::StoreError;
use super::connections::{Connections, Lent};
use super::open::{Patience, answered};
use super::row::{FromRow, Row};
use super::server::Server;
use super::value::Value;
use super::{Pool, TRIES, Tx};

/// A statement with what is bound to it.
#[derive(Debug)]
pub(in crate::storage) struct Query<'q> {
    text: &'static str,
    values: Vec<Value<'q>>,
    patience: Patience,
}

/// A statement: a literal in the portable subset (decision 12), with `?` for what is bound.
pub(in crate::storage) fn query<'q>(text: &'static str) -> Query<'q> {
    Query {
        text,
        values: Vec::new(),
        patience: Patience::Short,
    }
}

/// Where a statement runs: by itself, or within a transaction.
pub(in crate::storage) enum On<'e> {
    /// On any connection, committed by itself.
    Pool(&'e Pool),
    /// Within this transaction.
    Tx(&'e mut Tx),
}

impl<'e> From<&'e Pool> for On<'e> {
    fn from(pool: &'e Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'e> From<&'e mut Tx> for On<'e> {
    fn from(tx: &'e mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl<'q> Query<'q> {
    /// Binds the next value.
    pub(in crate::storage) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// What somebody may wait longer for: it reads everything that there is.
    pub(in crate::storage) fn patiently(mut self) -> Self {
        self.patience = Patience::Long;
        self
    }

    /// What takes as long as it takes: it counts everything that there is.
    pub(in crate::storage) fn at_leisure(mut self) -> Self {
        self.patience = Patience::Endless;
        self
    }

    /// Runs it; how many rows it met.
    pub(in crate::storage) async fn execute<'e>(
        self,
        on: impl Into<On<'e>>,
    ) -> Result<u64, StoreError> {
        match on.into() {
            On::Pool(Pool::Sqlite(sqlite)) => {
                let done = self.for_sqlite().execute(&sqlite.pool).await?;
                Ok(done.rows_affected())
            }
            On::Pool(Pool::Postgres(connections)) => self.execute_alone(connections).await,
            On::Pool(Pool::MySql(connections)) => self.execute_alone(connections).await,
            On::Tx(Tx::Sqlite(tx)) => {
                let done = self.for_sqlite().execute(&mut **tx).await?;
                Ok(done.rows_affected())
            }
            On::Tx(Tx::InThread(connection)) => {
                let mut statement = connection.prepare_cached(self.text)?;
                let met = statement.execute(params_from_iter(&self.values))?;
                Ok(u64::try_from(met).unwrap_or(u64::MAX))
            }
            On::Tx(Tx::Postgres(open)) => {
                open.execute(self.text, &self.values, self.patience).await
            }
            On::Tx(Tx::MySql(open)) => open.execute(self.text, &self.values, self.patience).await,
        }
    }

    /// All rows.
    pub(in crate::storage) async fn fetch_all<'e, T: FromRow>(
        self,
        on: impl Into<On<'e>>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.rows(on.into(), usize::MAX).await?;
        rows.iter().map(T::from_row).collect()
    }

    /// All rows, as the engine gives them.
    pub(in crate::storage) async fn fetch_rows<'e>(
        self,
        on: impl Into<On<'e>>,
    ) -> Result<Vec<Row>, StoreError> {
        self.rows(on.into(), usize::MAX).await
    }

    /// The first row, if there is one.
    pub(in crate::storage) async fn fetch_optional<'e, T: FromRow>(
        self,
        on: impl Into<On<'e>>,
    ) -> Result<Option<T>, StoreError> {
        let rows = self.rows(on.into(), 1).await?;
        rows.first().map(T::from_row).transpose()
    }

    /// The first row of a statement that always gives one.
    pub(in crate::storage) async fn fetch_one<'e, T: FromRow>(
        self,
        on: impl Into<On<'e>>,
    ) -> Result<T, StoreError> {
        let row = self.fetch_optional(on).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    async fn rows(self, on: On<'_>, most: usize) -> Result<Vec<Row>, StoreError> {
        match on {
            On::Pool(Pool::Sqlite(sqlite)) => {
                sqlite_rows(self.for_sqlite(), &sqlite.pool, most).await
            }
            On::Tx(Tx::Sqlite(tx)) => {
                let connection: &mut SqliteConnection = tx;
                sqlite_rows(self.for_sqlite(), connection, most).await
            }
            On::Tx(Tx::InThread(connection)) => self.in_thread(connection, most),
            On::Pool(Pool::Postgres(connections)) => self.rows_alone(connections, most).await,
            On::Pool(Pool::MySql(connections)) => self.rows_alone(connections, most).await,
            On::Tx(Tx::Postgres(open)) => {
                open.rows(self.text, &self.values, most, self.patience)
                    .await
            }
            On::Tx(Tx::MySql(open)) => {
                open.rows(self.text, &self.values, most, self.patience)
                    .await
            }
        }
    }

    /// A statement that is a transaction by itself, on a server. Where two such met and the server
    /// undid this one, it is tried again: it is data. Where no answer came, nobody knows.
    async fn execute_alone<S: Server>(
        &self,
        connections: &Arc<Connections<S>>,
    ) -> Result<u64, StoreError> {
        let mut tries = 1;
        loop {
            let mut lent = connections.lend().await?;
            let asked = S::execute(lent.connection(), self.text, &self.values);
            let done = answered(self.patience, asked).await;
            settle(lent, &done);
            match done {
                Err(StoreError::Deadlock) if tries < TRIES => tries += 1,
                Err(StoreError::Deadlock) => return Err(StoreError::Busy),
                Err(error) => return Err(error.after_asking_to_write()),
                done => return done,
            }
        }
    }

    /// Reading may be repeated: a connection that rested may turn out to be a broken one.
    async fn rows_alone<S: Server>(
        &self,
        connections: &Arc<Connections<S>>,
        most: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let mut tries = 1;
        loop {
            let mut lent = connections.lend().await?;
            let asked = S::rows(lent.connection(), self.text, &self.values, most);
            let read = answered(self.patience, asked).await;
            settle(lent, &read);
            match read {
                Err(error) if error.is_of_connection() && tries < TRIES => tries += 1,
                Err(StoreError::Deadlock) if tries < TRIES => tries += 1,
                read => return read,
            }
        }
    }

    fn in_thread(
        &self,
        connection: &rusqlite::Connection,
        most: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let mut statement = connection.prepare_cached(self.text)?;
        let width = statement.column_count();
        let mut found = statement.query(params_from_iter(&self.values))?;
        let mut rows = Vec::new();
        while rows.len() < most
            && let Some(row) = found.next()?
        {
            let cells = (0..width).map(|place| row.get(place));
            rows.push(Row::InThread(cells.collect::<Result<_, _>>()?));
        }
        Ok(rows)
    }

    fn for_sqlite(self) -> SqliteQuery {
        let query = sqlx::query(self.text);
        self.values
            .into_iter()
            .fold(query, |query, value| match value {
                Value::Int(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Blob(bytes) => query.bind(bytes),
            })
    }
}

/// A connection that answered goes back, also if the answer was no.
fn settle<S: Server, T>(lent: Lent<S>, answer: &Result<T, StoreError>) {
    match answer {
        Err(error) if !error.is_an_answer() => lent.suspect_others(),
        _ => {
            lent.give_back();
        }
    }
}

type SqliteQuery = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

async fn sqlite_rows<'e>(
    query: SqliteQuery,
    on: impl Executor<'e, Database = Sqlite>,
    most: usize,
) -> Result<Vec<Row>, StoreError> {
    let rows = if most == 1 {
        query.fetch_optional(on).await?.into_iter().collect()
    } else {
        query.fetch_all(on).await?
    };
    Ok(rows.into_iter().map(Row::Sqlite).collect())
}
