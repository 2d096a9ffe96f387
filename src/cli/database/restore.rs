//! `doorward database restore`: an empty database, filled from a sealed file. The file is read
//! twice: first to the end, so that nothing is begun with a file that is not whole.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::super::context::Context;
use super::super::error::{CliError, refused};
use super::super::output::plain;
use super::super::progress::{Progress, grouped};
use super::file::{Manifest, Reader};
use super::{Sealed, not_filled};
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::keystore::{Keystore, Lock, SealedReader};
use crate::storage::{Durability, Store, Total, shape};

type Sealing = Reader<SealedReader<BufReader<File>>>;

pub(super) async fn run(context: &Context, sealed: &Sealed) -> Result<ExitCode, CliError> {
    let (config, passphrase) = (context.config()?, sealed.passphrase()?);
    let path = sealed.file.as_path();
    let ring = Keystore::open(&config.keys_dir)?;
    let lock = passphrase
        .as_deref()
        .map_or(Lock::MasterKey(&ring), Lock::Passphrase);
    let manifest = check(path, lock)?;
    let store = Store::open(&config.database_url, Durability::Full).await?;
    let filled = fill(&store, path, lock, &manifest, &config).await;
    store.shut_down().await;
    let totals = filled?;
    let rows: u64 = totals.iter().map(|total| total.rows).sum();
    // The keys open what came: else nobody could use it.
    let open = context.open().await?;
    let event = AuditEvent {
        detail: Some(format!("{rows} rows as of {}", manifest.taken_at)),
        ..open.event(AuditKind::Restored)
    };
    open.store.record(event).await?;
    let document = json!({"rows": rows, "taken_at": manifest.taken_at,
        "made_by": manifest.program});
    context.done(&document, |_| {
        format!(
            "restored {} rows as of {}; nobody is signed in\n\
             whoever was disabled and whatever was withdrawn since then has to be again\n",
            grouped(rows),
            plain(&manifest.taken_at)
        )
    })
}

fn open_file(path: &Path, lock: Lock<'_>) -> Result<(Sealing, Manifest), CliError> {
    let file = File::open(path).map_err(|error| damaged(path, &error))?;
    let sealed = SealedReader::new(BufReader::new(file), lock)?;
    Reader::new(sealed).map_err(|error| damaged(path, &error))
}

fn damaged(path: &Path, error: &io::Error) -> CliError {
    refused(
        format!("{} is not restored: {error}", path.display()),
        "nothing was written; take another copy of it, or another backup",
    )
}

/// Reads the file to its end, and whether this program can use it.
fn check(path: &Path, lock: Lock<'_>) -> Result<Manifest, CliError> {
    let (mut reader, manifest) = open_file(path, lock)?;
    let ours = shape();
    let same = ours.len() == manifest.tables.len()
        && ours
            .iter()
            .zip(&manifest.tables)
            .all(|(ours, theirs)| ours.0 == theirs.0 && ours.1 == theirs.1);
    if !same {
        return Err(refused(
            format!(
                "{} was made by Doorward {} with another schema ({})",
                path.display(),
                manifest.program,
                manifest.schema
            ),
            "restore it with that version, and upgrade afterwards",
        ));
    }
    let (mut progress, mut done) = (Progress::new("rows checked"), 0);
    while let Some(page) = reader.next().map_err(|error| damaged(path, &error))? {
        done += page.rows.len() as u64;
        progress.at(done, done, manifest.rows);
    }
    Ok(manifest)
}

async fn fill(
    store: &Store,
    path: &Path,
    lock: Lock<'_>,
    manifest: &Manifest,
    config: &Config,
) -> Result<Vec<Total>, CliError> {
    let mut filling = store
        .fill(false)
        .await
        .map_err(|error| not_filled(&error))?;
    Keystore::take_over(&config.keys_dir, &manifest.master_keys)?;
    let (mut reader, _) = open_file(path, lock)?;
    let (mut progress, mut done) = (Progress::new("rows"), 0);
    while let Some(page) = reader.next().map_err(|error| damaged(path, &error))? {
        filling
            .write(&page)
            .await
            .map_err(|error| not_filled(&error))?;
        done += page.rows.len() as u64;
        progress.at(done, done, 2 * manifest.rows);
    }
    let found = filling.finish(Clock::System.now(), |rows| {
        done += rows;
        progress.at(done, done, 2 * manifest.rows);
    });
    found.await.map_err(|error| not_filled(&error))
}
