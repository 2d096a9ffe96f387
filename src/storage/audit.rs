//! The audit log: who did what, in the order of writing, and whether it is still what was written.

use std::collections::HashMap;

use crate::directory::audit::{AuditEvent, AuditKind, Outcome};
use crate::directory::name::{SpName, TraceId, UserName};
use crate::directory::reason::ReasonCode;
use crate::directory::time::UnixTime;

use super::Store;
use super::chain::{ChainKey, Head, Link};
use super::engine::{Tx, columns, query};
use super::error::{Column, StoreError};
use super::start_chain::read_heads;

const INSERT_EVENT: &str = "\
    INSERT INTO audit_events (chain, seq, at, kind, outcome, reason, actor, user_name, sp_name, \
    source, trace, detail, link) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const PAGE_FORWARDS: &str = "\
    SELECT position, chain, seq, at, kind, outcome, reason, actor, user_name, sp_name, source, \
    trace, detail, link FROM audit_events WHERE position > ? ORDER BY position LIMIT 1000";

const PAGE_BACKWARDS: &str = "\
    SELECT position, chain, seq, at, kind, outcome, reason, actor, user_name, sp_name, source, \
    trace, detail, link FROM audit_events \
    WHERE position < ? AND at >= ? AND at < ? AND (? = '' OR sp_name = ?) AND (? = '' OR kind = ?) \
    ORDER BY position DESC LIMIT 1000";

const FIRST_ROWS: &str = "\
    SELECT position, detail FROM audit_events \
    WHERE position > ? AND kind = 'chain-started' ORDER BY position LIMIT 1000";

/// The columns of a row that its link covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) at: i64,
    pub(super) kind: &'a str,
    pub(super) outcome: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) actor: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) sp: Option<&'a str>,
    pub(super) source: Option<&'a str>,
    pub(super) trace: Option<&'a str>,
    pub(super) detail: Option<&'a str>,
}

impl<'a> From<&'a AuditEvent> for Fields<'a> {
    fn from(event: &'a AuditEvent) -> Self {
        Self {
            at: event.at.millis(),
            kind: event.kind.word(),
            outcome: event.outcome.word(),
            reason: event.reason.map(ReasonCode::word),
            actor: event.actor.as_deref(),
            user: event.user.as_ref().map(UserName::as_str),
            sp: event.sp.as_ref().map(SpName::as_str),
            source: event.source.as_deref(),
            trace: event.trace.as_ref().map(TraceId::as_str),
            detail: event.detail.as_deref(),
        }
    }
}

/// Writes one row.
pub(super) async fn insert_event(
    tx: &mut Tx,
    chain: &str,
    head: &Head,
    fields: &Fields<'_>,
) -> Result<(), StoreError> {
    query(INSERT_EVENT)
        .bind(chain)
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
        .execute(tx)
        .await?;
    Ok(())
}

/// Which rows are wanted. Nothing said means all, without a limit.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Rows of this instant and later ones.
    pub since: Option<UnixTime>,
    /// Rows before this instant.
    pub until: Option<UnixTime>,
    /// Rows about this person, or of what this person did.
    pub user: Option<UserName>,
    /// Rows about this SP.
    pub sp: Option<SpName>,
    /// Rows of this kind.
    pub kind: Option<AuditKind>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the log.
    pub position: i64,
    /// Which chain it is in.
    pub chain: String,
    /// Its place in the chain.
    pub seq: i64,
    /// What it says.
    pub event: AuditEvent,
    /// Its link.
    pub link: Link,
}

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
    /// A later chain names a row that is not there, or not as it was.
    #[error("chain {chain}: its end was cut off or altered; row {seq} was there once")]
    CutOff {
        /// Which chain.
        chain: String,
        /// The row that is named.
        seq: i64,
    },
}

columns! {
    #[derive(Debug)]
    struct RawRow {
        position: i64,
        chain: String,
        seq: i64,
        at: i64,
        kind: String,
        outcome: String,
        reason: Option<String>,
        actor: Option<String>,
        user_name: Option<String>,
        sp_name: Option<String>,
        source: Option<String>,
        trace: Option<String>,
        detail: Option<String>,
        link: Vec<u8>,
    }
}

