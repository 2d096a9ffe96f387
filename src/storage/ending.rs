//! Which sessions a logout ends: one that is named, or those that a service provider may name.

use crate::directory::name::{SessionId, SpId};

use super::engine::{Tx, query};
use super::error::StoreError;
use super::{TokenHash, hex};

/// A session that is to end, and whose it is.
pub(super) type Ended = (String, String);

/// Which sessions end.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// That of a browser.
    Token(&'a TokenHash),
    /// One, by its id.
    Session(&'a SessionId),
    /// Those in which an SP got a NameID that compares as this one, and one of these SessionIndexes,
    /// or any if none is named (Core 3.7.3.2).
    Named {
        /// The SP.
        sp: &'a SpId,
        /// What the NameID is compared by.
        comparable: &'a str,
        /// SessionIndex elements.
        indexes: &'a [String],
    },
}

/// The sessions of an [`Ending`].
pub(super) async fn which(tx: &mut Tx, ending: Ending<'_>) -> Result<Vec<Ended>, StoreError> {
    let (statement, by) = match ending {
        Ending::Token(token) => (
            "SELECT s.id, u.name FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.token_hash = ?",
            token.as_str(),
        ),
        Ending::Session(id) => (
            "SELECT s.id, u.name FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?",
            id.as_str(),
        ),
        Ending::Named {
            sp,
            comparable,
            indexes,
        } => return named(tx, sp, comparable, indexes).await,
    };
    query(statement).bind(by).fetch_all(&mut *tx).await
}

async fn named(
    tx: &mut Tx,
    sp: &SpId,
    comparable: &str,
    indexes: &[String],
) -> Result<Vec<Ended>, StoreError> {
    let found: Vec<(String, String, String)> = query(
        "SELECT p.session_id, u.name, p.session_index FROM participant_name_ids n \
         JOIN participants p ON p.session_id = n.session_id AND p.sp_id = n.sp_id \
         JOIN sessions s ON s.id = p.session_id JOIN users u ON u.id = s.user_id \
         WHERE n.name_id_key = ? AND n.sp_id = ?",
    )
    .bind(hex::sha256(comparable.as_bytes()))
    .bind(sp.as_str())
    .fetch_all(&mut *tx)
    .await?;
    let is_named = |index: &String| indexes.is_empty() || indexes.contains(index);
    let named = found.into_iter().filter(|(_, _, index)| is_named(index));
    Ok(named.map(|(session, user, _)| (session, user)).collect())
}
