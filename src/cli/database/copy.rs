//! `doorward database copy`: everything, verified, into an empty database.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::context::Context;
use super::super::error::{CliError, refused};
use super::super::progress::{Progress, grouped};
use super::{not_filled, refuse_unused};
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
        let from = Store::open(&self.from, Durability::Full).await?;
        let to = Store::open(&self.to, Durability::Full).await;
        let copied = match &to {
            Ok(to) => copy(&from, to).await,
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

async fn copy(from: &Store, to: &Store) -> Result<Vec<Total>, CliError> {
    refuse_unused(from, "the database of --from").await?;
    let mut snapshot = from.everything().await?;
    let whole = snapshot.count().await?;
    let mut filling = to.fill(true).await.map_err(|error| not_filled(&error))?;
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
    let found = filling.finish(|rows| {
        done += rows;
        progress.at(done, done, 2 * whole);
    });
    found.await.map_err(|error| not_filled(&error))
}
