//! A write that is audited: the change and its audit row, committed together or not at all.

use sqlx::sqlite::SqliteQueryResult;
use sqlx::{Sqlite, Transaction};
use tokio::sync::MutexGuard;

use crate::directory::audit::AuditEvent;

use super::audit::{Fields, INSERT_EVENT};
use super::chain::{Chain, Head};
use super::error::StoreError;
use super::tally::{Counted, Tally, counted};
use super::{Store, start_chain};

/// One write transaction. Dropped without [`Write::commit`], it has not happened.
///
/// The chain is locked before BEGIN, so that rows are linked in the order in which they are
/// committed.
pub(super) struct Write<'s> {
    // Dropped first: the transaction is rolled back before the chain is let go.
    pub(super) tx: Transaction<'static, Sqlite>,
    head: Option<Head>,
    chain: MutexGuard<'s, Chain>,
    /// What counts once it is committed.
    noted: Vec<Counted>,
    tally: &'s Tally,
}

impl Store {
    /// Begins a write that will be audited.
    pub(super) async fn write(&self) -> Result<Write<'_>, StoreError> {
        let mut chain = self.started()?.chain.lock().await;
        if chain.has_to_begin() {
            let mut connection = self.0.sqlite.writing_connection()?;
            start_chain::start(&mut connection, &mut chain)?;
        }
        let tx = self.write_unaudited().await?;
        Ok(Write {
            tx,
            head: chain.head(),
            chain,
            noted: Vec::new(),
            tally: &self.0.tally,
        })
    }

    /// Begins a write of what is no event: a key, a setting, a lease.
    pub(super) async fn write_unaudited(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        // IMMEDIATE: a transaction that read first could not become a writer later.
        Ok(self.pool().begin_with("BEGIN IMMEDIATE").await?)
    }
}

impl Write<'_> {
    /// Writes an audit row.
    pub(super) async fn note(&mut self, event: &AuditEvent) -> Result<(), StoreError> {
        let fields = Fields::from(event);
        let head = self.chain.link(self.head, self.chain.id(), &fields);
        sqlx::query(INSERT_EVENT)
            .bind(self.chain.id())
            .bind(head.seq)
            .bind(fields.at)
            .bind(fields.kind)
            .bind(fields.outcome)
            .bind(fields.reason)
            .bind(fields.actor)
            .bind(fields.user)
            .bind(fields.sp)
            .bind(fields.source)
            .bind(fields.trace)
            .bind(fields.detail)
            .bind(head.link.as_slice())
            .execute(&mut *self.tx)
            .await?;
        self.head = Some(head);
        self.noted.push(counted(event));
        Ok(())
    }

    /// Writes the audit row and makes it so, if the statement changed anything; says whether it did.
    pub(super) async fn commit_if_changed(
        mut self,
        done: &SqliteQueryResult,
        event: &AuditEvent,
    ) -> Result<bool, StoreError> {
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.note(event).await?;
        self.commit().await?;
        Ok(true)
    }

    /// Makes it so.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.chain.about_to_commit();
        self.tx.commit().await.map_err(StoreError::of_commit)?;
        match self.head {
            Some(head) => self.chain.advance(head),
            None => self.chain.stay(),
        }
        for event in self.noted {
            self.tally.count(event);
        }
        Ok(())
    }
}
