//! From a `database_url` to the database behind it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::super::error::StoreError;
use super::Pool;
use super::connections::Connections;
use super::sqlite::{Durability, Sqlite};

/// Statements whose plans a connection keeps: more than there are.
const STATEMENTS: usize = 200;

/// How the database is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What a commit to a file promises; a server has its own settings for it.
    pub durability: Durability,
    /// Connections to a server at most, beside the one of the grouped writer.
    pub connections: u32,
    /// How long a connection to a server is used at most. So long after another server has become
    /// the primary, nothing is read from the one that it was before.
    pub oldest_connection: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            connections: 8,
            oldest_connection: Duration::from_mins(1),
        }
    }
}

impl Settings {
    /// Makes a file that is not there; a server is asked for the first time when it is needed.
    pub(super) async fn open(self, url: &str) -> Result<Pool, StoreError> {
        // What follows the scheme may hold a password, so no error shows more than the scheme.
        let scheme = url.split(':').next().unwrap_or_default();
        let unreadable = |cause: sqlx::Error| StoreError::BadUrl {
            scheme: scheme.to_owned(),
            cause: without_url(&cause),
        };
        match scheme {
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(unreadable)?;
                let options = options
                    .statement_cache_capacity(STATEMENTS)
                    .disable_statement_logging();
                let options = if options.get_application_name().is_none() {
                    options.application_name("doorward")
                } else {
                    options
                };
                let connections =
                    Connections::new(options, self.connections, self.oldest_connection);
                Ok(Pool::Postgres(Arc::new(connections)))
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(url).map_err(unreadable)?;
                let options = options
                    .statement_cache_capacity(STATEMENTS)
                    .disable_statement_logging();
                let connections =
                    Connections::new(options, self.connections, self.oldest_connection);
                Ok(Pool::MySql(Arc::new(connections)))
            }
            _ => Ok(Pool::Sqlite(Sqlite::open(url, self.durability).await?)),
        }
    }
}

/// Of a URL that cannot be read the driver says what is wrong, never the URL itself.
fn without_url(cause: &sqlx::Error) -> String {
    match cause {
        sqlx::Error::Configuration(cause) => cause.to_string(),
        _ => "it cannot be read".to_owned(),
    }
}
