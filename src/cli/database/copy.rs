//! `doorward database copy`: everything, verified, into an empty database.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::actor::actor;
use super::super::context::Context;
use super::super::error::{CliError, refused};
use super::super::progress::{Progress, grouped};
use super::{not_filled, refuse_unused};
use crate::clock::Clock;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::keystore::{Keystore, Secrets};
use crate::storage::{Durability, Store, Total};

/// The arguments of `database copy`.
#[derive(Debug, Args)]
pub(in super::super) struct Copy {
    /// The database to copy
    #[arg(long, value_name = "URL")]
    from: String,
    /// The empty database to fill
    #[arg(long, value_name = "URL")]
    to: String,
}

impl Copy {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        if self.from == self.to {
            return Err(refused(
                "--from and --to are the same",
                "name two databases",
            ));
        }
        refuse_missing_file(&self.from)?;
        let keystore = Keystore::open(&context.config()?.keys_dir)?;
        let from = Store::open(&self.from, Durability::Full).await?;
        let to = Store::open(&self.to, Durability::Full).await;
        let copied = match &to {
            Ok(to) => copy(&from, to, &keystore).await,
            Err(_) => Ok(Vec::new()),
        };
        from.shut_down().await;
        to?.shut_down().await;
        let totals = copied?;
        let rows: u64 = totals.iter().map(|total| total.rows).sum();
        let filled: Vec<_> = totals.iter().filter(|total| total.rows > 0).collect();
        context.done(&json!({"rows": rows, "tables": filled}), |style| {
            let mut text = String::new();
            for total in &filled {
                let line = format!("{} {}\n", grouped(total.rows), total.table);
                text.push_str(&style.quiet(&line));
            }
            text + &format!(
                "copied {} rows; counts and checksums are the same on both sides\n\
                 next: set database_url on every node, and start them\n",
                grouped(rows)
            )
        })
    }
}

/// A path that was mistyped would become a new database.
fn refuse_missing_file(url: &str) -> Result<(), CliError> {
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"));
    match path {
        Some(path) if !Path::new(path).exists() => Err(refused(
            format!("there is no database {path}"),
            "name the file that the node uses",
        )),
        _ => Ok(()),
    }
}

async fn copy(from: &Store, to: &Store, keystore: &Keystore) -> Result<Vec<Total>, CliError> {
    refuse_unused(from, "the database of --from").await?;
    // Keys that do not open it would not open the copy either.
    start(from, keystore).await?;
    let found = fill(from, to).await?;
    start(to, keystore).await?;
    let rows = grouped(found.iter().map(|total| total.rows).sum());
    for (store, detail) in [
        (to, format!("{rows} rows, from {}", from.engine())),
        (from, format!("{rows} rows, to {}", to.engine())),
    ] {
        let event = AuditEvent {
            actor: Some(actor()),
            detail: Some(detail),
            ..AuditEvent::new(Clock::System.now(), AuditKind::Copied)
        };
        store.record(event).await?;
    }
    Ok(found)
}

/// Begins an audit chain in it.
async fn start(store: &Store, keystore: &Keystore) -> Result<(), CliError> {
    let secrets = Secrets::unlock(store, keystore, &Clock::System).await?;
    let started = store.start(secrets.chain_key(), "cli".to_owned(), Clock::System);
    Ok(started.await?)
}

async fn fill(from: &Store, to: &Store) -> Result<Vec<Total>, CliError> {
    // Counted before the mark is set, which has to change all the time from then on; and what is
    // there already is cleared away before a snapshot is held open.
    let whole = from.everything().await?.count().await?;
    let mut filling = to.fill(true).await.map_err(|error| not_filled(&error))?;
    let mut snapshot = from.everything().await?;
    let (mut progress, mut done) = (Progress::new("rows"), 0);
    while let Some(page) = snapshot.next().await? {
        let rows = page.rows.len() as u64;
        filling
            .write(&page)
            .await
            .map_err(|error| not_filled(&error))?;
        done += rows;
        progress.at(done, done, 2 * whole);
    }
    drop(snapshot);
    let found = filling.finish(Clock::System.now(), |rows| {
        done += rows;
        progress.at(done, done, 2 * whole);
    });
    found.await.map_err(|error| not_filled(&error))
}
