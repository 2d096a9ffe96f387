//! The keyed chains of the audit log (decision 16): each row's link is an HMAC over the link before
//! it and the row, so a row that was removed, altered or moved shows.
//!
//! A process writes one chain at a time. Its first row names the heads of the others, so that
//! cutting off the end of a chain shows as well. A chain ends with the process, after
//! [`ROWS_PER_CHAIN`] rows, after a day, or when the outcome of a commit is not known; the next row then begins
//! another.

use std::time::Duration;

use openssl::sha::Sha256;

use crate::clock::{Clock, random};
use crate::digest::HmacKey;
use crate::directory::time::UnixTime;

use super::audit::Fields;
use super::error::StoreError;

/// After so many rows a chain ends and the next one names its head: bounds what a new chain has to
/// look through, and how much of an end could be cut off unseen.
const ROWS_PER_CHAIN: i64 = 5_000;

/// After so long a chain ends as well, so that rows that went by their age are known to be all of
/// their chain (`audit/age.rs`).
const CHAIN_TAKES_ROWS_FOR: Duration = Duration::from_hours(24);

/// The link of one row.
pub type Link = [u8; 32];

/// Where a chain has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) link: Link,
}

/// The chain that this process writes. Held locked from before BEGIN until after COMMIT.
#[derive(Debug)]
pub(super) struct Chain {
    key: ChainKey,
    label: String,
    clock: Clock,
    id: String,
    head: Option<Head>,
    began: UnixTime,
    is_settled: bool,
}

impl Chain {
    pub(super) fn new(key: [u8; 32], label: &str, clock: Clock) -> Self {
        let label = label
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(40)
            .collect();
        Self {
            key: ChainKey::new(&key),
            label,
            clock,
            id: String::new(),
            head: None,
            began: UnixTime::from_millis(0),
            is_settled: true,
        }
    }

    /// Whether the next row needs a new chain to be begun first.
    pub(super) fn has_to_begin(&self) -> bool {
        let is_old = self.clock.now().since(self.began) >= CHAIN_TAKES_ROWS_FOR;
        let is_full = self.head.is_none_or(|head| head.seq >= ROWS_PER_CHAIN);
        !self.is_settled || is_full || is_old
    }

    /// The id that a new chain would get.
    pub(super) fn fresh_id(&self) -> Result<String, StoreError> {
        let id = super::hex::encode(&random::<8>()?);
        Ok(format!("{}.{id}", self.label))
    }

    /// Takes up a chain whose first row has been committed.
    pub(super) fn begin(&mut self, id: String, head: Head) {
        self.id = id;
        self.head = Some(head);
        self.began = self.clock.now();
        self.is_settled = true;
    }

    /// A COMMIT is about to be tried; until [`Chain::advance`] is called, nobody knows.
    pub(super) fn about_to_commit(&mut self) {
        self.is_settled = false;
    }

    /// The COMMIT was done.
    pub(super) fn advance(&mut self, head: Head) {
        self.head = Some(head);
        self.is_settled = true;
    }

    /// What it has written is not there any more: the next row begins another.
    pub(super) fn abandon(&mut self) {
        self.is_settled = false;
    }

    /// The transaction was rolled back for certain.
    pub(super) fn stay(&mut self) {
        self.is_settled = true;
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn head(&self) -> Option<Head> {
        self.head
    }

    /// The link of a row that would follow `before` in the chain `id`.
    pub(super) fn link(&self, before: Option<Head>, id: &str, fields: &Fields<'_>) -> Head {
        let seq = before.map_or(0, |head| head.seq + 1);
        let link = self.key.link(before.map(|head| head.link), id, seq, fields);
        Head { seq, link }
    }

    pub(super) fn key(&self) -> &ChainKey {
        &self.key
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// The key that links are made with.
#[derive(Debug, Clone)]
pub(super) struct ChainKey(HmacKey);

impl ChainKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(HmacKey::new(key))
    }

    /// The link of a row that follows `before`; the first row follows nothing.
    pub(super) fn link(
        &self,
        before: Option<Link>,
        chain: &str,
        seq: i64,
        fields: &Fields<'_>,
    ) -> Link {
        self.0.code(|hash| {
            let mut mac = Mac(hash);
            mac.text(Some("doorward audit row 1"));
            mac.0.update(&before.unwrap_or_default());
            mac.text(Some(chain));
            mac.number(seq);
            mac.number(fields.at);
            mac.text(Some(fields.kind));
            mac.text(Some(fields.outcome));
            for text in [
                fields.reason,
                fields.actor,
                fields.user,
                fields.sp,
                fields.source,
                fields.trace,
                fields.detail,
            ] {
                mac.text(text);
            }
        })
    }
}

impl ChainKey {
    /// The code of a checkpoint: up to this row, the rows of the chain went by their age.
    pub(super) fn checkpoint(&self, chain: &str, last: Head, at: i64) -> Link {
        self.0.code(|hash| {
            let mut mac = Mac(hash);
            mac.text(Some("doorward audit checkpoint 1"));
            mac.text(Some(chain));
            mac.number(last.seq);
            mac.number(at);
            mac.0.update(&last.link);
        })
    }
}

/// Fields go in with their length, so that no two rows give the same bytes.
struct Mac<'h>(&'h mut Sha256);

impl Mac<'_> {
    fn number(&mut self, number: i64) {
        self.0.update(&number.to_be_bytes());
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            None => self.number(-1),
            Some(text) => {
                self.number(i64::try_from(text.len()).unwrap_or(i64::MAX));
                self.0.update(text.as_bytes());
            }
        }
    }
}
