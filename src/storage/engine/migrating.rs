//! A connection that changes the schema, alone among all nodes.

use std::sync::Arc;
use std::time::Duration;

use super::super::error::StoreError;
use super::connections::Connections;
use super::server::Server;
use super::value::Value;

/// How often, and how far apart, the lock is tried: two minutes together. Another node may be at it.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(200);

const FORGET: &str = "DELETE FROM _sqlx_migrations WHERE version = ? AND success = FALSE";

/// A connection that holds the server's lock. Dropped, it is closed, and the lock is free.
pub(in crate::storage) struct Migrating<S: Server>(S::Connection);

impl<S: Server> Migrating<S> {
    /// Takes the lock.
    pub(in crate::storage) async fn begin(
        connections: &Arc<Connections<S>>,
    ) -> Result<Self, StoreError> {
        let mut connection = connections.connect().await?;
        S::say(&mut connection, S::FOR_MIGRATION).await?;
        for _ in 0..TRIES {
            let locked = S::rows(&mut connection, S::LOCK, &[], 1).await?;
            if locked.first().map(|row| row.get::<i64>(0)).transpose()? == Some(1) {
                return Ok(Self(connection));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(StoreError::Busy)
    }

    /// The connection itself.
    pub(in crate::storage) fn connection(&mut self) -> &mut S::Connection {
        &mut self.0
    }

    /// Forgets that a migration was begun, so that it is run again.
    pub(in crate::storage) async fn forget_half(&mut self, version: i64) -> Result<(), StoreError> {
        let half = [Value::from(version)];
        S::execute(&mut self.0, FORGET, &half).await?;
        Ok(())
    }
}
