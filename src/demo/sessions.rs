//! What an app remembers about browsers: requests that are out, assertions seen, arrivals, sessions.
//!
//! Everything that may be used once is used up by one statement whose row count decides; secrets
//! that a browser holds are kept as fingerprints.

use sqlx::SqlitePool;

use super::outside::fingerprint;
use super::response::{Refusal, SignedIn};

/// How long a person may take at the identity provider.
const REQUEST_SECONDS: i64 = 2 * 60 * 60;
/// How long the browser may take from our ACS to the page that it is sent on to.
const ARRIVAL_SECONDS: i64 = 2 * 60;
/// How long a session lasts at most, whatever the identity provider allows.
const SESSION_SECONDS: i64 = 8 * 60 * 60;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS requests (
    id TEXT NOT NULL PRIMARY KEY, browser TEXT NOT NULL, relay_state TEXT NOT NULL,
    return_to TEXT NOT NULL, expires_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS assertions (
    id TEXT NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS arrivals (
    handle TEXT NOT NULL PRIMARY KEY, signed_in TEXT NOT NULL, relay_state TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    token TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, signed_in TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);";

/// An app's own database.
#[derive(Clone, Debug)]
pub(super) struct Sessions(SqlitePool);

/// An `AuthnRequest` about to be sent.
#[derive(Debug)]
pub(super) struct Outstanding<'a> {
    pub(super) id: &'a str,
    /// The secret in the browser's cookie.
    pub(super) browser: &'a str,
    pub(super) relay_state: &'a str,
    pub(super) return_to: &'a str,
}

/// Where an answer to sign-in came to and what it brought along.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub(super) signed_in: &'a SignedIn,
    pub(super) relay_state: &'a str,
    /// The secret in the browser's cookie, if it sent one.
    pub(super) browser: Option<&'a str>,
    /// The token of the session to be made.
    pub(super) token: &'a str,
}

