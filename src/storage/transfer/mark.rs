//! Whose filling of a database it is.
//!
//! The mark of a database that is being filled is a random value in its settings. Whoever fills
//! writes another one with every step, in the transaction of the step, and only over the one that it
//! wrote last: a step of somebody whose filling was taken over changes nothing. Whoever finds a mark
//! looks on for a while. One that changes is somebody's who is alive; one that does not is taken over.
//! No clock is asked, and however long somebody stood still, two never write into one database.

use std::time::{Duration, Instant};

use super::super::Store;
use super::super::engine::{On, Tx, query};
use super::super::error::StoreError;
use super::TransferError;
use super::tables::TABLES;
use crate::clock::random;

/// The setting of a database that is being filled.
pub(super) const HALF_FILLED: &str = "half-filled";

const IS_HALF_FILLED: &str = "SELECT COUNT(*) FROM settings WHERE name = ?";
const MARK: &str = "INSERT INTO settings (name, value) VALUES (?, ?)";
const STEP: &str = "UPDATE settings SET value = ? WHERE name = ? AND value = ?";
const UNMARK: &str = "DELETE FROM settings WHERE name = ? AND value = ?";

/// A mark that has not changed for so long is that of somebody who is gone.
const STANDS_STILL: Duration = Duration::from_secs(6);

/// So often it is changed by somebody who only reads.
const BEAT: Duration = Duration::from_secs(1);

/// The mark as this process wrote it last.
#[derive(Debug)]
pub(super) struct Mark {
    value: Vec<u8>,
    at: Instant,
}

/// A mark that is written, and counts when its transaction is committed.
pub(super) struct Step(Vec<u8>);

impl Store {
    /// Whether the database is one that is being filled, or whose filling was interrupted.
    pub async fn is_half_filled(&self) -> Result<bool, StoreError> {
        let marked = query(IS_HALF_FILLED).bind(HALF_FILLED);
        Ok(marked.fetch_one::<i64>(self.pool()).await? > 0)
    }
}

impl Mark {
    /// Marks a database that is empty, or takes over what somebody left half filled.
    pub(super) async fn take(store: &Store) -> Result<Self, TransferError> {
        let Some(seen) = store.setting(HALF_FILLED).await? else {
            return Self::first(store).await;
        };
        tokio::time::sleep(STANDS_STILL).await;
        let value = fresh()?;
        let step = query(STEP)
            .bind(value.as_slice())
            .bind(HALF_FILLED)
            .bind(seen.as_slice());
        match step.execute(store.pool()).await? {
            1 => Ok(Self::now(value)),
            _ => Err(TransferError::BeingFilled),
        }
    }

    /// Marked and looked through in one transaction: a database with rows is never marked, and one
    /// that somebody else has filled meanwhile has rows.
    async fn first(store: &Store) -> Result<Self, TransferError> {
        let value = fresh()?;
        let mut tx = store.write_unaudited().await?;
        let mark = query(MARK).bind(HALF_FILLED).bind(value.as_slice());
        match mark.execute(&mut tx).await {
            Err(StoreError::Conflict) => return Err(TransferError::BeingFilled),
            done => done?,
        };
        refuse_rows(&mut tx).await?;
        tx.commit().await?;
        Ok(Self::now(value))
    }

    fn now(value: Vec<u8>) -> Self {
        Self {
            value,
            at: Instant::now(),
        }
    }

    /// Says that the filling goes on, within the transaction of what is done.
    pub(super) async fn step(&self, on: impl Into<On<'_>>) -> Result<Step, TransferError> {
        let value = fresh()?;
        let step = query(STEP)
            .bind(value.as_slice())
            .bind(HALF_FILLED)
            .bind(self.value.as_slice());
        match step.execute(on).await? {
            1 => Ok(Step(value)),
            _ => Err(TransferError::TakenOver),
        }
    }

    /// The step was committed.
    pub(super) fn stepped(&mut self, step: Step) {
        *self = Self::now(step.0);
    }

    /// Says that the filling goes on, if that was said long enough ago.
    pub(super) async fn beat(&mut self, store: &Store) -> Result<(), TransferError> {
        if self.at.elapsed() < BEAT {
            return Ok(());
        }
        let step = self.step(store.pool()).await?;
        self.stepped(step);
        Ok(())
    }

    /// Takes the mark away, within the transaction of what is done last.
    pub(super) async fn remove(self, tx: &mut Tx) -> Result<(), TransferError> {
        let unmark = query(UNMARK).bind(HALF_FILLED).bind(self.value.as_slice());
        match unmark.execute(tx).await? {
            1 => Ok(()),
            _ => Err(TransferError::TakenOver),
        }
    }
}

fn fresh() -> Result<Vec<u8>, StoreError> {
    Ok(random::<16>()?.to_vec())
}

/// What the migrations themselves put into a fresh database is one row of each of these, and one is
/// the mark.
async fn refuse_rows(tx: &mut Tx) -> Result<(), TransferError> {
    const ONE_ROW: [&str; 4] = [
        "roles",
        "signing_key_version",
        "audit_heads_named",
        "settings",
    ];
    for table in TABLES {
        let rows: i64 = query(table.few).fetch_one(&mut *tx).await?;
        if rows > i64::from(ONE_ROW.contains(&table.name)) {
            return Err(TransferError::NotEmpty { table: table.name });
        }
    }
    Ok(())
}
