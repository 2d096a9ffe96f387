//! `doorward database backup`: everything as of one instant, in a sealed file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::super::context::{Context, Open};
use super::super::error::{CliError, refused};
use super::super::progress::{Progress, grouped};
use super::Sealed;
use super::file::{Manifest, Rows};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::keystore::{Keystore, Lock, SealedWriter};
use crate::storage::{Everything, shape};

pub(super) async fn run(context: &Context, sealed: &Sealed) -> Result<ExitCode, CliError> {
    let passphrase = sealed.passphrase()?;
    if sealed.file.exists() {
        return Err(refused(
            format!("{} is there already", sealed.file.display()),
            "name another file, or remove it first",
        ));
    }
    let open = context.open().await?;
    let draft = Draft::new(&sealed.file).map_err(|error| unwritable(&sealed.file, &error))?;
    let mut snapshot = open.store.everything().await?;
    let rows = write(&open, &mut snapshot, &draft, passphrase.as_deref()).await?;
    drop(snapshot);
    draft
        .keep(&sealed.file)
        .map_err(|error| unwritable(&sealed.file, &error))?;
    let event = AuditEvent {
        detail: Some(format!(
            "{rows} rows, {}",
            if passphrase.is_some() {
                "with the master keys"
            } else {
                "without the master keys"
            }
        )),
        ..open.event(AuditKind::BackedUp)
    };
    open.store.record(event).await?;
    let document = json!({"file": sealed.file, "rows": rows,
        "master_keys": passphrase.is_some()});
    context.done(&document, |_| {
        let keys = if passphrase.is_some() {
            "it opens with the passphrase, and the master keys are in it".to_owned()
        } else {
            let folder = open.config.keys_dir.display();
            format!("it opens with the master key in {folder} alone: keep a copy of that too")
        };
        format!(
            "wrote {} rows to {}\n{keys}\n",
            grouped(rows),
            sealed.file.display()
        )
    })
}

async fn write(
    open: &Open,
    snapshot: &mut Everything,
    draft: &Draft,
    passphrase: Option<&str>,
) -> Result<u64, CliError> {
    let ring = Keystore::open(&open.config.keys_dir)?;
    let lock = passphrase.map_or(Lock::MasterKey(&ring), Lock::Passphrase);
    let whole = snapshot.count().await?;
    let shape = shape().into_iter();
    let manifest = Manifest {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: open.store.schema_version().await?,
        taken_at: open.clock.now().to_string(),
        tables: shape
            .map(|(name, columns)| (name.to_owned(), columns.to_owned()))
            .collect(),
        rows: whole,
        master_keys: match passphrase {
            Some(_) => ring.carried()?,
            None => Vec::new(),
        },
    };
    let failed = |error: io::Error| unwritable(&draft.path, &error);
    let to = BufWriter::new(draft.file.try_clone().map_err(failed)?);
    let mut rows = Rows::new(SealedWriter::new(to, lock)?, &manifest).map_err(failed)?;
    let (mut progress, mut done) = (Progress::new("rows"), 0);
    while let Some(page) = snapshot.next().await? {
        rows.write(&page).map_err(failed)?;
        done += page.rows.len() as u64;
        progress.at(done, done, whole);
    }
    let sealed = rows.end(&snapshot.totals()).map_err(failed)?;
    sealed.finish().map_err(failed)?;
    draft.file.sync_all().map_err(failed)?;
    Ok(done)
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    refused(
        format!("cannot write {}: {error}", path.display()),
        "name a file in a folder that this user may write, on a disk with room",
    )
}

/// The file under another name until it is whole; removed if it never is.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn new(target: &Path) -> io::Result<Self> {
        // A name that nobody else has: two backups to one name write into two files, and neither
        // into a file or through a link that was there before.
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.unfinished", std::process::id()));
        let path = target.with_file_name(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self { path, file })
    }

    /// Gives it its name; what has that name by now stays.
    fn keep(&self, target: &Path) -> io::Result<()> {
        std::fs::hard_link(&self.path, target)?;
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the unfinished file stays behind");
        }
    }
}
