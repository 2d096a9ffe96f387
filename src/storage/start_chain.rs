//! The first row of an audit chain, which names the heads of the others.

use std::time::Duration;

use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::time::UnixTime;

use super::audit::{Fields, insert_event};
use super::chain::{Chain, Head, Link};
use super::engine::{Kept, Tx, query};
use super::error::{Column, StoreError};
use super::hex;

const NAMED_UP_TO: &str = "SELECT position FROM audit_heads_named WHERE id = 1";
const LAST_POSITION: &str = "SELECT COALESCE(MAX(position), 0) FROM audit_events";
const TAKE: &str = "UPDATE audit_heads_named SET position = position WHERE id = 1";
const SETTLED: &str =
    "SELECT COALESCE(MAX(position), 0) FROM audit_events WHERE position > ? AND at <= ?";
const HEADS_SINCE: &str = "\
    SELECT chain, seq, link FROM audit_events WHERE position IN \
    (SELECT MAX(position) FROM audit_events WHERE position > ? GROUP BY chain) ORDER BY position";
const NAME_UP_TO: &str = "UPDATE audit_heads_named SET position = ? WHERE id = 1";

/// No transaction stays open for so long.
const UNSETTLED: Duration = Duration::from_mins(1);

/// A place in another chain, as the first row of a chain names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedHead {
    pub(super) chain: String,
    pub(super) head: Head,
}

/// Begins a chain: this is all that `tx` is for.
pub(super) async fn start(mut tx: Tx, chain: &mut Chain) -> Result<Option<Kept>, StoreError> {
    // Taken first: those who begin a chain do so one after the other, on all nodes (decision 43).
    query(TAKE).execute(&mut tx).await?;
    let named: i64 = query(NAMED_UP_TO).fetch_one(&mut tx).await?;
    let last: i64 = query(LAST_POSITION).fetch_one(&mut tx).await?;
    // A log that was cut below what had been named is named anew from its beginning.
    let named = if last < named { 0 } else { named };
    let heads = heads_since(&mut tx, named).await?;

    let mut event = AuditEvent::new(chain.clock().now(), AuditKind::ChainStarted);
    event.detail = (!heads.is_empty()).then(|| write_heads(&heads));
    let id = chain.fresh_id()?;
    let fields = Fields::from(&event);
    let head = chain.link(None, &id, &fields);
    insert_event(&mut tx, &id, &head, &fields).await?;
    let settled = if tx.commits_in_order() {
        last
    } else {
        settled(&mut tx, named, event.at).await?
    };
    query(NAME_UP_TO).bind(settled).execute(&mut tx).await?;
    let kept = tx.commit_and_keep().await?;
    chain.begin(id, head);
    Ok(kept)
}

/// On a server a row may get its position long before it is committed and seen. Rows of the last
/// minute may still have such neighbours, so the next chain names their heads once more.
async fn settled(tx: &mut Tx, named: i64, now: UnixTime) -> Result<i64, StoreError> {
    let settled: i64 = query(SETTLED)
        .bind(named)
        .bind(now.minus(UNSETTLED).millis())
        .fetch_one(tx)
        .await?;
    Ok(settled.max(named))
}

async fn heads_since(tx: &mut Tx, position: i64) -> Result<Vec<NamedHead>, StoreError> {
    let rows: Vec<(String, i64, Vec<u8>)> = query(HEADS_SINCE).bind(position).fetch_all(tx).await?;
    rows.into_iter()
        .map(|(chain, seq, link)| {
            let column = Column("audit_events", "link");
            let link = column.checked(link.try_into())?;
            Ok(NamedHead {
                chain,
                head: Head { seq, link },
            })
        })
        .collect()
}

fn write_heads(heads: &[NamedHead]) -> String {
    let words: Vec<_> = heads
        .iter()
        .map(|named| {
            let link = hex::encode(&named.head.link);
            format!("{} {} {link}", named.chain, named.head.seq)
        })
        .collect();
    words.join("; ")
}

/// Reads what [`write_heads`] wrote; `None` if it is something else.
pub(super) fn read_heads(detail: &str) -> Option<Vec<NamedHead>> {
    detail
        .split("; ")
        .map(|named| {
            let mut words = named.split(' ');
            let (chain, seq, link) = (words.next()?, words.next()?, words.next()?);
            let link: Link = hex::decode(link)?.try_into().ok()?;
            Some(NamedHead {
                chain: chain.to_owned(),
                head: Head {
                    seq: seq.parse().ok()?,
                    link,
                },
            })
        })
        .collect()
}
