//! Logouts under way: sessions end and what their participants have to be told is written down, in
//! one transaction. Each step is taken once, by one statement whose row count decides (decision 13).

use crate::clock::random_id;
use crate::directory::audit::AuditEvent;
use crate::directory::logout::{Leg, LegState, Logout, LogoutId, Requester};
use crate::directory::name::{MessageId, SessionId, SourceId, SpId, UserId, UserName};
use crate::directory::time::UnixTime;

use super::ending::{Ended, Ending, which};
use super::engine::{Tx, query};
use super::error::{Column, StoreError};
use super::lock::{Owner, lock};
use super::logout_rows::{LegRow, insert_legs, legs_of_sessions, read_logout};
use super::write::{Write, again};
use super::{Store, TokenHash, hex};

/// For whom sessions end.
#[derive(Debug, Clone, Default)]
pub struct NewLogout {
    /// The secret of the browser that is led along; none where there is no browser.
    pub token: Option<TokenHash>,
    /// The SP that asked; it is not told.
    pub asker: Option<SpId>,
    /// Where the answer goes, if one is due.
    pub requester: Option<Requester>,
    /// Whether an administrator ends them.
    pub by_admin: bool,
    /// Where the browser is to go afterwards.
    pub onward: Option<String>,
}

impl NewLogout {
    /// What an administrator, or the person from another browser, ends.
    #[must_use]
    pub fn by_admin() -> Self {
        Self {
            by_admin: true,
            ..Self::default()
        }
    }
}

/// A change that may have ended sessions, and whom to tell about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Whether it was made.
    pub changed: bool,
    /// The sessions that ended with it.
    pub logout: Option<Logout>,
}

/// What a LogoutResponse did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It settled its leg.
    Now,
    /// Its leg was settled before.
    Before,
    /// There is no such leg.
    Unknown,
}

impl Store {
    /// Ends sessions and writes down whom to tell. `None`: there is no such session, and nothing is
    /// written.
    pub async fn log_out(
        &self,
        ending: Ending<'_>,
        new: &NewLogout,
        event: AuditEvent,
    ) -> Result<Option<Logout>, StoreError> {
        again!(self.try_log_out(ending, new, &event))
    }

    async fn try_log_out(
        &self,
        ending: Ending<'_>,
        new: &NewLogout,
        event: &AuditEvent,
    ) -> Result<Option<Logout>, StoreError> {
        let mut write = self.write().await?;
        let sessions = which(&mut write.tx, ending).await?;
        let sessions = taken(&mut write.tx, sessions).await?;
        let logout = put(&mut write.tx, &sessions, new, event.at).await?;
        let Some(logout) = logout else {
            return Ok(None);
        };
        for (session, user) in sessions {
            query("DELETE FROM sessions WHERE id = ?")
                .bind(&session)
                .execute(&mut write.tx)
                .await?;
            let user = Column("users", "name").checked(UserName::parse(&user))?;
            let event = AuditEvent {
                user: Some(user),
                ..event.clone()
            };
            write.note(&event).await?;
        }
        write.commit().await?;
        Ok(Some(logout))
    }

    /// Writes down that these SPs have to be told about a person whose sessions live on. `None`:
    /// none of them takes part in any.
    pub async fn log_out_of(
        &self,
        user: &UserId,
        sps: &[SpId],
        at: UnixTime,
    ) -> Result<Option<Logout>, StoreError> {
        let mut tx = self.write_unaudited().await?;
        let sessions: Vec<Ended> = query(
            "SELECT s.id, u.name FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.user_id = ?",
        )
        .bind(user.as_str())
        .fetch_all(&mut tx)
        .await?;
        let mut legs = legs_of_sessions(&mut tx, &sessions).await?;
        legs.retain(|leg| sps.contains(&leg.sp));
        let Some((_, name)) = sessions.first().filter(|_| !legs.is_empty()) else {
            return Ok(None);
        };
        let logout = insert(&mut tx, name, legs, &NewLogout::by_admin(), at).await?;
        tx.commit().await?;
        Ok(Some(logout))
    }

    /// The logout that a browser is led through.
    pub async fn logout(&self, token: &TokenHash) -> Result<Option<Logout>, StoreError> {
        read_logout(self.pool(), token).await
    }

