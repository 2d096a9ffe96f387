//! Walking the chains of the audit log: whether it is still what was written (decision 16).

use std::collections::{HashMap, HashSet};

use super::super::Store;
use super::super::chain::{ChainKey, Head, Link};
use super::super::engine::{Tx, query};
use super::super::error::StoreError;
use super::super::start_chain::read_heads;
use super::RawRow;
use super::age::{Checkpoint, Checkpoints, checkpoints};

const PAGE_FORWARDS: &str = "\
    SELECT position, chain, seq, at, kind, outcome, reason, actor, user_name, sp_name, source, \
    trace, detail, link FROM audit_events WHERE position > ? ORDER BY position LIMIT 1000";

const FIRST_ROWS: &str = "\
    SELECT position, detail FROM audit_events \
    WHERE position > ? AND kind = 'chain-started' ORDER BY position LIMIT 1000";

/// What [`Store::verify_audit`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many rows were looked at.
    pub rows: u64,
    /// In how many chains.
    pub chains: usize,
    /// Where the log is not what was written.
    pub broken: Vec<Break>,
}

/// A place where the audit log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// The row was altered, or the row before it is another one.
    #[error("chain {chain}: row {seq} was altered")]
    Altered {
        /// Which chain.
        chain: String,
        /// Which row.
        seq: i64,
    },
    /// Rows are missing, or were moved.
    #[error("chain {chain}: row {expected} is missing or moved; {found} stands in its place")]
    Missing {
        /// Which chain.
        chain: String,
        /// The row that should follow.
        expected: i64,
        /// The row that follows.
        found: i64,
    },
    /// A checkpoint of rows that went by their age was not made by Doorward.
    #[error("chain {chain}: what is said about its rows up to {seq}, which are gone, is forged")]
    Forged {
        /// Which chain.
        chain: String,
        /// The last row that is said to have gone by its age.
        seq: i64,
    },
    /// A later chain names a row that is not there, or not as it was.
    #[error("chain {chain}: its end was cut off or altered; row {seq} was there once")]
    CutOff {
        /// Which chain.
        chain: String,
        /// The row that is named.
        seq: i64,
    },
}

impl Store {
    /// Walks all chains and says where the log is not what was written: rows altered, removed,
    /// moved, or cut off (decision 16).
    pub async fn verify_audit(&self, chain_key: &[u8; 32]) -> Result<Verification, StoreError> {
        // Of one moment: on a server, rows become visible in another order than that of positions, and
        // rows may go by their age meanwhile.
        let mut tx = self.pool().snapshot().await?;
        let key = ChainKey::new(chain_key);
        let known = checkpoints(&mut tx, &key).await?;
        let mut walk = Walk::new(key, &known, named_heads(&mut tx).await?);
        let mut after = 0;
        loop {
            let page: Vec<RawRow> = query(PAGE_FORWARDS)
                .bind(after)
                .patiently()
                .fetch_all(&mut tx)
                .await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            for row in &page {
                walk.step(row);
            }
        }
        // Ended at once: the server would keep for it what others change meanwhile.
        tx.commit().await?;
        Ok(walk.finish())
    }
}

async fn named_heads(tx: &mut Tx) -> Result<HashMap<(String, i64), Link>, StoreError> {
    let (mut named, mut after) = (HashMap::new(), 0);
    loop {
        let page: Vec<(i64, Option<String>)> = query(FIRST_ROWS)
            .bind(after)
            .patiently()
            .fetch_all(&mut *tx)
            .await?;
        let Some((last, _)) = page.last() else {
            return Ok(named);
        };
        after = *last;
        // A text that cannot be read was altered, which its own link tells.
        for head in page
            .iter()
            .filter_map(|(_, detail)| read_heads(detail.as_deref()?))
            .flatten()
        {
            named.insert((head.chain, head.head.seq), head.head.link);
        }
    }
}

/// The walk along all chains at once, in the order of writing.
pub(super) struct Walk {
    key: ChainKey,
    /// Where each chain has got to; at first, where it goes on after rows that went by their age.
    chains: HashMap<String, Head>,
    /// The same as it was at first.
    gone: HashMap<String, Head>,
    /// The chains that have rows.
    met: HashSet<String>,
    named: HashMap<(String, i64), Link>,
    rows: u64,
    broken: Vec<Break>,
}

impl Walk {
    /// Begins after what has gone by its age.
    pub(super) fn new(
        key: ChainKey,
        known: &Checkpoints,
        named: HashMap<(String, i64), Link>,
    ) -> Self {
        let (mut gone, mut broken) = (HashMap::new(), Vec::new());
        for (chain, checkpoint) in known {
            match *checkpoint {
                Checkpoint::At(head) => {
                    gone.insert(chain.clone(), head);
                }
                Checkpoint::Forged(seq) => broken.push(Break::Forged {
                    chain: chain.clone(),
                    seq,
                }),
            }
        }
        Self {
            key,
            chains: gone.clone(),
            gone,
            met: HashSet::new(),
            named,
            rows: 0,
            broken,
        }
    }

    pub(super) fn step(&mut self, row: &RawRow) {
        self.rows += 1;
        let before = self.chains.get(&row.chain).copied();
        let expected = before.map_or(0, |head| head.seq + 1);
        let chain = || row.chain.clone();
        if row.seq == expected {
            let before = before.map(|head| head.link);
            let link = self.key.link(before, &row.chain, row.seq, &row.fields());
            if link.as_slice() != row.link.as_slice() {
                let (chain, seq) = (chain(), row.seq);
                self.broken.push(Break::Altered { chain, seq });
            }
        } else {
            let (chain, found) = (chain(), row.seq);
            self.broken.push(Break::Missing {
                chain,
                expected,
                found,
            });
        }
        // Go on from what stands there, so that one change is reported once.
        let link = Link::try_from(row.link.as_slice()).unwrap_or_default();
        let place = (chain(), row.seq);
        if self.named.get(&place) == Some(&link) {
            self.named.remove(&place);
        }
        if !self.met.contains(&place.0) {
            self.met.insert(place.0.clone());
        }
        self.chains.insert(place.0, Head { seq: row.seq, link });
    }

    /// Whether a row that is named went by its age: before the last row of its chain that did, or as
    /// that very row.
    fn has_gone(&self, chain: &str, seq: i64, link: Link) -> bool {
        self.gone
            .get(chain)
            .is_some_and(|last| seq < last.seq || (seq == last.seq && link == last.link))
    }

    pub(super) fn finish(mut self) -> Verification {
        let named = std::mem::take(&mut self.named).into_iter();
        let cut = named.filter(|((chain, seq), link)| !self.has_gone(chain, *seq, *link));
        let mut cut: Vec<_> = cut.map(|(place, _)| place).collect();
        cut.sort();
        let cut = cut.into_iter();
        self.broken
            .extend(cut.map(|(chain, seq)| Break::CutOff { chain, seq }));
        Verification {
            rows: self.rows,
            chains: self.met.len(),
            broken: self.broken,
        }
    }
}
