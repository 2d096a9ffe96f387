//! The rows of a logout, in and out.

use crate::directory::logout::{Leg, LegState, Logout, LogoutId, Requester};
use crate::directory::name::{MessageId, SpId, UserName};
use crate::directory::session::SentNameId;
use crate::directory::slo_endpoint::SloBinding;

use super::TokenHash;
use super::ending::Ended;
use super::engine::{Pool, Query, Tx, columns, query};
use super::error::{Column, StoreError};

/// A leg with the hash that its NameID is looked up by.
#[derive(Debug)]
pub(super) struct LegRow {
    pub(super) leg: Leg,
    name_id_key: Option<String>,
}

impl std::ops::Deref for LegRow {
    type Target = Leg;

    fn deref(&self) -> &Leg {
        &self.leg
    }
}

impl std::ops::DerefMut for LegRow {
    fn deref_mut(&mut self) -> &mut Leg {
        &mut self.leg
    }
}

columns! {
    #[derive(Debug)]
    struct ParticipantRow {
        sp_id: String,
        session_index: String,
        name_id_key: Option<String>,
        format: Option<String>,
        value: Option<String>,
        name_qualifier: Option<String>,
        sp_name_qualifier: Option<String>,
        is_encrypted: Option<i64>,
    }
}

const PARTICIPANTS: &str = "\
    SELECT p.sp_id, p.session_index, p.name_id_key, n.format, n.value, n.name_qualifier, \
    n.sp_name_qualifier, n.is_encrypted FROM participants p LEFT JOIN participant_name_ids n \
    ON n.session_id = p.session_id AND n.sp_id = p.sp_id AND n.name_id_key = p.name_id_key \
    WHERE p.session_id = ? ORDER BY p.sp_id";

/// The participants of sessions: one leg for each SP and NameID, with all of its SessionIndexes.
pub(super) async fn legs_of_sessions(
    tx: &mut Tx,
    sessions: &[Ended],
) -> Result<Vec<LegRow>, StoreError> {
    let mut legs: Vec<LegRow> = Vec::new();
    for (session, _) in sessions {
        let rows: Vec<ParticipantRow> = query(PARTICIPANTS)
            .bind(session)
            .fetch_all(&mut *tx)
            .await?;
        for row in rows {
            let same = |leg: &&mut LegRow| {
                leg.leg.sp.as_str() == row.sp_id && leg.name_id_key == row.name_id_key
            };
            if let Some(known) = legs.iter_mut().find(same) {
                known.leg.session_indexes.push(row.session_index);
                continue;
            }
            let position = i64::try_from(legs.len()).unwrap_or(i64::MAX);
            legs.push(LegRow {
                leg: Leg {
                    position,
                    sp: SpId::from_stored(row.sp_id),
                    state: LegState::Waiting,
                    name_id: name_id(
                        row.format,
                        row.value,
                        (row.name_qualifier, row.sp_name_qualifier),
                        row.is_encrypted,
                    ),
                    session_indexes: vec![row.session_index],
                },
                name_id_key: row.name_id_key,
            });
        }
    }
    Ok(legs)
}

fn name_id(
    format: Option<String>,
    value: Option<String>,
    (name_qualifier, sp_name_qualifier): (Option<String>, Option<String>),
    is_encrypted: Option<i64>,
) -> Option<SentNameId> {
    Some(SentNameId {
        format: format?,
        value: value?,
        name_qualifier,
        sp_name_qualifier,
        is_encrypted: is_encrypted == Some(1),
    })
}

