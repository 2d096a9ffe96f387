//! `doorward key`: the keys that SPs know us by, to check what we sign and to encrypt to us, and how
//! they follow one another.

mod import;
mod list;
mod rollover;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::context::Context;
use super::error::{CliError, refused};
use crate::directory::name::KeyId;
use crate::directory::signing_key::KeyUse;
use crate::storage::StoredKey;

/// The commands about our own keys.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Example:
  doorward key rotate
  doorward key list
  doorward key activate
  doorward key retire

docs/keys.md says what to do between these steps.")]
pub(super) enum Key {
    /// List our keys: which signs, which is encrypted to, which is next, which is on its way out
    #[command(after_help = "Example:\n  doorward key list --json")]
    List,
    /// Show a key's certificate and the fingerprint that SPs compare
    #[command(after_help = "Example:\n  doorward key show 3f9a01bc > idp.pem")]
    Show(Named),
    /// Stage the next key: our metadata publishes it, and nothing is signed with it yet
    #[command(
        after_help = "Example:\n  doorward key rotate\n  doorward key rotate --algorithm p256\n  \
                      doorward key rotate --use encryption"
    )]
    Rotate(rollover::Rotate),
    /// Let the next key sign, or be encrypted to; the one before is retiring
    #[command(after_help = "\
Example:
  doorward key activate
  doorward key activate 3f9a01bc

Activating the retiring key goes back to it.")]
    Activate(Perhaps),
    /// Remove a key that nobody needs any more, or a staged one that is not wanted
    #[command(after_help = "Example:\n  doorward key retire\n  doorward key retire 3f9a01bc")]
    Retire(Perhaps),
    /// Stage a key and its certificate that were made elsewhere
    #[command(after_help = "\
Example:
  doorward key import --cert idp.pem --key idp.key
  doorward key import --pkcs12 idp.p12 --passphrase-stdin < passphrase")]
    Import(import::Import),
}

/// What a new key is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Use {
    /// To sign what we send
    Signing,
    /// To be encrypted to by SPs
    Encryption,
}

impl Use {
    pub(super) fn of_key(self) -> KeyUse {
        match self {
            Self::Signing => KeyUse::Signing,
            Self::Encryption => KeyUse::Encryption,
        }
    }
}

/// Which key a command is about.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its id, or the beginning of it
    id: String,
}

/// Which key a command is about, where there may be only one that it can be.
#[derive(Debug, Args)]
pub(super) struct Perhaps {
    /// Its id, or the beginning of it [default: the only one that it can be]
    id: Option<String>,
}

impl Key {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        let keys = open.store.own_keys().await?.keys;
        match self {
            Self::List => list::list(context, &open, &keys).await,
            Self::Show(named) => list::show(context, &open, &keys, &named.id).await,
            Self::Rotate(rotate) => rotate.run(context, &open, &keys).await,
            Self::Activate(key) => rollover::activate(context, &open, &keys, key.id).await,
            Self::Import(import) => import.run(context, &open, &keys).await,
            Self::Retire(key) => rollover::retire(context, &open, &keys, key.id).await,
        }
    }
}

/// The shortest beginning of an id that stands for it.
const SHORTEST: usize = 4;
/// As many digits of an id are shown as tell keys apart, but not fewer.
const SHOWN: usize = 8;

/// The key with this id, or with the one id that begins so.
pub(super) fn find<'k>(keys: &'k [StoredKey], text: &str) -> Result<&'k StoredKey, CliError> {
    let begins = |key: &&StoredKey| {
        let id = key.id.as_str();
        id == text || text.len() >= SHORTEST && id.starts_with(text)
    };
    let mut found = keys.iter().filter(begins);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(refused(
            format!("the ids of several keys begin with {text}"),
            "write more of it; `doorward key list` shows them",
        )),
        (None, _) => Err(refused(
            format!("there is no key {text:?}"),
            "`doorward key list` shows them",
        )),
    }
}

/// The beginning of an id, long enough to tell it from the others.
pub(super) fn short<'k>(keys: &[StoredKey], id: &'k KeyId) -> &'k str {
    let others = || keys.iter().filter(|other| other.id != *id);
    let is_alone = |start: &&str| !others().any(|other| other.id.as_str().starts_with(start));
    let id = id.as_str();
    (SHOWN..id.len())
        .filter_map(|length| id.get(..length))
        .find(is_alone)
        .unwrap_or(id)
}

/// A few names in a row.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = format!("{} more", names.len().saturating_sub(SHOWN));
    if names.len() > SHOWN {
        shown.push(&more);
    }
    shown.join(", ")
}