    /// Takes a leg in hand: whoever gets `true` sends the LogoutRequest with this ID, and nobody
    /// else does.
    pub async fn claim_leg(
        &self,
        logout: &LogoutId,
        position: i64,
        request: &MessageId,
    ) -> Result<bool, StoreError> {
        let claimed = query(
            "UPDATE logout_legs SET state = 'asked', request_id = ? \
             WHERE logout_id = ? AND position = ? AND state = 'waiting'",
        )
        .bind(request.as_str())
        .bind(logout.as_str())
        .bind(position)
        .execute(self.pool())
        .await?;
        Ok(claimed == 1)
    }

    /// Notes that there is no way to tell a participant.
    pub async fn pass_leg(&self, logout: &LogoutId, position: i64) -> Result<(), StoreError> {
        query(
            "UPDATE logout_legs SET state = 'not-asked' \
             WHERE logout_id = ? AND position = ? AND state = 'waiting'",
        )
        .bind(logout.as_str())
        .bind(position)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Settles the leg whose LogoutRequest was answered by this SP, once.
    pub async fn settle_leg(
        &self,
        request: &MessageId,
        sp: &SpId,
        state: LegState,
    ) -> Result<Settled, StoreError> {
        let settled = query(
            "UPDATE logout_legs SET state = ? WHERE request_id = ? AND sp_id = ? \
             AND state = 'asked'",
        )
        .bind(state.word())
        .bind(request.as_str())
        .bind(sp.as_str())
        .execute(self.pool())
        .await?;
        if settled == 1 {
            return Ok(Settled::Now);
        }
        let known: i64 =
            query("SELECT COUNT(*) FROM logout_legs WHERE request_id = ? AND sp_id = ?")
                .bind(request.as_str())
                .bind(sp.as_str())
                .fetch_one(self.pool())
                .await?;
        Ok(if known == 0 {
            Settled::Unknown
        } else {
            Settled::Before
        })
    }

    /// Forgets that an SP takes part in sessions that live on: it has ended its own.
    pub async fn forget_participant(&self, leg: &Leg) -> Result<(), StoreError> {
        for index in &leg.session_indexes {
            query("DELETE FROM participants WHERE sp_id = ? AND session_index = ?")
                .bind(leg.sp.as_str())
                .bind(index)
                .execute(self.pool())
                .await?;
        }
        Ok(())
    }

    /// Claims the one answer to the SP that asked.
    pub async fn claim_answer(&self, logout: &LogoutId, at: UnixTime) -> Result<bool, StoreError> {
        let claimed =
            query("UPDATE logouts SET answered_at = ? WHERE id = ? AND answered_at IS NULL")
                .bind(at.millis())
                .bind(logout.as_str())
                .execute(self.pool())
                .await?;
        Ok(claimed == 1)
    }

    /// Whether an SP asks about sessions that were ended already: nothing is left to do. Only what
    /// this very SP was given counts.
    pub async fn is_logged_out(
        &self,
        sp: &SpId,
        comparable: &str,
        indexes: &[String],
    ) -> Result<bool, StoreError> {
        let ended: Vec<String> =
            query("SELECT session_indexes FROM logout_legs WHERE name_id_key = ? AND sp_id = ?")
                .bind(hex::sha256(comparable.as_bytes()))
                .bind(sp.as_str())
                .fetch_all(self.pool())
                .await?;
        let is_asked_for = |of_leg: &String| {
            indexes.is_empty()
                || of_leg
                    .split(' ')
                    .any(|one| indexes.iter().any(|i| i == one))
        };
        Ok(ended.iter().any(is_asked_for))
    }

    /// The SPs of a source that take part in anybody's session.
    pub async fn entered_sps_of(&self, source: &SourceId) -> Result<Vec<SpId>, StoreError> {
        let ids: Vec<String> = query(
            "SELECT DISTINCT p.sp_id FROM participants p \
             JOIN sp_sources o ON o.sp_id = p.sp_id WHERE o.source_id = ? ORDER BY p.sp_id",
        )
        .bind(source.as_str())
        .fetch_all(self.pool())
        .await?;
        Ok(ids.into_iter().map(SpId::from_stored).collect())
    }

    /// The SPs that take part in a live or expired session of somebody.
    pub async fn sps_of(&self, user: &UserId) -> Result<Vec<SpId>, StoreError> {
        let ids: Vec<String> = query(
            "SELECT DISTINCT p.sp_id FROM sessions s JOIN participants p ON p.session_id = s.id \
             WHERE s.user_id = ? ORDER BY p.sp_id",
        )
        .bind(user.as_str())
        .fetch_all(self.pool())
        .await?;
        Ok(ids.into_iter().map(SpId::from_stored).collect())
    }

    /// Whoever has a live or expired session in which an SP takes part.
    pub async fn people_at(&self, sp: &SpId) -> Result<Vec<(UserId, UserName)>, StoreError> {
        let rows: Vec<(String, String)> = query(
            "SELECT DISTINCT u.id, u.name FROM participants p \
             JOIN sessions s ON s.id = p.session_id JOIN users u ON u.id = s.user_id \
             WHERE p.sp_id = ? ORDER BY u.name",
        )
        .bind(sp.as_str())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|(id, name)| {
                let name = Column("users", "name").checked(UserName::parse(&name))?;
                Ok((UserId::from_stored(id), name))
            })
            .collect()
    }
}

