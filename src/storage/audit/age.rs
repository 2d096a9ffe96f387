//! Removing rows of the audit log by their age, so that the chains can still be walked.
//!
//! Rows go from the beginning of the log, in small batches. The transaction that removes a batch
//! writes down, for each chain in it, the last row that went: a checkpoint, with a code under the
//! key of the chains, so that nobody else can make one. A walk goes on from there. Whoever removes
//! more than the checkpoint says is found as before: the next row that is left does not follow it.
//!
//! What goes is walked once more on its way out, so that a row that was altered does not take the
//! evidence with it: an event in the transaction of the removal names it.
//!
//! A row whose time lies in the future, where a clock was wrong, is as old as the next one whose time
//! may be true: rows are in the order of writing.
//!
//! A checkpoint is not needed any more when no row that is left can belong to its chain or name it.
//! A chain takes rows for one day, and its last row is named once, so instants tell.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::time::UnixTime;

use super::super::Store;
use super::super::chain::{ChainKey, Head, Link};
use super::super::engine::{On, Tx, columns, query};
use super::super::error::{Column, StoreError};
use super::super::start_chain::read_heads;
use super::RawRow;
use super::walk::{Break, Walk};

/// Twice as long as a chain takes rows: the clocks of nodes differ by far less.
const LONGER_THAN_ANY_CHAIN: Duration = Duration::from_hours(48);

/// Rows that one transaction removes at most.
const BATCH: usize = 500;

/// After so many rows it stops; it is called again in a minute.
const AT_ONCE: u64 = 50_000;

/// A node that removes rows is alone with it for so long, also if it dies over it.
const LEASE: Duration = Duration::from_mins(2);

const OLDEST: &str = "\
    SELECT position, chain, seq, at, kind, outcome, reason, actor, user_name, sp_name, source, \
    trace, detail, link FROM audit_events WHERE position > ? ORDER BY position LIMIT 500";
const NEXT_TRUE: &str = "\
    SELECT at FROM audit_events WHERE position > ? AND at <= ? ORDER BY position LIMIT 1";
const REMOVE: &str = "DELETE FROM audit_events WHERE position > ? AND position <= ?";
const CHECKPOINTS: &str = "SELECT chain, seq, at, link, code FROM audit_checkpoints";
const MOVE_CHECKPOINT: &str = "\
    UPDATE audit_checkpoints SET seq = ?, at = ?, link = ?, code = ?, named_at = NULL \
    WHERE chain = ?";
const SET_CHECKPOINT: &str = "\
    INSERT INTO audit_checkpoints (seq, at, link, code, chain) VALUES (?, ?, ?, ?, ?)";
const NAME_CHECKPOINT: &str = "\
    UPDATE audit_checkpoints SET named_at = ? WHERE chain = ? AND seq <= ?";
const FORGET_CHECKPOINTS: &str = "DELETE FROM audit_checkpoints WHERE at <= ? AND named_at <= ?";

columns! {
    struct CheckpointRow {
        chain: String,
        seq: i64,
        at: i64,
        link: Vec<u8>,
        code: Vec<u8>,
    }
}

/// Where the beginnings of chains have gone, by chain.
pub(super) type Checkpoints = HashMap<String, Checkpoint>;

/// The last row of a chain that has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checkpoint {
    /// As this program wrote it.
    At(Head),
    /// Somebody without the key of the chains made it, or altered it.
    Forged(i64),
}

/// What is old.
#[derive(Debug, Clone, Copy)]
struct Age {
    before: UnixTime,
    now: UnixTime,
}

/// What was removed.
#[derive(Debug, Default)]
struct Removed {
    rows: u64,
    /// How many of them an event has told of.
    told: u64,
}

impl Store {
    /// Removes audit rows that are older than `keep`, up to 50,000 of them; how many. Does
    /// nothing where another node is at it.
    pub async fn prune_audit(&self, keep: Duration, now: UnixTime) -> Result<u64, StoreError> {
        if !self.take_lease("audit-age", LEASE, now).await? {
            return Ok(0);
        }
        let before = now.minus(keep);
        let removed = self.prune_audit_of(Age { before, now }).await;
        self.give_lease_back("audit-age").await?;
        removed
    }

    async fn prune_audit_of(&self, age: Age) -> Result<u64, StoreError> {
        let key = self.started()?.chain.lock().await.key().clone();
        let (mut removed, mut after) = (Removed::default(), 0);
        let done = loop {
            match self.prune_batch(&key, age, after, &mut removed).await {
                Ok(Some(through)) if removed.rows < AT_ONCE => after = through,
                done => break done,
            }
        };
        if removed.rows > removed.told {
            let mut write = self.write().await?;
            write
                .note(&age.event(removed.rows - removed.told, &[]))
                .await?;
            write.commit().await?;
        }
        done.map(|_| removed.rows)
    }

    /// One batch; `None` when nothing old is left.
    async fn prune_batch(
        &self,
        key: &ChainKey,
        age: Age,
        after: i64,
        removed: &mut Removed,
    ) -> Result<Option<i64>, StoreError> {
        let page: Vec<RawRow> = query(OLDEST).bind(after).fetch_all(self.pool()).await?;
        let old = self.old_of(page, age).await?;
        let Some(last) = old.last() else {
            return Ok(None);
        };
        let known = checkpoints(self.pool(), key).await?;
        let mut walk = Walk::new(key.clone(), &known, HashMap::new());
        for row in &old {
            walk.step(row);
        }
        let (broken, rows) = (
            walk.finish().broken,
            u64::try_from(old.len()).unwrap_or(u64::MAX),
        );
        if broken.is_empty() {
            let mut tx = self.write_unaudited().await?;
            remove(&mut tx, key, &old, (after, age)).await?;
            tx.commit().await?;
        } else {
            // Who stops this program now does not hide what was found.
            let mut write = self.write().await?;
            remove(&mut write.tx, key, &old, (after, age)).await?;
            write.note(&age.event(rows, &broken)).await?;
            write.commit().await?;
            removed.told += rows;
        }
        removed.rows += rows;
        Ok((old.len() == BATCH).then_some(last.position))
    }

