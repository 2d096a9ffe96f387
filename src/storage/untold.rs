//! Whom apps have still to be told about: what somebody was killed over who was about to tell them.
//!
//! A logout writes down whom to tell in the transaction that ends the session, and a role is
//! withdrawn together with a row here. Whoever does either tells the apps at once. What is still
//! there some minutes later is told by whichever node looks after it.

use crate::clock::ordered_id;
use crate::directory::logout::{Logout, LogoutId};
use crate::directory::name::{MessageId, UserId, UserName};
use crate::directory::time::UnixTime;

use super::Store;
use super::engine::query;
use super::error::{Column, StoreError};
use super::logout_rows::logout_by_id;
use super::write::Write;

/// So much is handed out at a time.
const AT_ONCE: i64 = 100;

// Somebody who is signed in nowhere has let no app in.
const TELL_LATER: &str = "\
    INSERT INTO untold (id, user_id, since) SELECT ?, u.id, ? FROM users u WHERE u.id = ? \
    AND EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = u.id)";
const UNTOLD: &str = "\
    SELECT DISTINCT u.id, u.name FROM untold t JOIN users u ON u.id = t.user_id \
    WHERE t.since <= ? ORDER BY u.id LIMIT ?";
const TOLD: &str = "DELETE FROM untold WHERE user_id = ? AND since <= ?";

const UNFINISHED: &str = "\
    SELECT DISTINCT l.started_at, l.id FROM logouts l JOIN logout_legs g ON g.logout_id = l.id \
    WHERE l.started_at >= ? AND (l.started_at > ? OR l.id > ?) AND l.started_at <= ? \
    AND g.state IN ('waiting', 'asked') ORDER BY l.started_at, l.id LIMIT ?";

/// A place in the order of logouts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct LogoutPlace {
    started_at: i64,
    id: String,
}

impl LogoutPlace {
    /// Before all that begin at this instant.
    #[must_use]
    pub fn at(instant: UnixTime) -> Self {
        Self {
            started_at: instant.millis(),
            id: String::new(),
        }
    }
}

impl Store {
    /// People whose roles were withdrawn up to this instant, and whose apps were not told; some of
    /// them at a time.
    pub async fn untold(&self, until: UnixTime) -> Result<Vec<(UserId, UserName)>, StoreError> {
        let rows: Vec<(String, String)> = query(UNTOLD)
            .bind(until.millis())
            .bind(AT_ONCE)
            .fetch_all(self.pool())
            .await?;
        rows.into_iter()
            .map(|(id, name)| {
                let name = Column("users", "name").checked(UserName::parse(&name))?;
                Ok((UserId::from_stored(id), name))
            })
            .collect()
    }

    /// Notes that the apps of somebody were told of what was withdrawn up to this instant.
    pub async fn told(&self, user: &UserId, until: UnixTime) -> Result<(), StoreError> {
        query(TOLD)
            .bind(user.as_str())
            .bind(until.millis())
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Logouts begun up to this instant, after a place, of which somebody has not been told or has
    /// not answered; some of them at a time, each with its place.
    pub async fn unfinished_logouts(
        &self,
        after: &LogoutPlace,
        until: UnixTime,
    ) -> Result<Vec<(LogoutPlace, Logout)>, StoreError> {
        let rows: Vec<(i64, String)> = query(UNFINISHED)
            .bind(after.started_at)
            .bind(after.started_at)
            .bind(&after.id)
            .bind(until.millis())
            .bind(AT_ONCE)
            .fetch_all(self.pool())
            .await?;
        let mut logouts = Vec::with_capacity(rows.len());
        for (started_at, id) in rows {
            if let Some(logout) = logout_by_id(self.pool(), &id).await? {
                logouts.push((LogoutPlace { started_at, id }, logout));
            }
        }
        Ok(logouts)
    }

    /// Takes a leg in hand once more whose LogoutRequest was never answered: whoever sent it is gone.
    pub async fn claim_leg_again(
        &self,
        logout: &LogoutId,
        position: i64,
        request: &MessageId,
    ) -> Result<bool, StoreError> {
        let claimed = query(
            "UPDATE logout_legs SET request_id = ? \
             WHERE logout_id = ? AND position = ? AND state = 'asked'",
        )
        .bind(request.as_str())
        .bind(logout.as_str())
        .bind(position)
        .execute(self.pool())
        .await?;
        Ok(claimed == 1)
    }
}

impl Write<'_> {
    /// Writes down that the apps of somebody have to be told of what is withdrawn in this
    /// transaction.
    pub(super) async fn tell_later(
        &mut self,
        user: &UserId,
        at: UnixTime,
    ) -> Result<(), StoreError> {
        query(TELL_LATER)
            .bind(ordered_id(at)?)
            .bind(at.millis())
            .bind(user.as_str())
            .execute(&mut self.tx)
            .await?;
        Ok(())
    }
}
