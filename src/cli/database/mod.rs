//! `doorward database`: moving everything to another database, and keeping copies of it.

mod backup;
mod copy;
mod file;
mod restore;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::context::Context;
use super::error::{CliError, refused, told};
use super::password::first_line;
use crate::storage::{Store, TransferError};

/// The fewest characters of a passphrase: whoever has the file may try for ever.
const SHORTEST_PASSPHRASE: usize = 12;

/// The commands about the whole database.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward database backup /backups/doorward-2026-11-21.backup")]
pub(super) enum Database {
    /// Copy everything to another, empty database, on whichever engine
    #[command(after_help = "\
Stop every node first: what is written to the old database after the copy began stays there. A copy
that was interrupted is run again; until it is whole, nothing works on the new database.

Example:
  doorward database copy --from sqlite://data/doorward.db --to postgres://doorward:secret@db/doorward")]
    Copy(copy::Copy),
    /// Write everything, as it is at one instant, into a file that is sealed
    #[command(after_help = "\
The file opens with the master key that is in keys_dir now: keep a copy of that too, elsewhere. With
--passphrase-stdin it opens with the passphrase instead, and the master keys are in it.

Example:
  doorward database backup doorward.backup
  echo \"$PASSPHRASE\" | doorward database backup doorward.backup --passphrase-stdin")]
    Backup(Sealed),
    /// Fill the configured database, which has to be empty, from such a file
    #[command(after_help = "\
Stop every node first: one that goes on does not know that its database is another. Nobody is signed in
afterwards: sessions that have ended since would live again. Who was disabled, and
which roles were withdrawn, after the backup was made has to be done again.

Example:
  doorward database restore doorward.backup
  echo \"$PASSPHRASE\" | doorward database restore doorward.backup --passphrase-stdin")]
    Restore(Sealed),
}

/// A file, and what opens it.
#[derive(Debug, Args)]
pub(super) struct Sealed {
    /// The file
    file: PathBuf,
    /// Read the passphrase from one line of stdin; with it the master keys go along in the file
    #[arg(long)]
    passphrase_stdin: bool,
}

impl Database {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        match self {
            Self::Copy(copy) => copy.run(context).await,
            Self::Backup(sealed) => backup::run(context, &sealed).await,
            Self::Restore(sealed) => restore::run(context, &sealed).await,
        }
    }
}

impl Sealed {
    fn passphrase(&self) -> Result<Option<String>, CliError> {
        if !self.passphrase_stdin {
            return Ok(None);
        }
        let passphrase = first_line(std::io::stdin().lock())?;
        if passphrase.chars().count() < SHORTEST_PASSPHRASE {
            return Err(refused(
                format!("a passphrase has at least {SHORTEST_PASSPHRASE} characters"),
                "choose a longer one: whoever has the file can try as long as they like",
            ));
        }
        Ok(Some(passphrase))
    }
}

/// A database that has been used, and that is whole.
async fn refuse_unused(store: &Store, name: &str) -> Result<(), CliError> {
    if store.is_half_filled().await? {
        return Err(refused(
            format!("{name} is half filled: a copy or a restore into it was interrupted"),
            "run that again first",
        ));
    }
    if store.data_keys().await?.is_empty() {
        return Err(refused(
            format!("{name} holds nothing: no Doorward has been run on it"),
            "name the database that the nodes use",
        ));
    }
    Ok(())
}

fn not_filled(error: &TransferError) -> CliError {
    let fix = match error {
        TransferError::NotEmpty { .. } => "name an empty database, or empty this one",
        TransferError::BeingFilled => {
            "let it finish, or stop it; a few seconds later another one may begin"
        }
        TransferError::TakenOver => "look at what the other one says",
        TransferError::Differs { .. } => {
            "look at the disk and at the server's log, and run it again"
        }
        TransferError::NoSuchRow(_) => "use the version of Doorward that made it",
        TransferError::Store(error) => return refused(told(error), "run it again: it begins anew"),
    };
    refused(error.to_string(), fix)
}