impl Write<'_> {
    /// Ends the sessions of a user but one, and writes down whom to tell.
    pub(super) async fn end_sessions(
        &mut self,
        user: &UserId,
        keep: Option<&SessionId>,
        new: NewLogout,
        at: UnixTime,
    ) -> Result<Option<Logout>, StoreError> {
        let kept = keep.map_or("", SessionId::as_str);
        query("UPDATE sessions SET started_at = started_at WHERE user_id = ? AND id <> ?")
            .bind(user.as_str())
            .bind(kept)
            .execute(&mut self.tx)
            .await?;
        let sessions: Vec<Ended> = query(
            "SELECT s.id, u.name FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.user_id = ? AND s.id <> ?",
        )
        .bind(user.as_str())
        .bind(kept)
        .fetch_all(&mut self.tx)
        .await?;
        let logout = put(&mut self.tx, &sessions, &new, at).await?;
        query("DELETE FROM sessions WHERE user_id = ? AND id <> ?")
            .bind(user.as_str())
            .bind(kept)
            .execute(&mut self.tx)
            .await?;
        Ok(logout)
    }
}

/// Those of the sessions that are still there, taken in the order of their ids: of two who end one
/// session, one tells its participants; and nobody joins it from now on.
async fn taken(tx: &mut Tx, mut sessions: Vec<Ended>) -> Result<Vec<Ended>, StoreError> {
    sessions.sort();
    let mut there = Vec::with_capacity(sessions.len());
    for session in sessions {
        if lock(tx, Owner::Session, &session.0).await? {
            there.push(session);
        }
    }
    Ok(there)
}

/// Writes down whom to tell about sessions that are about to end; `None` where there are none.
pub(super) async fn put(
    tx: &mut Tx,
    sessions: &[Ended],
    new: &NewLogout,
    at: UnixTime,
) -> Result<Option<Logout>, StoreError> {
    let Some((_, user)) = sessions.first() else {
        return Ok(None);
    };
    let mut legs = legs_of_sessions(tx, sessions).await?;
    for leg in &mut legs {
        if new.asker.as_ref() == Some(&leg.sp) {
            leg.state = LegState::Asker;
        }
    }
    insert(tx, user, legs, new, at).await.map(Some)
}

async fn insert(
    tx: &mut Tx,
    user: &str,
    legs: Vec<LegRow>,
    new: &NewLogout,
    at: UnixTime,
) -> Result<Logout, StoreError> {
    let id = random_id()?;
    // Without a browser nobody has the secret.
    let token = match &new.token {
        Some(token) => token.clone(),
        None => TokenHash::of(&random_id()?),
    };
    let requester = new.requester.as_ref();
    query(
        "INSERT INTO logouts (id, token_hash, user_name, started_at, by_admin, sp_id, request_id, \
         relay_state, binding, onward) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&id)
    .bind(token.as_str())
    .bind(user)
    .bind(at.millis())
    .bind(i64::from(new.by_admin))
    .bind(requester.map(|of| of.sp.as_str()))
    .bind(requester.map(|of| of.request.as_str()))
    .bind(requester.and_then(|of| of.relay_state.as_deref()))
    .bind(requester.map(|of| of.binding.word()))
    .bind(new.onward.as_deref())
    .execute(&mut *tx)
    .await?;
    insert_legs(tx, &id, &legs).await?;
    Ok(Logout {
        id: LogoutId::from_stored(id),
        user: Column("users", "name").checked(UserName::parse(user))?,
        by_admin: new.by_admin,
        requester: new.requester.clone(),
        answered: false,
        onward: new.onward.clone(),
        legs: legs.into_iter().map(|row| row.leg).collect(),
    })
}
