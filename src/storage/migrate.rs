//! Bringing the schema up to date.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};

use super::engine::Pool;
use super::error::StoreError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

/// How often a migration is tried again: two processes may start on one fresh database, and the
/// one that comes second finds its tables already there.
const TRIES: u32 = 20;

/// Applies the migrations that the database has not seen yet.
pub(super) async fn migrate(pool: &Pool) -> Result<(), StoreError> {
    let Pool::Sqlite(sqlite) = pool;
    for _ in 1..TRIES {
        match SQLITE.run(&sqlite.pool).await {
            Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            done => return done.map_err(refusal),
        }
    }
    SQLITE.run(&sqlite.pool).await.map_err(refusal)
}

fn refusal(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(found) => StoreError::NewerSchema { found },
        other => StoreError::Migration(Box::new(other)),
    }
}
