//! Work that one node at a time does.

use std::time::Duration;

use crate::directory::time::UnixTime;

use super::Store;
use super::engine::query;
use super::error::StoreError;

impl Store {
    /// Takes the lease of this name for so long; `false`: another node has it, or had it a moment
    /// ago. One that is never given back is how often something is done, by whichever node.
    pub async fn take_lease(
        &self,
        name: &str,
        length: Duration,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let until = now.plus(length).millis();
        let taken = query("UPDATE leases SET held_until = ? WHERE name = ? AND held_until <= ?")
            .bind(until)
            .bind(name)
            .bind(now.millis())
            .execute(self.pool())
            .await?;
        if taken == 1 {
            return Ok(true);
        }
        // Held, or never taken before: of several nodes that take it first, one writes the row.
        let first = query("INSERT INTO leases (name, held_until) VALUES (?, ?)")
            .bind(name)
            .bind(until)
            .execute(self.pool())
            .await;
        match first {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a lease back before it runs out.
    pub async fn give_lease_back(&self, name: &str) -> Result<(), StoreError> {
        query("UPDATE leases SET held_until = 0 WHERE name = ?")
            .bind(name)
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
