//! Our own keys for what SPs encrypt to us, sealed before they get here.

use crate::directory::audit::AuditEvent;
use crate::directory::name::KeyId;
use crate::directory::time::UnixTime;

use super::Store;
use super::engine::query;
use super::error::StoreError;

/// A key for decryption as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEncryptionKey {
    /// Its id.
    pub id: KeyId,
    /// Whether it is the one that metadata publishes.
    pub is_current: bool,
    /// What it is: `rsa3072`.
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

type Row = (String, Option<i64>, String, Vec<u8>, Vec<u8>, i64, i64);

impl Store {
    /// All keys for decryption, the current one first, then the newest.
    pub async fn encryption_keys(&self) -> Result<Vec<StoredEncryptionKey>, StoreError> {
        let rows: Vec<Row> = query(
            "SELECT id, current_slot, algorithm, certificate, sealed_private_key, created_at, \
             not_after FROM encryption_keys ORDER BY created_at DESC, id",
        )
        .fetch_all(self.pool())
        .await?;
        let key = |row: Row| {
            let (id, slot, algorithm, certificate, sealed, created_at, not_after) = row;
            StoredEncryptionKey {
                id: KeyId::from_stored(id),
                is_current: slot.is_some(),
                algorithm,
                certificate,
                sealed_private_key: sealed,
                created_at: UnixTime::from_millis(created_at),
                not_after: UnixTime::from_millis(not_after),
            }
        };
        let mut keys: Vec<_> = rows.into_iter().map(key).collect();
        keys.sort_by_key(|key| !key.is_current);
        Ok(keys)
    }

    /// Writes the first current key. `false`: there is one, perhaps another node's of this very
    /// moment; the loser takes that one.
    pub async fn insert_encryption_key(
        &self,
        key: &StoredEncryptionKey,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let inserted = query(
            "INSERT INTO encryption_keys (id, current_slot, algorithm, certificate, \
             sealed_private_key, created_at, not_after) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(key.id.as_str())
        .bind(key.is_current.then_some(1_i64))
        .bind(&key.algorithm)
        .bind(key.certificate.as_slice())
        .bind(key.sealed_private_key.as_slice())
        .bind(key.created_at.millis())
        .bind(key.not_after.millis())
        .execute(&mut write.tx)
        .await;
        match inserted {
            Err(StoreError::Conflict) => return Ok(false),
            done => done?,
        };
        write.note(&event).await?;
        write.commit().await?;
        Ok(true)
    }
}
