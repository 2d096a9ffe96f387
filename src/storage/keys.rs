//! Data keys, signing keys and settings, all of them sealed before they get here.

use crate::directory::audit::AuditEvent;
use crate::directory::name::KeyId;
use crate::directory::time::UnixTime;

use super::Store;
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

/// A signing key as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its id.
    pub id: KeyId,
    /// `active`, or another word once there is rollover.
    pub state: String,
    /// What it is: `rsa3072`, `p256` and so on.
    pub algorithm: String,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The private key, sealed under a data key.
    pub sealed_private_key: Vec<u8>,
    /// When it was made.
    pub created_at: UnixTime,
    /// When its certificate ends.
    pub not_after: UnixTime,
}

/// The state of the one key that signs.
pub const ACTIVE: &str = "active";

type SigningKeyRow = (String, String, String, Vec<u8>, Vec<u8>, i64, i64);

impl Store {
    /// All data keys, the oldest first.
    pub async fn data_keys(&self) -> Result<Vec<StoredDataKey>, StoreError> {
        let rows: Vec<(i64, String, Vec<u8>, i64)> = sqlx::query_as(
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
        let inserted = sqlx::query(
            "INSERT INTO data_keys (number, master_key_id, sealed, created_at) VALUES (?, ?, ?, ?)",
        )
        .bind(key.number)
        .bind(&key.master_key_id)
        .bind(key.sealed.as_slice())
        .bind(key.created_at.millis())
        .execute(&mut *tx)
        .await;
        was_first(tx, inserted).await
    }

    /// The value of a setting.
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT value FROM settings WHERE name = ?")
                .bind(name)
                .fetch_optional(self.pool())
                .await?,
        )
    }

    /// Writes a setting that is written only once. `false`: another node was first.
    pub async fn insert_setting(&self, name: &str, value: &[u8]) -> Result<bool, StoreError> {
        let mut tx = self.write_unaudited().await?;
        let inserted = sqlx::query("INSERT INTO settings (name, value) VALUES (?, ?)")
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await;
        was_first(tx, inserted).await
    }

    /// All signing keys, the oldest first.
    pub async fn signing_keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let rows: Vec<SigningKeyRow> = sqlx::query_as(
            "SELECT id, state, algorithm, certificate, sealed_private_key, created_at, not_after \
             FROM signing_keys ORDER BY created_at, id",
        )
        .fetch_all(self.pool())
        .await?;
        let key = |row: SigningKeyRow| {
            let (id, state, algorithm, certificate, sealed, created_at, not_after) = row;
            StoredKey {
                id: KeyId::from_stored(id),
                state,
                algorithm,
                certificate,
                sealed_private_key: sealed,
                created_at: UnixTime::from_millis(created_at),
                not_after: UnixTime::from_millis(not_after),
            }
        };
        Ok(rows.into_iter().map(key).collect())
    }

    /// Writes the active signing key. `false`: there is an active one, perhaps another node's of
    /// this very moment; the loser takes that one.
    pub async fn insert_signing_key(
        &self,
        key: &StoredKey,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let inserted = sqlx::query(
            "INSERT INTO signing_keys (id, state, active_slot, algorithm, certificate, \
             sealed_private_key, created_at, not_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(key.id.as_str())
        .bind(&key.state)
        .bind((key.state == ACTIVE).then_some(1_i64))
        .bind(&key.algorithm)
        .bind(key.certificate.as_slice())
        .bind(key.sealed_private_key.as_slice())
        .bind(key.created_at.millis())
        .bind(key.not_after.millis())
        .execute(&mut *write.tx)
        .await;
        match inserted.map_err(StoreError::from) {
            Err(StoreError::Conflict) => return Ok(false),
            done => done?,
        };
        write.note(&event).await?;
        write.commit().await?;
        Ok(true)
    }
}

/// Whether the insert of a key that is written once was ours.
async fn was_first<T>(
    tx: sqlx::Transaction<'static, sqlx::Sqlite>,
    inserted: Result<T, sqlx::Error>,
) -> Result<bool, StoreError> {
    match inserted.map_err(StoreError::from) {
        Err(StoreError::Conflict) => Ok(false),
        Err(error) => Err(error),
        Ok(_) => {
            tx.commit().await.map_err(StoreError::of_commit)?;
            Ok(true)
        }
    }
}
