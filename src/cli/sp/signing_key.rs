//! `--signing-key`: which of our keys signs for an SP.

use clap::Args;

use super::super::context::Open;
use super::super::error::CliError;
use super::super::key;
use crate::directory::name::KeyId;

/// The word for "whichever is active".
const ACTIVE: &str = "active";

/// The option.
#[derive(Debug, Args)]
pub(super) struct SigningKeyChoice {
    /// The key of ours that signs for it whichever is active, by its id or the beginning of it, so
    /// that SPs can go over to a new key one by one; `active` follows the active key again
    /// [default: active]
    #[arg(long, value_name = "ID|active")]
    signing_key: Option<String>,
}

impl SigningKeyChoice {
    pub(super) fn says_something(&self) -> bool {
        self.signing_key.is_some()
    }

    /// The key that was chosen; nothing said means as before.
    pub(super) async fn resolve(
        &self,
        open: &Open,
        before: Option<KeyId>,
    ) -> Result<Option<KeyId>, CliError> {
        match self.signing_key.as_deref() {
            None => Ok(before),
            Some(ACTIVE) => Ok(None),
            Some(id) => {
                let keys = open.store.signing_keys().await?.keys;
                Ok(Some(key::find(&keys, id)?.id.clone()))
            }
        }
    }
}
