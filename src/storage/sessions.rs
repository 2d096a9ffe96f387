//! Sessions: signing in, signing out, revoking.

use crate::clock::random_id;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::logout::Logout;
use crate::directory::name::{SessionId, UserId, UserName};
use crate::directory::session::Session;
use crate::directory::time::UnixTime;

use super::engine::{columns, query};
use super::error::{Column, StoreError};
use super::lock::{Owner, lock};
use super::logouts::{NewLogout, put};
use super::write::{Write, again};
use super::{Store, TokenHash, throttle};

/// A sign-in whose password was right.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who.
    pub user: UserId,
    /// Hash of the fresh token that the browser gets.
    pub token: TokenHash,
    /// The session that the browser had before.
    pub replaces: Option<TokenHash>,
    /// Hash of the flow that was signed in for (decision 9).
    pub fresh_for: Option<String>,
    /// From which address.
    pub source: Option<String>,
    /// What the browser calls itself; shortened here.
    pub user_agent: Option<String>,
    /// The hash that the password was checked against. If it is not the user's any more, the
    /// sign-in is refused: the password was changed meanwhile.
    pub checked_hash: String,
    /// The same password hashed anew, where the parameters have changed.
    pub rehash: Option<String>,
    /// [`UserName::key`] of what was typed: its failures are cleared.
    pub account_key: String,
    /// How the apps of somebody else's session, which ends, are told.
    pub logout: NewLogout,
}

/// A sign-in that is written down.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The session of somebody else that ended with it.
    pub ended: Option<Logout>,
}

columns! {
    #[derive(Debug)]
    struct SessionRow {
        id: String,
        user_id: String,
        signed_in_at: i64,
        started_at: i64,
        last_seen_at: i64,
        source: Option<String>,
        user_agent: Option<String>,
        user_name: String,
    }
}

const SESSIONS: &str = "\
    SELECT s.id, s.user_id, s.signed_in_at, s.started_at, s.last_seen_at, s.source, \
    s.user_agent, u.name AS user_name FROM sessions s JOIN users u ON u.id = s.user_id \
    ORDER BY s.started_at, s.id";
const SESSIONS_OF: &str = "\
    SELECT s.id, s.user_id, s.signed_in_at, s.started_at, s.last_seen_at, s.source, \
    s.user_agent, u.name AS user_name FROM sessions s JOIN users u ON u.id = s.user_id \
    WHERE s.user_id = ? ORDER BY s.started_at, s.id";

/// The longest name of a browser that is kept, in bytes.
const LONGEST_USER_AGENT: usize = 200;

impl Store {
    /// How many sessions there are; some may have expired a moment ago.
    pub async fn count_sessions(&self) -> Result<i64, StoreError> {
        query("SELECT COUNT(*) FROM sessions")
            .patiently()
            .fetch_one(self.pool())
            .await
    }

    /// Writes down a sign-in. Where the browser had a session of the same person, its row stays,
    /// with the SPs that have heard of it, under the new token; a session of somebody else ends,
    /// and whom to tell is written down.
    /// [`StoreError::SignInRefused`]: the user was disabled or removed, or the password was
    /// changed, meanwhile.
    pub async fn sign_in(
        &self,
        new: NewSession,
        event: AuditEvent,
    ) -> Result<SignedIn, StoreError> {
        again!(self.try_sign_in(&new, &event))
    }

    async fn try_sign_in(
        &self,
        new: &NewSession,
        event: &AuditEvent,
    ) -> Result<SignedIn, StoreError> {
        let mut write = self.write().await?;
        // One UPDATE decides, also where the hash stays as it is: whoever changes the password or
        // disables the user at this moment waits, and then finds the session, or was first.
        let may = query(
            "UPDATE users SET password_hash = ? \
             WHERE id = ? AND password_hash = ? AND disabled = 0",
        )
        .bind(new.rehash.as_ref().unwrap_or(&new.checked_hash))
        .bind(new.user.as_str())
        .bind(&new.checked_hash)
        .execute(&mut write.tx)
        .await?;
        if may == 0 {
            return Err(StoreError::SignInRefused);
        }
        throttle::clear(&mut write.tx, &new.account_key, new.source.as_deref()).await?;
        let (kept, ended) = kept_row(&mut write, new, event).await?;
        let placed = session_of(new, event.at, kept)?;
        put_session(&mut write, new, &placed).await?;
        write.note(event).await?;
        write.commit().await?;
        let session = placed.session;
        Ok(SignedIn { session, ended })
    }

    /// Writes down that a session was used, if it still is there. No event.
    pub async fn session_seen(&self, session: &SessionId, now: UnixTime) -> Result<(), StoreError> {
        query("UPDATE sessions SET last_seen_at = ? WHERE id = ? AND last_seen_at < ?")
            .bind(now.millis())
            .bind(session.as_str())
            .bind(now.millis())
            .execute(self.pool())
            .await
            .map(drop)
    }

