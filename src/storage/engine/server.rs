//! What PostgreSQL and `MySQL` (and MariaDB) have in common, and each driver's own words for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{AssertSqlSafe, Database, Executor, MySql, Postgres, SqlSafeStr, SqlStr};

use super::row::Row;
use super::value::Value;

/// An engine behind a network.
pub(in crate::storage) trait Server: Database {
    /// What every connection is told first.
    const SET_UP: &'static str;
    /// The server's time in milliseconds since 1970.
    const NOW: &'static str;
    /// One row: the version as the server writes it.
    const VERSION: &'static str;
    /// One row: 0 from a server that takes writes, another number from a standby.
    const READ_ONLY: &'static str;
    /// Begins a transaction that reads, and all of one moment.
    const SNAPSHOT: &'static [&'static str];
    /// What a connection is told that reads everything, and waits for others in between.
    const AT_LEISURE: &'static str;

    /// What a connection is told that changes the schema.
    const FOR_MIGRATION: &'static str;
    /// Takes the lock of those who change the schema, for as long as the connection lives: gives 1,
    /// or another number while somebody else has it.
    const LOCK: &'static str;

    /// The statement as this engine writes it.
    fn written(text: &'static str) -> SqlStr;

    /// Runs a statement; how many rows it met.
    fn execute(
        connection: &mut Self::Connection,
        text: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a statement; its rows, or the first one alone.
    fn rows(
        connection: &mut Self::Connection,
        text: &'static str,
        values: &[Value<'_>],
        most: usize,
    ) -> impl Future<Output = Result<Vec<Row>, sqlx::Error>> + Send;

    /// Runs what is no prepared statement: BEGIN, COMMIT, SET.
    fn say(
        connection: &mut Self::Connection,
        text: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Prepares a fresh connection.
    fn set_up(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send {
        Self::say(connection, Self::SET_UP)
    }
}

macro_rules! server {
    ($engine:ident, $row:path) => {
        fn execute(
            connection: &mut Self::Connection,
            text: &'static str,
            values: &[Value<'_>],
        ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send {
            let query = server!(@bound $engine, text, values);
            async move { Ok(connection.execute(query).await?.rows_affected()) }
        }

        fn rows(
            connection: &mut Self::Connection,
            text: &'static str,
            values: &[Value<'_>],
            most: usize,
        ) -> impl Future<Output = Result<Vec<Row>, sqlx::Error>> + Send {
            let query = server!(@bound $engine, text, values);
            async move {
                let rows = if most == 1 {
                    connection.fetch_optional(query).await?.into_iter().collect()
                } else {
                    connection.fetch_all(query).await?
                };
                Ok(rows.into_iter().map($row).collect())
            }
        }

        async fn say(
            connection: &mut Self::Connection,
            text: &'static str,
        ) -> Result<(), sqlx::Error> {
            connection.execute(text).await.map(drop)
        }
    };
    (@bound $engine:ident, $text:ident, $values:ident) => {
        $values.iter().fold(
            sqlx::query::<$engine>(Self::written($text)),
            |query, value| match value {
                Value::Int(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_deref()),
                Value::Blob(bytes) => query.bind(bytes.as_deref()),
            },
        )
    };
}

impl Server for Postgres {
    // What hangs on a lock or on a dead client ends, and is told to people as "try again".
    const SET_UP: &'static str = "\
        SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; \
        SET lock_timeout = '2s'; SET statement_timeout = '60s'; \
        SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = 'warning'";
    const NOW: &'static str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    const VERSION: &'static str = "SELECT CAST(current_setting('server_version') AS TEXT)";
    // Whether it follows another server, or was told to take no writes.
    const READ_ONLY: &'static str =
        "SELECT CASE WHEN current_setting('transaction_read_only') = 'off' THEN 0 ELSE 1 END";
    const SNAPSHOT: &'static [&'static str] = &["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"];
    const AT_LEISURE: &'static str =
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = '10min'";
    const FOR_MIGRATION: &'static str = "SET statement_timeout = 0";
    // A number of ours; such a lock is of one database.
    const LOCK: &'static str =
        "SELECT CASE WHEN pg_try_advisory_lock(7240126031587) THEN 1 ELSE 0 END";

    fn written(text: &'static str) -> SqlStr {
        // By the place of the literal: comparing long texts would cost more than numbering them.
        static NUMBERED: Mutex<Option<Numbered>> = Mutex::new(None);
        // A map is as good after a panic as before.
        let mut known = NUMBERED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        let literal = (text.as_ptr().addr(), text.len());
        let written = known
            .entry(literal)
            .or_insert_with(|| numbered(text).into());
        // Made of a literal by numbering its places; nothing else is ever put in.
        AssertSqlSafe(Arc::clone(written)).into_sql_str()
    }

    server!(Postgres, Row::Postgres);
}

impl Server for MySql {
    // READ COMMITTED as on PostgreSQL; strict, so that nothing is cut to fit. What comes after /*M!
    // is for MariaDB alone, after /*!80000 for MySQL alone: how each ends a dead client's
    // transaction.
    const SET_UP: &'static str = "\
        SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
        SESSION innodb_lock_wait_timeout = 2 \
        /*M! , SESSION idle_transaction_timeout = 10 */ /*!80000 , SESSION wait_timeout = 60 */, \
        SESSION lock_wait_timeout = 2; \
        SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
    const NOW: &'static str = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)";
    const VERSION: &'static str = "SELECT VERSION()";
    // As of MariaDB 12 it is a word, before it is a number.
    const READ_ONLY: &'static str =
        "SELECT CASE WHEN CAST(@@global.read_only AS CHAR) IN ('0', 'OFF') THEN 0 ELSE 1 END";
    const SNAPSHOT: &'static [&'static str] = &[
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ];
    const AT_LEISURE: &'static str =
        "SET SESSION wait_timeout = 600 /*M! , SESSION idle_transaction_timeout = 600 */";
    const FOR_MIGRATION: &'static str = "SET SESSION lock_wait_timeout = 60";
    // Such a lock is of the whole server.
    const LOCK: &'static str =
        "SELECT COALESCE(GET_LOCK(CONCAT('doorward ', SHA1(DATABASE())), 0), 0)";

    fn written(text: &'static str) -> SqlStr {
        text.into_sql_str()
    }

    server!(MySql, Row::MySql);
}

/// By address and length of the literal.
type Numbered = HashMap<(usize, usize), Arc<str>>;

/// A statement with its places numbered, as PostgreSQL writes them. A `?` in a statement is always
/// a place: what is text is bound.
fn numbered(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 16);
    let mut parts = text.split('?');
    written.extend(parts.next());
    for (number, part) in (1..).zip(parts) {
        written.push('$');
        written.push_str(&u32::to_string(&number));
        written.push_str(part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered_in_their_order() {
        assert_eq!(numbered("SELECT 1"), "SELECT 1");
        assert_eq!(
            numbered("UPDATE a SET b = ? WHERE c = ? OR ? = ''"),
            "UPDATE a SET b = $1 WHERE c = $2 OR $3 = ''"
        );
    }
}