    /// The rows that a page begins with and that are old enough.
    async fn old_of(&self, mut page: Vec<RawRow>, age: Age) -> Result<Vec<RawRow>, StoreError> {
        let goes = |row: &RawRow| age.is_old(row) || age.is_of_the_future(row);
        let old = page.iter().take_while(|row| goes(row)).count();
        page.truncate(old);
        if let Some(last) = page.last().filter(|row| age.is_of_the_future(row)) {
            let next: Option<i64> = query(NEXT_TRUE)
                .bind(last.position)
                .bind(age.now.millis())
                .patiently()
                .fetch_optional(self.pool())
                .await?;
            if next.is_none_or(|at| at >= age.before.millis()) {
                let old = page.iter().rposition(|row| age.is_old(row));
                page.truncate(old.map_or(0, |place| place + 1));
            }
        }
        Ok(page)
    }
}

/// The checkpoints, each checked against its code.
pub(super) async fn checkpoints(
    on: impl Into<On<'_>>,
    key: &ChainKey,
) -> Result<Checkpoints, StoreError> {
    let rows: Vec<CheckpointRow> = query(CHECKPOINTS).fetch_all(on).await?;
    let read = |row: CheckpointRow| {
        let link = Link::try_from(row.link).ok();
        let head = link.map(|link| Head { seq: row.seq, link });
        let genuine = head.filter(|head| {
            let expected = key.checkpoint(&row.chain, *head, row.at);
            row.code.len() == expected.len() && openssl::memcmp::eq(&row.code, &expected)
        });
        let checkpoint = genuine.map_or(Checkpoint::Forged(row.seq), Checkpoint::At);
        (row.chain, checkpoint)
    };
    Ok(rows.into_iter().map(read).collect())
}

impl Age {
    fn is_old(self, row: &RawRow) -> bool {
        row.at < self.before.millis()
    }

    fn is_of_the_future(self, row: &RawRow) -> bool {
        row.at > self.now.millis()
    }

    fn event(self, rows: u64, broken: &[Break]) -> AuditEvent {
        let mut detail = format!("{rows} audit rows from before {}", self.before);
        for (place, broken) in broken.iter().take(10).enumerate() {
            detail.push_str(if place == 0 { "; of these, " } else { "; " });
            detail.push_str(&broken.to_string());
            tracing::error!(%broken, "the audit log was altered, in a row that was old enough to go");
        }
        let mut event = AuditEvent::new(self.now, AuditKind::CleanedUp);
        event.detail = Some(detail);
        event
    }
}

/// Removes the rows after `after`, and writes down where their chains go on.
async fn remove(
    tx: &mut Tx,
    key: &ChainKey,
    rows: &[RawRow],
    (after, age): (i64, Age),
) -> Result<(), StoreError> {
    let Some(last) = rows.last() else {
        return Ok(());
    };
    let removed = query(REMOVE).bind(after).bind(last.position);
    let removed = removed.execute(&mut *tx).await?;
    if usize::try_from(removed).ok() != Some(rows.len()) {
        // Somebody else is at it: what went before these rows is not known here.
        return Err(StoreError::Conflict);
    }
    let chains = rows.iter().map(|row| (row.chain.as_str(), row));
    let heads: BTreeMap<&str, &RawRow> = chains.collect();
    for row in heads.into_values() {
        set_checkpoint(tx, key, row).await?;
    }
    let starts = rows
        .iter()
        .filter(|row| row.kind == AuditKind::ChainStarted.word());
    for row in starts {
        // A text that cannot be read was altered, which the walk has told.
        let named = row.detail.as_deref().and_then(read_heads);
        for named in named.into_iter().flatten() {
            query(NAME_CHECKPOINT)
                .bind(row.at)
                .bind(named.chain)
                .bind(named.head.seq)
                .execute(&mut *tx)
                .await?;
        }
    }
    let true_times = rows.iter().filter(|row| age.is_old(row)).map(|row| row.at);
    let Some(newest) = true_times.max() else {
        return Ok(());
    };
    let long_ago = UnixTime::from_millis(newest).minus(LONGER_THAN_ANY_CHAIN);
    query(FORGET_CHECKPOINTS)
        .bind(long_ago.millis())
        .bind(long_ago.millis())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

async fn set_checkpoint(tx: &mut Tx, key: &ChainKey, row: &RawRow) -> Result<(), StoreError> {
    let link = Link::try_from(row.link.as_slice());
    let link = Column("audit_events", "link").checked(link)?;
    let head = Head { seq: row.seq, link };
    let code = key.checkpoint(&row.chain, head, row.at);
    for statement in [MOVE_CHECKPOINT, SET_CHECKPOINT] {
        let met = query(statement)
            .bind(row.seq)
            .bind(row.at)
            .bind(link.as_slice())
            .bind(code.as_slice())
            .bind(&row.chain)
            .execute(&mut *tx)
            .await?;
        if met > 0 {
            break;
        }
    }
    Ok(())
}
