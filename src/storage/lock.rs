//! Rows that a transaction takes for itself before it reads what it decides on (decision 43).
//!
//! Between two transactions that read first and write then, READ COMMITTED sees to nothing. So
//! whoever decides on what belongs to a row first writes to that row, though nothing new: the other
//! waits, and then reads what this one has left. On SQLite one writes at a time anyway.

use super::engine::{Tx, query};
use super::error::StoreError;

/// A row that others' rows belong to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    /// A user: what they agreed to, their sessions as a whole.
    User,
    /// A session: who takes part in it.
    Session,
    /// The session of a browser, by its hash.
    Token,
    /// A source of metadata: its rule, its registrations.
    Source,
}

impl Owner {
    const fn statement(self) -> &'static str {
        match self {
            Self::User => "UPDATE users SET created_at = created_at WHERE id = ?",
            Self::Session => "UPDATE sessions SET started_at = started_at WHERE id = ?",
            Self::Token => "UPDATE sessions SET started_at = started_at WHERE token_hash = ?",
            Self::Source => "UPDATE metadata_sources SET added_at = added_at WHERE id = ?",
        }
    }
}

/// Takes it until the transaction ends; `false`: it is not there (any more).
pub(super) async fn lock(tx: &mut Tx, owner: Owner, key: &str) -> Result<bool, StoreError> {
    Ok(query(owner.statement()).bind(key).execute(tx).await? == 1)
}
