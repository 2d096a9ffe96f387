//! The audit log: who did what, in the order of writing, and whether it is still what was written.

mod age;
mod walk;

use crate::directory::audit::{AuditEvent, AuditKind, Outcome};
use crate::directory::name::{SpName, TraceId, UserName};
use crate::directory::reason::ReasonCode;
use crate::directory::time::UnixTime;

use super::Store;
use super::chain::{Head, Link};
use super::engine::{Query, Tx, columns, query};
use super::error::{Column, StoreError};
use super::many::{Many, hundred, insert_many, ten};

pub use walk::{Break, Verification};

const INSERT_EVENTS: Many = insert_many!(
    "INSERT INTO audit_events (chain, seq, at, kind, outcome, reason, actor, user_name, sp_name, \
     source, trace, detail, link) VALUES",
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

const PAGE_BACKWARDS: &str = "\
    SELECT position, chain, seq, at, kind, outcome, reason, actor, user_name, sp_name, source, \
    trace, detail, link FROM audit_events \
    WHERE position < ? AND at >= ? AND at < ? AND (? = '' OR sp_name = ?) AND (? = '' OR kind = ?) \
    ORDER BY position DESC LIMIT 1000";

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
    let insert = bound(query(INSERT_EVENTS.one), chain, head, fields);
    insert.execute(tx).await?;
    Ok(())
}

/// Writes several rows of one chain, with as few statements as that takes.
pub(super) async fn insert_events(
    tx: &mut Tx,
    chain: &str,
    rows: &[(Head, Fields<'_>)],
) -> Result<(), StoreError> {
    for (text, run) in INSERT_EVENTS.runs(rows) {
        let insert = run
            .iter()
            .fold(query(text).patiently(), |insert, (head, fields)| {
                bound(insert, chain, head, fields)
            });
        insert.execute(&mut *tx).await?;
    }
    Ok(())
}

fn bound<'q>(insert: Query<'q>, chain: &'q str, head: &'q Head, fields: &Fields<'q>) -> Query<'q> {
    insert
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
            .patiently()
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
}