    /// The sessions of a user, the oldest first; expired ones that were not cleaned up yet too.
    pub async fn sessions_of(&self, user: &UserId) -> Result<Vec<Session>, StoreError> {
        let rows: Vec<SessionRow> = query(SESSIONS_OF)
            .bind(user.as_str())
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(|row| Ok(row.read()?.0)).collect()
    }

    /// All sessions and whose they are, the oldest first.
    pub async fn sessions(&self) -> Result<Vec<(Session, UserName)>, StoreError> {
        let rows: Vec<SessionRow> = query(SESSIONS).patiently().fetch_all(self.pool()).await?;
        rows.into_iter().map(SessionRow::read).collect()
    }
}

impl SessionRow {
    fn read(self) -> Result<(Session, UserName), StoreError> {
        let name = Column("users", "name").checked(UserName::parse(&self.user_name))?;
        let session = Session {
            id: SessionId::from_stored(self.id),
            user: UserId::from_stored(self.user_id),
            signed_in_at: UnixTime::from_millis(self.signed_in_at),
            started_at: UnixTime::from_millis(self.started_at),
            last_seen_at: UnixTime::from_millis(self.last_seen_at),
            source: self.source,
            user_agent: self.user_agent,
        };
        Ok((session, name))
    }
}

/// A session, and whether its row is there already.
struct Placed {
    session: Session,
    is_there: bool,
}

/// The row of the browser's earlier session, if it is the same person's; another's is removed, and
/// whom to tell about it is written down.
async fn kept_row(
    write: &mut Write<'_>,
    new: &NewSession,
    event: &AuditEvent,
) -> Result<(Option<String>, Option<Logout>), StoreError> {
    let Some(old) = &new.replaces else {
        return Ok((None, None));
    };
    if !lock(&mut write.tx, Owner::Token, old.as_str()).await? {
        return Ok((None, None));
    }
    let found: Option<(String, String, String)> = query(
        "SELECT s.id, s.user_id, u.name FROM sessions s JOIN users u ON u.id = s.user_id \
         WHERE s.token_hash = ?",
    )
    .bind(old.as_str())
    .fetch_optional(&mut write.tx)
    .await?;
    match found {
        Some((id, user, _)) if user == new.user.as_str() => Ok((Some(id), None)),
        Some((id, _, name)) => {
            let ended = [(id, name)];
            let logout = put(&mut write.tx, &ended, &new.logout, event.at).await?;
            let [(id, name)] = ended;
            query("DELETE FROM sessions WHERE id = ?")
                .bind(id)
                .execute(&mut write.tx)
                .await?;
            let user = Column("users", "name").checked(UserName::parse(&name))?;
            let event = AuditEvent {
                kind: AuditKind::SignOut,
                user: Some(user),
                ..event.clone()
            };
            write.note(&event).await?;
            Ok((None, logout))
        }
        None => Ok((None, None)),
    }
}

fn session_of(new: &NewSession, now: UnixTime, kept: Option<String>) -> Result<Placed, StoreError> {
    let is_there = kept.is_some();
    let id = match kept {
        Some(id) => id,
        None => random_id()?,
    };
    let session = Session {
        id: SessionId::from_stored(id),
        user: new.user.clone(),
        signed_in_at: now,
        // Whoever proves anew who they are begins the limits anew.
        started_at: now,
        last_seen_at: now,
        source: new.source.clone(),
        user_agent: new.user_agent.as_deref().map(shortened),
    };
    Ok(Placed { session, is_there })
}

fn shortened(user_agent: &str) -> String {
    let end = user_agent.floor_char_boundary(LONGEST_USER_AGENT);
    let kept = user_agent.get(..end).unwrap_or_default();
    kept.chars().filter(|c| !c.is_control()).collect()
}

async fn put_session(
    write: &mut Write<'_>,
    new: &NewSession,
    placed: &Placed,
) -> Result<(), StoreError> {
    let statement = if placed.is_there {
        "UPDATE sessions SET token_hash = ?, user_id = ?, signed_in_at = ?, started_at = ?, \
         last_seen_at = ?, source = ?, user_agent = ?, fresh_for = ? WHERE id = ?"
    } else {
        "INSERT INTO sessions (token_hash, user_id, signed_in_at, started_at, last_seen_at, \
         source, user_agent, fresh_for, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    };
    let session = &placed.session;
    query(statement)
        .bind(new.token.as_str())
        .bind(session.user.as_str())
        .bind(session.signed_in_at.millis())
        .bind(session.started_at.millis())
        .bind(session.last_seen_at.millis())
        .bind(&session.source)
        .bind(&session.user_agent)
        .bind(&new.fresh_for)
        .bind(session.id.as_str())
        .execute(&mut write.tx)
        .await?;
    Ok(())
}
