//! What a released assertion leaves in the database beside its audit row (decision 14).

use crate::directory::session::Release;
use crate::directory::time::UnixTime;

use super::engine::{Tx, columns, query};
use super::error::StoreError;
use super::hex;
use super::lock::{Owner, lock};
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
    name_qualifier, sp_name_qualifier, is_encrypted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const LAST_NAME: &str =
    "UPDATE participants SET name_id_key = ? WHERE session_id = ? AND sp_id = ?";

columns! {
    #[derive(Debug)]
    struct State {
        last_seen_at: i64,
        session_index: Option<String>,
        first_released_at: Option<i64>,
        name_id_key: Option<String>,
    }
}

/// Writes it, within the transaction of the audit row.
pub(super) async fn put(tx: &mut Tx, visit: &Visit, now: UnixTime) -> Result<Recorded, StoreError> {
    let Visit {
        release,
        sp,
        persistent,
    } = visit;
    let (session, sp) = (release.session.id.as_str(), sp.as_str());
    let asked = query(STATE).bind(sp).bind(sp).bind(session);
    let Some(state) = asked.fetch_optional::<State>(&mut *tx).await? else {
        return Ok(Recorded::SessionGone);
    };
    let is_participant = match &state.session_index {
        None if !release.first_visit => return Ok(Recorded::SessionGone),
        Some(index) if *index != release.session_index => return Ok(Recorded::VisitedMeanwhile),
        known => known.is_some(),
    };
    // Whoever ends the session tells those who take part in it, so nobody joins meanwhile.
    let joins = !is_participant || is_new_name(release, &state);
    if joins && !lock(tx, Owner::Session, session).await? {
        return Ok(Recorded::SessionGone);
    }
    if !use_up(tx, release).await? {
        return Ok(Recorded::FlowUsedUp);
    }
    if !is_participant {
        query(PARTICIPATE)
            .bind(session)
            .bind(sp)
            .bind(&release.session_index)
            .execute(&mut *tx)
            .await?;
    }
    name(tx, release, sp, state.name_id_key.as_deref()).await?;
    if *persistent && state.first_released_at.is_none() {
        query(FIRST_RELEASE)
            .bind(release.session.user.as_str())
            .bind(sp)
            .bind(now.millis())
            .execute(&mut *tx)
            .await?;
    }
    if now.since(UnixTime::from_millis(state.last_seen_at)) >= release.seen_every {
        query(SEEN)
            .bind(now.millis())
            .bind(session)
            .bind(now.millis())
            .execute(tx)
            .await?;
    }
    Ok(Recorded::Done)
}

fn is_new_name(release: &Release, state: &State) -> bool {
    let name = release.name_id.as_ref();
    name.is_some_and(|(_, comparable)| {
        state.name_id_key.as_deref() != Some(hex::sha256(comparable.as_bytes()).as_str())
    })
}

/// Remembers the NameID that leaves, unless it is the one that left last: a warm sign-on writes
/// nothing here (decision 14).
async fn name(
    tx: &mut Tx,
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
    let known: i64 = query(IS_KNOWN)
        .bind(session)
        .bind(sp)
        .bind(&key)
        .fetch_one(&mut *tx)
        .await?;
    if known == 0 {
        query(NAME)
            .bind(session)
            .bind(sp)
            .bind(&key)
            .bind(&name_id.format)
            .bind(&name_id.value)
            .bind(&name_id.name_qualifier)
            .bind(&name_id.sp_name_qualifier)
            .bind(i64::from(name_id.is_encrypted))
            .execute(&mut *tx)
            .await?;
    }
    query(LAST_NAME)
        .bind(&key)
        .bind(session)
        .bind(sp)
        .execute(tx)
        .await?;
    Ok(())
}

/// One UPDATE whose row count decides (decision 13); nothing to use up is as good.
async fn use_up(tx: &mut Tx, release: &Release) -> Result<bool, StoreError> {
    let Some(flow) = &release.use_up else {
        return Ok(true);
    };
    let session = release.session.id.as_str();
    let used = query(USE_UP).bind(session).bind(flow).execute(tx).await?;
    Ok(used == 1)
}
