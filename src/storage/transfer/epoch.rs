//! Which filling of the database it is: the upper part of every version in it.
//!
//! Nodes remember registrations and keys under versions that count up with each change, and read
//! those versions with the facts of every decision. A database that is put back to a former state
//! would count up once more to a number that a node knows as something else. So whoever fills a
//! database gives every version in it a new upper part, made of the instant: no node has met it.

use super::super::engine::{Tx, query};
use super::super::error::StoreError;
use crate::directory::time::UnixTime;

/// The bits of a version that count changes; 1,048,576 in the statements below.
const CHANGES: u32 = 20;

const VERSIONS: [&str; 2] = [
    "UPDATE signing_key_version SET version = version % 1048576 + ?",
    "UPDATE service_providers SET version = version % 1048576 + ?",
];

/// The filling that a version belongs to. Where it is another one than before, nothing that a node
/// remembers is about this database.
#[must_use]
pub fn epoch_of(version: i64) -> i64 {
    version >> CHANGES
}

/// How many changes a version counts, whichever filling it belongs to: what people are shown.
#[must_use]
pub fn changes_of(version: i64) -> i64 {
    version & ((1 << CHANGES) - 1)
}

/// Begins a new one.
pub(super) async fn begin(tx: &mut Tx, now: UnixTime) -> Result<(), StoreError> {
    let epoch = now.millis() << CHANGES;
    for statement in VERSIONS {
        query(statement)
            .bind(epoch)
            .patiently()
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
