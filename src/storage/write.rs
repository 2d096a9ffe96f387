//! A write that is audited: the change and its audit row, committed together or not at all.

use tokio::sync::MutexGuard;

use crate::directory::audit::AuditEvent;

use super::audit::{Fields, insert_event, insert_events};
use super::chain::{Chain, Head};
use super::engine::Tx;
use super::error::StoreError;
use super::tally::{Counted, Tally, counted};
use super::{Store, start_chain};

/// Tries a write again that the database undid in favour of another's, three times in all. What
/// it does is data, so that it can be done anew.
macro_rules! again {
    ($write:expr) => {{
        let mut tries = 1;
        loop {
            match $write.await {
                Err($crate::storage::StoreError::Deadlock)
                    if tries < $crate::storage::engine::TRIES =>
                {
                    tries += 1;
                }
                Err($crate::storage::StoreError::Deadlock) => {
                    break Err($crate::storage::StoreError::Busy);
                }
                done => break done,
            }
        }
    }};
}
pub(super) use again;

/// One write transaction. Dropped without [`Write::commit`], it has not happened.
///
/// The chain is locked before BEGIN, so that rows are linked in the order in which they are
/// committed.
pub(super) struct Write<'s> {
    // Dropped first: the transaction is rolled back before the chain is let go.
    pub(super) tx: Tx,
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
            let tx = self.write_unaudited().await?;
            start_chain::start(tx, &mut chain).await?;
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
    pub(super) async fn write_unaudited(&self) -> Result<Tx, StoreError> {
        self.pool().begin().await
    }
}

impl Write<'_> {
    /// Writes an audit row.
    pub(super) async fn note(&mut self, event: &AuditEvent) -> Result<(), StoreError> {
        let fields = Fields::from(event);
        let head = self.chain.link(self.head, self.chain.id(), &fields);
        insert_event(&mut self.tx, self.chain.id(), &head, &fields).await?;
        self.head = Some(head);
        self.noted.push(counted(event));
        Ok(())
    }

    /// Writes several audit rows with as few statements as that takes.
    pub(super) async fn note_all(&mut self, events: &[&AuditEvent]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            let fields = Fields::from(*event);
            let head = self.chain.link(self.head, self.chain.id(), &fields);
            self.head = Some(head);
            rows.push((head, fields));
        }
        insert_events(&mut self.tx, self.chain.id(), &rows).await?;
        self.noted.extend(events.iter().map(|event| counted(event)));
        Ok(())
    }

    /// Writes the audit row and makes it so, if the statement changed anything; says whether it did.
    pub(super) async fn commit_if_changed(
        mut self,
        done: u64,
        event: &AuditEvent,
    ) -> Result<bool, StoreError> {
        if done == 0 {
            return Ok(false);
        }
        self.note(event).await?;
        self.commit().await?;
        Ok(true)
    }

    /// Makes it so.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.chain.about_to_commit();
        self.tx.commit().await?;
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