impl Sessions {
    pub(super) async fn open(pool: SqlitePool) -> Result<Self, sqlx::Error> {
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Remembers a request until it is answered, and forgets what has expired.
    pub(super) async fn expect(
        &self,
        asked: &Outstanding<'_>,
        now: i64,
    ) -> Result<(), sqlx::Error> {
        self.forget_expired(now).await?;
        sqlx::query(
            "INSERT INTO requests (id, browser, relay_state, return_to, expires_at)
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(asked.id)
        .bind(fingerprint(asked.browser))
        .bind(asked.relay_state)
        .bind(asked.return_to)
        .bind(now + REQUEST_SECONDS)
        .execute(&self.0)
        .await?;
        Ok(())
    }

    /// Whether this request is out, and (where the browser showed its cookie) this browser's.
    pub(super) async fn is_outstanding(
        &self,
        id: &str,
        browser: Option<&str>,
        now: i64,
    ) -> Result<bool, sqlx::Error> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT browser FROM requests WHERE id = ? AND expires_at > ?")
                .bind(id)
                .bind(now)
                .fetch_optional(&self.0)
                .await?;
        Ok(row.is_some_and(|(owner,)| browser.is_none_or(|browser| owner == fingerprint(browser))))
    }

    /// Keeps a verified answer for the next step of a browser that did not show its cookie: a
    /// cross-site POST carries no `SameSite=Lax` cookie, the GET that it is sent on to does.
    pub(super) async fn park(
        &self,
        handle: &str,
        signed_in: &SignedIn,
        relay_state: &str,
        now: i64,
    ) -> Result<(), Refusal> {
        sqlx::query(
            "INSERT INTO arrivals (handle, signed_in, relay_state, expires_at) VALUES (?, ?, ?, ?)",
        )
        .bind(fingerprint(handle))
        .bind(serde_json::to_string(signed_in)?)
        .bind(relay_state)
        .bind(now + ARRIVAL_SECONDS)
        .execute(&self.0)
        .await?;
        Ok(())
    }

    /// Takes a parked answer, once.
    pub(super) async fn unpark(
        &self,
        handle: &str,
        now: i64,
    ) -> Result<Option<(SignedIn, String)>, Refusal> {
        let row: Option<(String, String)> = sqlx::query_as(
            "DELETE FROM arrivals WHERE handle = ? AND expires_at > ?
             RETURNING signed_in, relay_state",
        )
        .bind(fingerprint(handle))
        .bind(now)
        .fetch_optional(&self.0)
        .await?;
        row.map(|(text, relay_state)| Ok((serde_json::from_str(&text)?, relay_state)))
            .transpose()
    }

    /// Makes a session of a verified assertion: once per assertion, and once per request, in the
    /// very browser that asked. Answers where that browser wanted to go.
    pub(super) async fn admit(&self, came: &Arrival<'_>, now: i64) -> Result<String, Refusal> {
        let signed_in = came.signed_in;
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await?;
        // The insertion decides whether the assertion is new; it is remembered for as long as it
        // could be brought again.
        sqlx::query("INSERT INTO assertions (id, expires_at) VALUES (?, ?)")
            .bind(&signed_in.assertion_id)
            .bind(signed_in.usable_until)
            .execute(&mut *tx)
            .await
            .map_err(replayed)?;
        let return_to = match &signed_in.in_response_to {
            None => came.relay_state.to_owned(),
            Some(request) => {
                let asked: Option<(String, String)> = sqlx::query_as(
                    "DELETE FROM requests WHERE id = ? AND browser = ? AND expires_at > ?
                     RETURNING relay_state, return_to",
                )
                .bind(request)
                .bind(came.browser.map(fingerprint))
                .bind(now)
                .fetch_optional(&mut *tx)
                .await?;
                let (relay_state, return_to) = asked.ok_or(Refusal::NotAsked)?;
                if relay_state == came.relay_state {
                    return_to
                } else {
                    "/".to_owned()
                }
            }
        };
        let expires_at = signed_in
            .session_until
            .unwrap_or(i64::MAX)
            .min(now + SESSION_SECONDS);
        sqlx::query(
            "INSERT INTO sessions (token, name, signed_in, expires_at) VALUES (?, ?, ?, ?)",
        )
        .bind(fingerprint(came.token))
        .bind(signed_in.display_name())
        .bind(serde_json::to_string(signed_in)?)
        .bind(expires_at)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(return_to)
    }

    /// Who holds this token.
    pub(super) async fn find(
        &self,
        token: &str,
        now: i64,
    ) -> Result<Option<(String, SignedIn)>, Refusal> {
        let row: Option<(String, String)> = sqlx::query_as(
            "SELECT name, signed_in FROM sessions WHERE token = ? AND expires_at > ?",
        )
        .bind(fingerprint(token))
        .bind(now)
        .fetch_optional(&self.0)
        .await?;
        row.map(|(name, text)| Ok((name, serde_json::from_str(&text)?)))
            .transpose()
    }

    /// Ends a session.
    pub(super) async fn end(&self, token: &str) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM sessions WHERE token = ?")
            .bind(fingerprint(token))
            .execute(&self.0)
            .await?;
        Ok(())
    }

    /// Ends the sessions of a person by the name and the session indexes that the identity provider
    /// gave them; no index means all of that person's (Core 3.7.3.1).
    pub(super) async fn end_of(&self, name_id: &str, indexes: &[String]) -> Result<(), Refusal> {
        let rows: Vec<(String, String)> = sqlx::query_as("SELECT token, signed_in FROM sessions")
            .fetch_all(&self.0)
            .await?;
        for (token, text) in rows {
            let signed_in: SignedIn = serde_json::from_str(&text)?;
            let is_named = indexes.is_empty()
                || signed_in
                    .session_index
                    .is_some_and(|index| indexes.contains(&index));
            if is_named && signed_in.name_id == name_id {
                sqlx::query("DELETE FROM sessions WHERE token = ?")
                    .bind(token)
                    .execute(&self.0)
                    .await?;
            }
        }
        Ok(())
    }

    async fn forget_expired(&self, now: i64) -> Result<(), sqlx::Error> {
        for statement in [
            "DELETE FROM requests WHERE expires_at <= ?",
            "DELETE FROM assertions WHERE expires_at <= ?",
            "DELETE FROM arrivals WHERE expires_at <= ?",
            "DELETE FROM sessions WHERE expires_at <= ?",
        ] {
            sqlx::query(statement).bind(now).execute(&self.0).await?;
        }
        Ok(())
    }
}

fn replayed(error: sqlx::Error) -> Refusal {
    let taken = error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation);
    if taken {
        Refusal::Replayed
    } else {
        Refusal::Database(error)
    }
}
