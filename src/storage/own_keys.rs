//! Our own keys and their states: those that sign and those that are encrypted to. Every change
//! counts the key version up, so that each node knows at the next request that what it has in memory
//! is stale (decision 4).

use crate::directory::audit::AuditEvent;
use crate::directory::name::KeyId;
use crate::directory::signing_key::{KeyState, KeyUse};
use crate::directory::time::UnixTime;

use super::Store;
use super::engine::{columns, query};
use super::error::{Column, StoreError};
use super::write::{Write, again};

/// A key of ours as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its id.
    pub id: KeyId,
    /// What it is for.
    pub key_use: KeyUse,
    /// Where it stands.
    pub state: KeyState,
    /// Since when it has been there.
    pub state_since: UnixTime,
    /// What it is: `rsa3072`, `p256` and so on.
    pub algorithm: String,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The private key, sealed under a data key.
    pub sealed_private_key: Vec<u8>,
    /// When it came into the database.
    pub created_at: UnixTime,
    /// When its certificate ends.
    pub not_after: UnixTime,
}

/// All of our keys as they stood at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKeys {
    /// The key version of that moment.
    pub version: i64,
    /// The keys, those that sign first, and the oldest of each use.
    pub keys: Vec<StoredKey>,
}

impl StoredKeys {
    /// Those for one use.
    #[must_use]
    pub fn only(mut self, key_use: KeyUse) -> Self {
        self.keys.retain(|key| key.key_use == key_use);
        self
    }
}

/// What came of activating a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activated {
    /// It is the active one now, and the one before is retiring.
    Done,
    /// It was active already.
    WasSo,
    /// There is no such key (any more).
    Unknown,
}

/// The number and the keys in one statement, hence of one moment.
const KEYS: &str = "\
    SELECT v.version, k.key_use, k.id, k.state, k.state_since, k.algorithm, k.certificate, \
    k.sealed_private_key, k.created_at, k.not_after FROM signing_key_version v LEFT JOIN ( \
    SELECT 'signing' AS key_use, id, state, state_since, algorithm, certificate, \
    sealed_private_key, created_at, not_after FROM signing_keys UNION ALL \
    SELECT 'encryption', id, state, state_since, algorithm, certificate, \
    sealed_private_key, created_at, not_after FROM encryption_keys) k ON v.id = 1 \
    ORDER BY k.created_at, k.id";

const HELD: &str = "\
    SELECT s.name FROM sp_signing_keys k JOIN service_providers s ON s.id = k.sp_id \
    WHERE k.key_id = ? ORDER BY s.name";

/// The same statements for the table of each use. Its slot is 1 for the active key and NULL for the
/// others, so that there is one active key at most.
struct Statements {
    insert: &'static str,
    state: &'static str,
    step_down: &'static str,
    step_up: &'static str,
    remove: &'static str,
}

macro_rules! statements {
    ($table:literal, $slot:literal) => {
        Statements {
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (id, state, state_since, ",
                $slot,
                ", algorithm, certificate, sealed_private_key, created_at, not_after) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            ),
            state: concat!("SELECT state FROM ", $table, " WHERE id = ?"),
            step_down: concat!(
                "UPDATE ",
                $table,
                " SET state = 'retiring', state_since = ?, ",
                $slot,
                " = NULL WHERE state = 'active'"
            ),
            step_up: concat!(
                "UPDATE ",
                $table,
                " SET state = 'active', state_since = ?, ",
                $slot,
                " = 1 WHERE id = ?"
            ),
            remove: concat!(
                "DELETE FROM ",
                $table,
                " WHERE id = ? AND state <> 'active'"
            ),
        }
    };
}

static SIGNING: Statements = statements!("signing_keys", "active_slot");
static ENCRYPTION: Statements = statements!("encryption_keys", "current_slot");

impl Statements {
    fn of(key_use: KeyUse) -> &'static Self {
        match key_use {
            KeyUse::Signing => &SIGNING,
            KeyUse::Encryption => &ENCRYPTION,
        }
    }
}

columns! {
    #[derive(Debug)]
    struct Row {
        version: i64,
        key_use: Option<String>,
        id: Option<String>,
        state: Option<String>,
        state_since: Option<i64>,
        algorithm: Option<String>,
        certificate: Option<Vec<u8>>,
        sealed_private_key: Option<Vec<u8>>,
        created_at: Option<i64>,
        not_after: Option<i64>,
    }
}

impl Row {
    /// The key of this row; `None` stands for tables without keys.
    fn key(self) -> Result<Option<StoredKey>, StoreError> {
        let Some(id) = self.id else { return Ok(None) };
        let column = |name| Column("signing_keys", name).inconsistent();
        let state = self.state.as_deref().and_then(KeyState::parse);
        let key_use = self.key_use.as_deref().and_then(KeyUse::parse);
        let instant = |millis: Option<i64>| UnixTime::from_millis(millis.unwrap_or_default());
        Ok(Some(StoredKey {
            id: KeyId::from_stored(id),
            key_use: key_use.ok_or_else(|| column("key_use"))?,
            state: state.ok_or_else(|| column("state"))?,
            state_since: instant(self.state_since),
            algorithm: self.algorithm.ok_or_else(|| column("algorithm"))?,
            certificate: self.certificate.ok_or_else(|| column("certificate"))?,
            sealed_private_key: self
                .sealed_private_key
                .ok_or_else(|| column("sealed_private_key"))?,
            created_at: instant(self.created_at),
            not_after: instant(self.not_after),
        }))
    }
}

