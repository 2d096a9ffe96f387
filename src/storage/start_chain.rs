//! The first row of an audit chain, which names the heads of the others.

use rusqlite::{Connection, TransactionBehavior, params};

use crate::directory::audit::{AuditEvent, AuditKind};

use super::audit::{Fields, insert_event};
use super::chain::{Chain, Head, Link};
use super::error::StoreError;
use super::hex;

const NAMED_UP_TO: &str = "SELECT position FROM audit_heads_named WHERE id = 1";
const LAST_POSITION: &str = "SELECT COALESCE(MAX(position), 0) FROM audit_events";
const HEADS_SINCE: &str = "\
    SELECT chain, seq, link FROM audit_events WHERE position IN \
    (SELECT MAX(position) FROM audit_events WHERE position > ? GROUP BY chain) ORDER BY position";
const NAME_UP_TO: &str = "UPDATE audit_heads_named SET position = ? WHERE id = 1";

/// A place in another chain, as the first row of a chain names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedHead {
    pub(super) chain: String,
    pub(super) head: Head,
}

/// Begins a chain, in a transaction of its own.
pub(super) fn start(connection: &mut Connection, chain: &mut Chain) -> Result<(), StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let named: i64 = tx.query_row(NAMED_UP_TO, [], |row| row.get(0))?;
    let last: i64 = tx.query_row(LAST_POSITION, [], |row| row.get(0))?;
    // A log that was cut below what had been named is named anew from its beginning.
    let named = if last < named { 0 } else { named };
    let heads = heads_since(&tx, named)?;

    let mut event = AuditEvent::new(chain.clock().now(), AuditKind::ChainStarted);
    event.detail = (!heads.is_empty()).then(|| write_heads(&heads));
    let id = chain.fresh_id()?;
    let fields = Fields::from(&event);
    let head = chain.link(None, &id, &fields);
    insert_event(&tx, &id, head, &fields)?;
    tx.execute(NAME_UP_TO, params![last])?;
    tx.commit().map_err(StoreError::of_commit)?;
    chain.begin(id, head);
    Ok(())
}

fn heads_since(connection: &Connection, position: i64) -> Result<Vec<NamedHead>, StoreError> {
    let mut statement = connection.prepare(HEADS_SINCE)?;
    let rows = statement.query_map(params![position], |row| {
        Ok(NamedHead {
            chain: row.get(0)?,
            head: Head {
                seq: row.get(1)?,
                link: row.get(2)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
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
