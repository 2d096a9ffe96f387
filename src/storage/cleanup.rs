//! Removing what has expired, in small batches, by one node at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::failures::FORGOTTEN_AFTER;
use crate::directory::session::SessionLimits;
use crate::directory::time::UnixTime;

use super::Store;
use super::engine::query;
use super::error::StoreError;
use super::write::again;

/// Rows that one transaction removes at most.
const BATCH: i64 = 500;

/// Sessions that one transaction removes at most: with each go its participants and their NameIDs.
const SESSIONS: i64 = 100;

// Each by an index of its own; one condition with OR would read every session there is.
const UNUSED: &str =
    "SELECT id FROM sessions WHERE last_seen_at <= ? ORDER BY last_seen_at LIMIT ?";
const TOO_OLD: &str = "SELECT id FROM sessions WHERE started_at <= ? ORDER BY started_at LIMIT ?";

/// How long a logout is remembered: an SP that asks again within it hears that it is done.
const LOGOUTS_KEPT: Duration = Duration::from_hours(24);

/// A node that cleans up is alone with it for so long, also if it dies over it.
const LEASE: Duration = Duration::from_mins(1);

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// Sessions that had ended, with their participants.
    pub sessions: u64,
    /// Counters of failed sign-ins that had rested long enough.
    pub failures: u64,
    /// Logouts that nobody goes on with any more.
    pub logouts: u64,
}

impl Store {
    /// Removes what has expired at `now`. Does nothing where another node is at it.
    pub async fn clean_up(
        &self,
        limits: SessionLimits,
        now: UnixTime,
    ) -> Result<Cleaned, StoreError> {
        let mut cleaned = Cleaned::default();
        if !self.take_lease("clean-up", LEASE, now).await? {
            return Ok(cleaned);
        }
        loop {
            let batch = again!(self.clean_up_batch(limits, now))?;
            cleaned.sessions += batch.sessions;
            cleaned.failures += batch.failures;
            if batch == Cleaned::default() {
                break;
            }
        }
        self.clear_artifacts(now).await?;
        cleaned.logouts = self.forget_logouts(now).await?;
        self.give_lease_back("clean-up").await?;
        Ok(cleaned)
    }

    /// Removes old logouts with their legs. Bookkeeping: what happened stands in the audit log.
    async fn forget_logouts(&self, now: UnixTime) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let old: Vec<String> = query("SELECT id FROM logouts WHERE started_at <= ? LIMIT ?")
                .bind(now.minus(LOGOUTS_KEPT).millis())
                .bind(BATCH)
                .fetch_all(self.pool())
                .await?;
            if old.is_empty() {
                return Ok(forgotten);
            }
            let mut tx = self.write_unaudited().await?;
            for id in old {
                let removed = query("DELETE FROM logouts WHERE id = ?")
                    .bind(id)
                    .execute(&mut tx)
                    .await?;
                forgotten += removed;
            }
            tx.commit().await?;
        }
    }

    async fn clean_up_batch(
        &self,
        limits: SessionLimits,
        now: UnixTime,
    ) -> Result<Cleaned, StoreError> {
        let unused_since = now.minus(limits.idle).millis();
        let began_before = now.minus(limits.absolute).millis();
        let stale_before = now.minus(FORGOTTEN_AFTER).millis();
        let mut sessions = BTreeSet::new();
        for (statement, before) in [(UNUSED, unused_since), (TOO_OLD, began_before)] {
            let ended = query(statement).bind(before).bind(SESSIONS);
            let ended: Vec<String> = ended.fetch_all(self.pool()).await?;
            sessions.extend(ended);
        }
        let failures: Vec<String> =
            query("SELECT key_hash FROM failures WHERE last_at <= ? LIMIT ?")
                .bind(stale_before)
                .bind(BATCH - i64::try_from(sessions.len()).unwrap_or(BATCH))
                .fetch_all(self.pool())
                .await?;
        if sessions.is_empty() && failures.is_empty() {
            return Ok(Cleaned::default());
        }
        let mut write = self.write().await?;
        let mut cleaned = Cleaned::default();
        for id in sessions {
            // Asked again: the session may have been used, or signed in again, meanwhile.
            let removed = query(
                "DELETE FROM sessions WHERE id = ? AND (last_seen_at <= ? OR started_at <= ?)",
            )
            .bind(id)
            .bind(unused_since)
            .bind(began_before)
            .execute(&mut write.tx)
            .await?;
            cleaned.sessions += removed;
        }
        for key in failures {
            let removed = query("DELETE FROM failures WHERE key_hash = ? AND last_at <= ?")
                .bind(key)
                .bind(stale_before)
                .execute(&mut write.tx)
                .await?;
            cleaned.failures += removed;
        }
        let mut event = AuditEvent::new(now, AuditKind::CleanedUp);
        let Cleaned {
            sessions, failures, ..
        } = cleaned;
        event.detail = Some(format!("{sessions} sessions, {failures} failure counters"));
        write.note(&event).await?;
        write.commit().await?;
        Ok(cleaned)
    }
}
