//! Data keys and settings, all of them sealed before they get here.

use crate::directory::time::UnixTime;

use super::Store;
use super::engine::{Tx, query};
use super::error::StoreError;

/// A data key as the database holds it: wrapped by a master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDataKey {
    /// Counts up from 1; the highest is the current one.
    pub number: i64,
    /// Which master key wraps it.
    pub master_key_id: String,
    /// The wrapped key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: UnixTime,
}

impl Store {
    /// All data keys, the oldest first.
    pub async fn data_keys(&self) -> Result<Vec<StoredDataKey>, StoreError> {
        let rows: Vec<(i64, String, Vec<u8>, i64)> = query(
            "SELECT number, master_key_id, sealed, created_at FROM data_keys ORDER BY number",
        )
        .fetch_all(self.pool())
        .await?;
        let key = |(number, master_key_id, sealed, created_at)| StoredDataKey {
            number,
            master_key_id,
            sealed,
            created_at: UnixTime::from_millis(created_at),
        };
        Ok(rows.into_iter().map(key).collect())
    }

    /// Writes a data key under its number. `false`: another node was first with this number.
    pub async fn insert_data_key(&self, key: &StoredDataKey) -> Result<bool, StoreError> {
        let mut tx = self.write_unaudited().await?;
        let inserted = query(
            "INSERT INTO data_keys (number, master_key_id, sealed, created_at) VALUES (?, ?, ?, ?)",
        )
        .bind(key.number)
        .bind(&key.master_key_id)
        .bind(key.sealed.as_slice())
        .bind(key.created_at.millis())
        .execute(&mut tx)
        .await;
        was_first(tx, inserted).await
    }

    /// The value of a setting.
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        query("SELECT value FROM settings WHERE name = ?")
            .bind(name)
            .fetch_optional(self.pool())
            .await
    }

    /// Writes a setting that is written only once. `false`: another node was first.
    pub async fn insert_setting(&self, name: &str, value: &[u8]) -> Result<bool, StoreError> {
        let mut tx = self.write_unaudited().await?;
        let inserted = query("INSERT INTO settings (name, value) VALUES (?, ?)")
            .bind(name)
            .bind(value)
            .execute(&mut tx)
            .await;
        was_first(tx, inserted).await
    }
}

/// Whether the insert of a key that is written once was ours.
async fn was_first(tx: Tx, inserted: Result<u64, StoreError>) -> Result<bool, StoreError> {
    match inserted {
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error),
        Ok(_) => {
            tx.commit().await?;
            Ok(true)
        }
    }
}