pub(super) async fn insert_legs(
    tx: &mut Tx,
    logout: &str,
    legs: &[LegRow],
) -> Result<(), StoreError> {
    for LegRow { leg, name_id_key } in legs {
        let name_id = leg.name_id.as_ref();
        query(
            "INSERT INTO logout_legs (logout_id, position, sp_id, state, session_indexes, \
             name_id_key, format, value, name_qualifier, sp_name_qualifier, is_encrypted) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(logout)
        .bind(leg.position)
        .bind(leg.sp.as_str())
        .bind(leg.state.word())
        // A SessionIndex of ours holds no blank.
        .bind(leg.session_indexes.join(" "))
        .bind(name_id_key)
        .bind(name_id.map(|name_id| &name_id.format))
        .bind(name_id.map(|name_id| &name_id.value))
        .bind(name_id.and_then(|name_id| name_id.name_qualifier.as_ref()))
        .bind(name_id.and_then(|name_id| name_id.sp_name_qualifier.as_ref()))
        .bind(i64::from(
            name_id.is_some_and(|name_id| name_id.is_encrypted),
        ))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

columns! {
    #[derive(Debug)]
    struct LogoutRow {
        id: String,
        user_name: String,
        by_admin: i64,
        sp_id: Option<String>,
        request_id: Option<String>,
        relay_state: Option<String>,
        binding: Option<String>,
        answered_at: Option<i64>,
        onward: Option<String>,
    }
}

columns! {
    #[derive(Debug)]
    struct StoredLeg {
        position: i64,
        sp_id: String,
        state: String,
        session_indexes: String,
        format: Option<String>,
        value: Option<String>,
        name_qualifier: Option<String>,
        sp_name_qualifier: Option<String>,
        is_encrypted: i64,
    }
}

macro_rules! logout {
    ($which:literal) => {
        concat!(
            "SELECT id, user_name, by_admin, sp_id, request_id, relay_state, binding, answered_at, \
             onward FROM logouts WHERE ",
            $which
        )
    };
}

/// A logout with its legs, by the browser's secret.
pub(super) async fn read_logout(
    pool: &Pool,
    token: &TokenHash,
) -> Result<Option<Logout>, StoreError> {
    with_legs(pool, query(logout!("token_hash = ?")).bind(token.as_str())).await
}

/// The same, by its id.
pub(super) async fn logout_by_id(pool: &Pool, id: &str) -> Result<Option<Logout>, StoreError> {
    with_legs(pool, query(logout!("id = ?")).bind(id)).await
}

async fn with_legs(pool: &Pool, asked: Query<'_>) -> Result<Option<Logout>, StoreError> {
    let row: Option<LogoutRow> = asked.fetch_optional(pool).await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let legs: Vec<StoredLeg> = query(
        "SELECT position, sp_id, state, session_indexes, format, value, name_qualifier, \
         sp_name_qualifier, is_encrypted FROM logout_legs WHERE logout_id = ? ORDER BY position",
    )
    .bind(&row.id)
    .fetch_all(pool)
    .await?;
    let legs: Result<Vec<Leg>, StoreError> = legs.into_iter().map(StoredLeg::read).collect();
    Ok(Some(row.read(legs?)?))
}

impl StoredLeg {
    fn read(self) -> Result<Leg, StoreError> {
        let state = LegState::parse(&self.state);
        Ok(Leg {
            position: self.position,
            sp: SpId::from_stored(self.sp_id),
            state: state.ok_or_else(|| Column("logout_legs", "state").inconsistent())?,
            name_id: name_id(
                self.format,
                self.value,
                (self.name_qualifier, self.sp_name_qualifier),
                Some(self.is_encrypted),
            ),
            session_indexes: self.session_indexes.split(' ').map(str::to_owned).collect(),
        })
    }
}

impl LogoutRow {
    fn read(self, legs: Vec<Leg>) -> Result<Logout, StoreError> {
        let requester = match (self.sp_id, self.request_id, self.binding) {
            (Some(sp), Some(request), Some(binding)) => {
                let request = MessageId::parse(&request);
                Some(Requester {
                    sp: SpId::from_stored(sp),
                    request: Column("logouts", "request_id").checked(request)?,
                    relay_state: self.relay_state,
                    binding: SloBinding::parse(&binding),
                })
            }
            _ => None,
        };
        Ok(Logout {
            id: LogoutId::from_stored(self.id),
            user: Column("logouts", "user_name").checked(UserName::parse(&self.user_name))?,
            by_admin: self.by_admin != 0,
            requester,
            answered: self.answered_at.is_some(),
            onward: self.onward,
            legs,
        })
    }
}