impl RawRow {
    fn fields(&self) -> Fields<'_> {
        Fields {
            at: self.at,
            kind: &self.kind,
            outcome: &self.outcome,
            reason: self.reason.as_deref(),
            actor: self.actor.as_deref(),
            user: self.user_name.as_deref(),
            sp: self.sp_name.as_deref(),
            source: self.source.as_deref(),
            trace: self.trace.as_deref(),
            detail: self.detail.as_deref(),
        }
    }

    fn read(self) -> Result<AuditRow, StoreError> {
        let bad = |column| Column("audit_events", column).inconsistent();
        let outcome = [Outcome::Done, Outcome::Refused]
            .into_iter()
            .find(|outcome| outcome.word() == self.outcome)
            .ok_or_else(|| bad("outcome"))?;
        let reason = self.reason.as_deref().map(ReasonCode::parse);
        let user = self.user_name.as_deref().map(UserName::parse).transpose();
        let sp = self.sp_name.as_deref().map(SpName::parse).transpose();
        let event = AuditEvent {
            at: UnixTime::from_millis(self.at),
            kind: AuditKind::parse(&self.kind).ok_or_else(|| bad("kind"))?,
            outcome,
            reason: match reason {
                Some(None) => return Err(bad("reason")),
                Some(known) => known,
                None => None,
            },
            actor: self.actor,
            user: user.map_err(|_| bad("user_name"))?,
            sp: sp.map_err(|_| bad("sp_name"))?,
            source: self.source,
            trace: self.trace.map(TraceId::from_stored),
            detail: self.detail,
        };
        Ok(AuditRow {
            position: self.position,
            chain: self.chain,
            seq: self.seq,
            event,
            link: self.link.try_into().map_err(|_| bad("link"))?,
        })
    }
}

impl AuditFilter {
    fn wants(&self, event: &AuditEvent) -> bool {
        let Some(user) = &self.user else { return true };
        let key = user.key();
        let is_about = event.user.as_ref().is_some_and(|user| user.key() == key);
        is_about
            || event
                .actor
                .as_ref()
                .is_some_and(|a| a.to_lowercase() == key)
    }
}

impl Store {
    /// Rows of the audit log, the newest first.
    pub async fn audit_events(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let (mut found, mut before) = (Vec::new(), i64::MAX);
        while found.len() < limit {
            let page = self.audit_page(filter, before).await?;
            let Some(last) = page.last() else { break };
            before = last.position;
            for row in page {
                let row = row.read()?;
                if found.len() < limit && filter.wants(&row.event) {
                    found.push(row);
                }
            }
        }
        Ok(found)
    }

    async fn audit_page(
        &self,
        filter: &AuditFilter,
        before: i64,
    ) -> Result<Vec<RawRow>, StoreError> {
        let sp = filter.sp.as_ref().map_or("", SpName::as_str);
        let kind = filter.kind.map_or("", AuditKind::word);
        query(PAGE_BACKWARDS)
            .bind(before)
            .bind(filter.since.map_or(i64::MIN, UnixTime::millis))
            .bind(filter.until.map_or(i64::MAX, UnixTime::millis))
            .bind(sp)
            .bind(sp)
            .bind(kind)
            .bind(kind)
            .fetch_all(self.pool())
            .await
    }

    /// Walks all chains and says where the log is not what was written: rows altered, removed,
    /// moved, or cut off (decision 16).
    pub async fn verify_audit(&self, chain_key: &[u8; 32]) -> Result<Verification, StoreError> {
        // What is named is read first: rows that are written meanwhile only add to the log.
        let mut walk = Walk {
            key: ChainKey::new(chain_key),
            chains: HashMap::new(),
            named: self.named_heads().await?,
            rows: 0,
            broken: Vec::new(),
        };
        let mut after = 0;
        loop {
            let page: Vec<RawRow> = query(PAGE_FORWARDS)
                .bind(after)
                .fetch_all(self.pool())
                .await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            for row in &page {
                walk.step(row);
            }
        }
        Ok(walk.finish())
    }

    async fn named_heads(&self) -> Result<HashMap<(String, i64), Link>, StoreError> {
        let (mut named, mut after) = (HashMap::new(), 0);
        loop {
            let page: Vec<(i64, Option<String>)> =
                query(FIRST_ROWS).bind(after).fetch_all(self.pool()).await?;
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
}

/// The walk along all chains at once, in the order of writing.
struct Walk {
    key: ChainKey,
    chains: HashMap<String, Head>,
    named: HashMap<(String, i64), Link>,
    rows: u64,
    broken: Vec<Break>,
}

impl Walk {
    fn step(&mut self, row: &RawRow) {
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
        self.chains.insert(place.0, Head { seq: row.seq, link });
    }

    fn finish(mut self) -> Verification {
        let mut cut: Vec<_> = self.named.into_keys().collect();
        cut.sort();
        let cut = cut.into_iter();
        self.broken
            .extend(cut.map(|(chain, seq)| Break::CutOff { chain, seq }));
        Verification {
            rows: self.rows,
            chains: self.chains.len(),
            broken: self.broken,
        }
    }
}
