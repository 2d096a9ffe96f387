//! Bringing the schema up to date, and refusing one that is too new (decision 44).
//!
//! A schema that is newer than this program is fine as long as it says so: a version's migrations
//! only add, so that two adjacent versions run side by side on one database, and what the older one
//! needs is taken away by a later version, which writes down who can no longer live with it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};

use super::engine::{Connections, Migrating, Pool, Server, query};
use super::error::StoreError;

/// How often a migration of a file is tried again: two processes may start on one fresh database,
/// and the one that comes second finds its tables already there.
const TRIES: u32 = 20;

/// Where sqlx writes down what was applied.
const APPLIED: &str = "_sqlx_migrations";

/// Applies the migrations that the database has not seen yet.
pub(super) async fn migrate(pool: &Pool) -> Result<(), StoreError> {
    let known = match pool {
        Pool::Sqlite(sqlite) => {
            let migrator = tolerant(sqlx::migrate!("migrations/sqlite"));
            let mut tries = 1;
            loop {
                match migrator.run(&sqlite.pool).await {
                    Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..))
                        if tries < TRIES =>
                    {
                        tries += 1;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    done => break done.map_err(refusal)?,
                }
            }
            last_of(&migrator)
        }
        Pool::Postgres(connections) => {
            let migrator = tolerant(sqlx::migrate!("migrations/postgres"));
            on_server(connections, migrator).await?
        }
        Pool::MySql(connections) => {
            let migrator = tolerant(sqlx::migrate!("migrations/mysql"));
            on_server(connections, migrator).await?
        }
    };
    refuse_what_is_too_new(pool, known).await
}

/// What a newer program has added does not stop this one by itself.
fn tolerant(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true);
    migrator
}

fn last_of(migrator: &Migrator) -> i64 {
    let numbers = migrator.iter().map(|migration| migration.version);
    numbers.max().unwrap_or_default()
}

/// Of several nodes that start at once one applies, under a lock of the server's that goes with its
/// connection; the others wait and find it done. The number of the last migration that is known.
async fn on_server<S: Server>(
    connections: &Arc<Connections<S>>,
    mut migrator: Migrator,
) -> Result<i64, StoreError>
where
    S::Connection: Migrate,
{
    let mut migrating = Migrating::begin(connections).await?;
    let connection = migrating.connection();
    connection
        .ensure_migrations_table(APPLIED)
        .await
        .map_err(refusal)?;
    // On MySQL each statement of a migration is committed by itself. One that died half-way is run
    // again: its statements find out what was done.
    if let Some(half) = connection.dirty_version(APPLIED).await.map_err(refusal)? {
        migrating.forget_half(half).await?;
    }
    migrator.set_locking(false);
    migrator
        .run_direct(None, migrating.connection(), false)
        .await
        .map_err(refusal)?;
    Ok(last_of(&migrator))
}

async fn refuse_what_is_too_new(pool: &Pool, known: i64) -> Result<(), StoreError> {
    let oldest: Option<(i64, String)> =
        query("SELECT oldest_migration, oldest_program FROM schema_compatibility WHERE id = 1")
            .fetch_optional(pool)
            .await?;
    match oldest {
        Some((migration, program)) if migration > known => Err(StoreError::NewerSchema { program }),
        _ => Ok(()),
    }
}

fn refusal(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(cause) => StoreError::from(cause),
        other => StoreError::Migration(Box::new(other)),
    }
}