impl Store {
    /// All of our keys and their version.
    pub async fn own_keys(&self) -> Result<StoredKeys, StoreError> {
        let rows: Vec<Row> = query(KEYS).fetch_all(self.pool()).await?;
        let version = rows.first().map(|row| row.version);
        let version =
            version.ok_or_else(|| Column("signing_key_version", "version").inconsistent())?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            keys.extend(row.key()?);
        }
        keys.sort_by_key(|key| key.key_use == KeyUse::Encryption);
        Ok(StoredKeys { version, keys })
    }

    /// Those that sign.
    pub async fn signing_keys(&self) -> Result<StoredKeys, StoreError> {
        Ok(self.own_keys().await?.only(KeyUse::Signing))
    }

    /// The key version alone, for answers that need no facts.
    pub async fn signing_key_version(&self) -> Result<i64, StoreError> {
        let version = query("SELECT version FROM signing_key_version WHERE id = 1")
            .fetch_optional(self.pool())
            .await?;
        version.ok_or_else(|| Column("signing_key_version", "version").inconsistent())
    }

    /// The names of the SPs that are held at this key.
    pub async fn sps_held_at(&self, id: &KeyId) -> Result<Vec<String>, StoreError> {
        query(HELD).bind(id.as_str()).fetch_all(self.pool()).await
    }

    /// The certificates of all SPs, each beside its SP's name.
    pub async fn sp_certificates(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        query(
            "SELECT s.name, k.der FROM service_providers s JOIN sp_keys k ON k.sp_id = s.id \
             WHERE k.kind = 'certificate' UNION SELECT s.name, e.der FROM service_providers s \
             JOIN sp_encryption_keys e ON e.sp_id = s.id WHERE e.kind = 'certificate' ORDER BY 1",
        )
        .fetch_all(self.pool())
        .await
    }

    /// Writes a key in its state. `false`: it is to be active and there is an active one, perhaps
    /// another node's of this very moment; the loser takes that one.
    pub async fn insert_key(&self, key: &StoredKey, event: AuditEvent) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            count_up(&mut write).await?;
            let inserted = query(Statements::of(key.key_use).insert)
                .bind(key.id.as_str())
                .bind(key.state.word())
                .bind(key.state_since.millis())
                .bind((key.state == KeyState::Active).then_some(1_i64))
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
        })
    }

    /// Makes a key the active one of its use; the one before is retiring from then on. SPs that are
    /// held at a key stay there.
    pub async fn activate_key(
        &self,
        key_use: KeyUse,
        id: &KeyId,
        event: AuditEvent,
    ) -> Result<Activated, StoreError> {
        let statements = Statements::of(key_use);
        again!(async {
            let mut write = self.write().await?;
            count_up(&mut write).await?;
            let state: Option<String> = query(statements.state)
                .bind(id.as_str())
                .fetch_optional(&mut write.tx)
                .await?;
            match state.as_deref() {
                None => return Ok(Activated::Unknown),
                Some(word) if word == KeyState::Active.word() => return Ok(Activated::WasSo),
                Some(_) => {}
            }
            let now = event.at.millis();
            // The slot is free before it is taken.
            query(statements.step_down)
                .bind(now)
                .execute(&mut write.tx)
                .await?;
            query(statements.step_up)
                .bind(now)
                .bind(id.as_str())
                .execute(&mut write.tx)
                .await?;
            write.note(&event).await?;
            write.commit().await?;
            Ok(Activated::Done)
        })
    }

    /// Removes a key that is not active and that no SP is held at: [`StoreError::KeyInUse`] names
    /// one that is. `false`: there is no such key, or it is active.
    pub async fn remove_key(
        &self,
        key_use: KeyUse,
        id: &KeyId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            count_up(&mut write).await?;
            let held: Option<String> = query(HELD)
                .bind(id.as_str())
                .fetch_optional(&mut write.tx)
                .await?;
            if let Some(sp) = held {
                return Err(StoreError::KeyInUse { sp });
            }
            let removed = query(Statements::of(key_use).remove)
                .bind(id.as_str())
                .execute(&mut write.tx)
                .await;
            // An SP was held at it meanwhile.
            if matches!(removed, Err(StoreError::Dangling)) {
                drop(write);
                let held = self.sps_held_at(id).await?.into_iter().next();
                return Err(held.map_or(StoreError::Conflict, |sp| StoreError::KeyInUse { sp }));
            }
            let removed = removed?;
            if removed == 0 {
                return Ok(false);
            }
            write.note(&event).await?;
            write.commit().await?;
            Ok(true)
        })
    }
}

/// Done first: whoever else changes the keys waits until this one has ended (decision 43).
async fn count_up(write: &mut Write<'_>) -> Result<(), StoreError> {
    query("UPDATE signing_key_version SET version = version + 1 WHERE id = 1")
        .execute(&mut write.tx)
        .await?;
    Ok(())
}
