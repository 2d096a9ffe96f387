//! Counters of failed sign-ins, for throttling. Keyed by hashes, and bounded in number: nobody can
//! fill the disk with made-up names.

use crate::directory::audit::AuditEvent;
use crate::directory::failures::{FORGOTTEN_AFTER, Failures, History};
use crate::directory::time::UnixTime;

use super::engine::{Tx, query};
use super::error::StoreError;
use super::write::again;
use super::{Store, hex};

/// So many counters are kept at most; beyond that the oldest make room.
const MOST_COUNTERS: i64 = 100_000;

/// The three counters that a sign-in touches.
struct Keys {
    account: String,
    source: String,
    pair: String,
}

impl Keys {
    fn of(account: &str, source: &str) -> Self {
        // Neither a sign-in name nor an address holds a NUL.
        let key = |kind: &str, value: &str| hex::sha256(format!("{kind}\0{value}").as_bytes());
        Self {
            account: key("account", account),
            source: key("source", source),
            pair: key("pair", &format!("{account}\0{source}")),
        }
    }
}

impl Store {
    /// What is known about failed sign-ins of this account ([`UserName::key`]) from this source.
    ///
    /// [`UserName::key`]: crate::directory::name::UserName::key
    pub async fn throttle(
        &self,
        account_key: &str,
        source: &str,
        now: UnixTime,
    ) -> Result<History, StoreError> {
        let keys = Keys::of(account_key, source);
        let rows: Vec<(String, i64, i64)> = query(
            "SELECT key_hash, failed, last_at FROM failures \
             WHERE key_hash IN (?, ?, ?) AND last_at > ?",
        )
        .bind(&keys.account)
        .bind(&keys.source)
        .bind(&keys.pair)
        .bind(now.minus(FORGOTTEN_AFTER).millis())
        .fetch_all(self.pool())
        .await?;
        let failures = |key: &str| {
            let row = rows.iter().find(|(found, _, _)| found == key);
            row.map(|(_, count, last_at)| Failures {
                count: u32::try_from(*count).unwrap_or(u32::MAX),
                last_at: Some(UnixTime::from_millis(*last_at)),
            })
            .unwrap_or_default()
        };
        Ok(History {
            account: failures(&keys.account),
            source: failures(&keys.source),
            pair: failures(&keys.pair),
        })
    }

    /// Counts a failed sign-in and writes its audit row.
    pub async fn sign_in_failed(
        &self,
        account_key: &str,
        source: &str,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        let keys = Keys::of(account_key, source);
        let first = again!(self.try_count(&keys, &event));
        match first {
            // Another node began the same counter at this moment: now it is there.
            Err(StoreError::Conflict) => again!(self.try_count(&keys, &event)),
            counted => counted,
        }
    }

    async fn try_count(&self, keys: &Keys, event: &AuditEvent) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        for (key, account) in [
            (&keys.account, Some(&keys.account)),
            (&keys.source, None),
            (&keys.pair, Some(&keys.account)),
        ] {
            count(&mut write.tx, key, account, event.at).await?;
        }
        write.note(event).await?;
        write.commit().await
    }

    /// Clears what throttles an account, whatever the source. Its audit row is written in any
    /// case. `false`: there was nothing to clear.
    pub async fn unlock(&self, account_key: &str, event: AuditEvent) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let cleared = query("DELETE FROM failures WHERE account_hash = ?")
            .bind(Keys::of(account_key, "").account)
            .execute(&mut write.tx)
            .await?;
        write.note(&event).await?;
        write.commit().await?;
        Ok(cleared > 0)
    }
}

/// A right password clears the account's counter and that of this pair. Other sources keep theirs:
/// whoever guesses from there gains nothing by the owner's sign-in.
pub(super) async fn clear(
    tx: &mut Tx,
    account_key: &str,
    source: Option<&str>,
) -> Result<(), StoreError> {
    let keys = Keys::of(account_key, source.unwrap_or_default());
    query("DELETE FROM failures WHERE key_hash IN (?, ?)")
        .bind(keys.account)
        .bind(keys.pair)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

async fn count(
    tx: &mut Tx,
    key: &str,
    account: Option<&String>,
    now: UnixTime,
) -> Result<(), StoreError> {
    let counted = query(
        "UPDATE failures SET failed = CASE WHEN last_at > ? THEN failed + 1 ELSE 1 END, \
         last_at = ? WHERE key_hash = ?",
    )
    .bind(now.minus(FORGOTTEN_AFTER).millis())
    .bind(now.millis())
    .bind(key)
    .execute(&mut *tx)
    .await?;
    if counted > 0 {
        return Ok(());
    }
    make_room(tx).await?;
    query("INSERT INTO failures (key_hash, account_hash, failed, last_at) VALUES (?, ?, 1, ?)")
        .bind(key)
        .bind(account)
        .bind(now.millis())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

async fn make_room(tx: &mut Tx) -> Result<(), StoreError> {
    let counters: i64 = query("SELECT COUNT(*) FROM failures")
        .fetch_one(&mut *tx)
        .await?;
    if counters < MOST_COUNTERS {
        return Ok(());
    }
    let oldest: Vec<String> = query("SELECT key_hash FROM failures ORDER BY last_at LIMIT 100")
        .fetch_all(&mut *tx)
        .await?;
    for key in oldest {
        query("DELETE FROM failures WHERE key_hash = ?")
            .bind(key)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
