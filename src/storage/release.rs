//! What a released assertion leaves in the database beside its audit row (decision 14).

use rusqlite::{Connection, OptionalExtension, params};

use crate::directory::session::Release;
use crate::directory::time::UnixTime;

use super::error::StoreError;
use super::hex;
use super::writer::{Recorded, Visit};

/// The session, and what the SP has had to do with it, at this moment.
const STATE: &str = "\
    SELECT s.last_seen_at, p.session_index, i.first_released_at, p.name_id_key FROM sessions s \
    LEFT JOIN participants p ON p.session_id = s.id AND p.sp_id = ? \
    LEFT JOIN persistent_ids i ON i.user_id = s.user_id AND i.sp_id = ? WHERE s.id = ?";
const USE_UP: &str = "UPDATE sessions SET fresh_for = NULL WHERE id = ? AND fresh_for = ?";
const SEEN: &str = "UPDATE sessions SET last_seen_at = ? WHERE id = ? AND last_seen_at < ?";
const PARTICIPATE: &str =
    "INSERT INTO participants (session_id, sp_id, session_index) VALUES (?, ?, ?)";
const FIRST_RELEASE: &str =
    "INSERT INTO persistent_ids (user_id, sp_id, first_released_at) VALUES (?, ?, ?)";
const IS_KNOWN: &str = "\
    SELECT COUNT(*) FROM participant_name_ids WHERE session_id = ? AND sp_id = ? \
    AND name_id_key = ?";
const NAME: &str = "\
    INSERT INTO participant_name_ids (session_id, sp_id, name_id_key, format, value, \
    name_qualifier, sp_name_qualifier) VALUES (?, ?, ?, ?, ?, ?, ?)";
const LAST_NAME: &str =
    "UPDATE participants SET name_id_key = ? WHERE session_id = ? AND sp_id = ?";

#[derive(Debug)]
struct State {
    last_seen_at: i64,
    session_index: Option<String>,
    first_released_at: Option<i64>,
    name_id_key: Option<String>,
}

/// Writes it, within the transaction of the audit row.
pub(super) fn put(
    connection: &Connection,
    visit: &Visit,
    now: UnixTime,
) -> Result<Recorded, StoreError> {
    let Visit {
        release,
        sp,
        persistent,
    } = visit;
    let (session, sp) = (release.session.id.as_str(), sp.as_str());
    let Some(state) = read_state(connection, session, sp)? else {
        return Ok(Recorded::SessionGone);
    };
    let is_participant = match &state.session_index {
        None if !release.first_visit => return Ok(Recorded::SessionGone),
        Some(index) if *index != release.session_index => return Ok(Recorded::VisitedMeanwhile),
        known => known.is_some(),
    };
    if !use_up(connection, release)? {
        return Ok(Recorded::FlowUsedUp);
    }
    if !is_participant {
        connection.prepare_cached(PARTICIPATE)?.execute(params![
            session,
            sp,
            release.session_index
        ])?;
    }
    name(connection, release, sp, state.name_id_key.as_deref())?;
    if *persistent && state.first_released_at.is_none() {
        let user = release.session.user.as_str();
        connection
            .prepare_cached(FIRST_RELEASE)?
            .execute(params![user, sp, now.millis()])?;
    }
    if now.since(UnixTime::from_millis(state.last_seen_at)) >= release.seen_every {
        let now = now.millis();
        connection
            .prepare_cached(SEEN)?
            .execute(params![now, session, now])?;
    }
    Ok(Recorded::Done)
}

/// Remembers the NameID that leaves, unless it is the one that left last: a warm sign-on writes
/// nothing here (decision 14).
fn name(
    connection: &Connection,
    release: &Release,
    sp: &str,
    last: Option<&str>,
) -> Result<(), StoreError> {
    let Some((name_id, comparable)) = &release.name_id else {
        return Ok(());
    };
    let key = hex::sha256(comparable.as_bytes());
    if last == Some(key.as_str()) {
        return Ok(());
    }
    let session = release.session.id.as_str();
    let known: i64 = connection
        .prepare_cached(IS_KNOWN)?
        .query_row(params![session, sp, key], |row| row.get(0))?;
    if known == 0 {
        connection.prepare_cached(NAME)?.execute(params![
            session,
            sp,
            key,
            name_id.format,
            name_id.value,
            name_id.name_qualifier,
            name_id.sp_name_qualifier,
        ])?;
    }
    connection
        .prepare_cached(LAST_NAME)?
        .execute(params![key, session, sp])?;
    Ok(())
}

fn read_state(
    connection: &Connection,
    session: &str,
    sp: &str,
) -> Result<Option<State>, StoreError> {
    let mut statement = connection.prepare_cached(STATE)?;
    let state = statement.query_row(params![sp, sp, session], |row| {
        Ok(State {
            last_seen_at: row.get(0)?,
            session_index: row.get(1)?,
            first_released_at: row.get(2)?,
            name_id_key: row.get(3)?,
        })
    });
    Ok(state.optional()?)
}

/// One UPDATE whose row count decides (decision 13); nothing to use up is as good.
fn use_up(connection: &Connection, release: &Release) -> Result<bool, StoreError> {
    let Some(flow) = &release.use_up else {
        return Ok(true);
    };
    let session = release.session.id.as_str();
    let used = connection
        .prepare_cached(USE_UP)?
        .execute(params![session, flow])?;
    Ok(used == 1)
}
