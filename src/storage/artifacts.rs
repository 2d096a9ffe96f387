//! Artifacts: what was asked for, until the SP fetches the answer (Bindings 3.6.5). Each is used up
//! by one DELETE whose row count decides (decision 13).

use crate::directory::name::{SessionId, SpId};
use crate::directory::time::UnixTime;

use super::engine::query;
use super::error::StoreError;
use super::{Store, TokenHash};

/// So many artifacts about nobody may wait at once, give or take those that are written at the very
/// same moment: whoever is not signed in cannot fill the disk.
const MOST_ABOUT_NOBODY: i64 = 10_000;

/// Rows that one transaction removes at most.
const BATCH: i64 = 500;

/// An artifact that is about to be handed out.
#[derive(Debug, Clone)]
pub struct NewArtifact {
    /// Hash of its handle.
    pub handle: TokenHash,
    /// The SP that may resolve it.
    pub sp: SpId,
    /// The session that it asks about; none where the answer is about nobody.
    pub session: Option<SessionId>,
    /// What it stands for, as whoever resolves it reads it.
    pub pending: String,
    /// When it counts no more.
    pub expires_at: UnixTime,
}

/// An artifact that has been used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedArtifact {
    /// What it stood for.
    pub pending: String,
    /// The token of its session at this moment, as stored.
    pub session: Option<TokenHash>,
}

impl Store {
    /// Writes down what an artifact stands for. [`StoreError::QueueFull`]: too many about nobody
    /// wait already.
    pub async fn put_artifact(&self, new: &NewArtifact) -> Result<(), StoreError> {
        let mut tx = self.write_unaudited().await?;
        if new.session.is_none() {
            let waiting: i64 = query("SELECT COUNT(*) FROM artifacts WHERE session_id IS NULL")
                .fetch_one(&mut tx)
                .await?;
            if waiting >= MOST_ABOUT_NOBODY {
                return Err(StoreError::QueueFull);
            }
        }
        query(
            "INSERT INTO artifacts (handle_hash, sp_id, session_id, pending, expires_at) \
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(new.handle.as_str())
        .bind(new.sp.as_str())
        .bind(new.session.as_ref().map(SessionId::as_str))
        .bind(&new.pending)
        .bind(new.expires_at.millis())
        .execute(&mut tx)
        .await?;
        tx.commit().await
    }

    /// Uses an artifact up. `None`: there is none of this SP's with this handle, it has been used,
    /// or it has expired. Another SP's attempt leaves it as it is.
    pub async fn use_up_artifact(
        &self,
        handle: &TokenHash,
        sp: &SpId,
        now: UnixTime,
    ) -> Result<Option<UsedArtifact>, StoreError> {
        let found: Option<(String, Option<String>)> = query(
            "SELECT a.pending, s.token_hash FROM artifacts a \
             LEFT JOIN sessions s ON s.id = a.session_id \
             WHERE a.handle_hash = ? AND a.sp_id = ? AND a.expires_at > ?",
        )
        .bind(handle.as_str())
        .bind(sp.as_str())
        .bind(now.millis())
        .fetch_optional(self.pool())
        .await?;
        let Some((pending, session)) = found else {
            return Ok(None);
        };
        // An unknown outcome counts as used: it is an error, and the artifact is not tried again.
        let used =
            query("DELETE FROM artifacts WHERE handle_hash = ? AND sp_id = ? AND expires_at > ?")
                .bind(handle.as_str())
                .bind(sp.as_str())
                .bind(now.millis())
                .execute(self.pool())
                .await?;
        let session = session.map(TokenHash::from_stored);
        Ok((used == 1).then_some(UsedArtifact { pending, session }))
    }

    /// Removes what nobody has fetched in time.
    pub(super) async fn clear_artifacts(&self, now: UnixTime) -> Result<(), StoreError> {
        loop {
            let expired: Vec<String> =
                query("SELECT handle_hash FROM artifacts WHERE expires_at <= ? LIMIT ?")
                    .bind(now.millis())
                    .bind(BATCH)
                    .fetch_all(self.pool())
                    .await?;
            if expired.is_empty() {
                return Ok(());
            }
            let mut tx = self.write_unaudited().await?;
            for handle in expired {
                query("DELETE FROM artifacts WHERE handle_hash = ?")
                    .bind(handle)
                    .execute(&mut tx)
                    .await?;
            }
            tx.commit().await?;
        }
    }
}
