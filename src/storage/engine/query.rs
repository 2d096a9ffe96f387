//! The funnel that every statement goes through: its text, what is bound to it, and where it runs.

use rusqlite::params_from_iter;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Executor, Sqlite};

use super::super::error::StoreError;
use super::row::{FromRow, Row};
use super::value::Value;
use super::{Pool, Tx};

/// A statement with what is bound to it.
#[derive(Debug)]
pub(in crate::storage) struct Query<'q> {
    text: &'static str,
    values: Vec<Value<'q>>,
}

/// A statement: a literal in the portable subset (decision 12), with `?` for what is bound.
pub(in crate::storage) fn query<'q>(text: &'static str) -> Query<'q> {
    Query {
        text,
        values: Vec::new(),
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
            On::Tx(Tx::Sqlite(tx)) => {
                let done = self.for_sqlite().execute(&mut **tx).await?;
                Ok(done.rows_affected())
            }
            On::Tx(Tx::InThread(connection)) => {
                let mut statement = connection.prepare_cached(self.text)?;
                let met = statement.execute(params_from_iter(&self.values))?;
                Ok(u64::try_from(met).unwrap_or(u64::MAX))
            }
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
