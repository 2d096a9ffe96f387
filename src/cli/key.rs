//! `doorward key`: the signing keys that SPs know us by.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::certificate::{self, fingerprint};
use super::context::Context;
use super::error::CliError;
use super::output::{Table, Tone, instant};

/// The commands about signing keys.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward key list")]
pub(super) enum Key {
    /// List the signing keys with the fingerprints that SPs compare
    #[command(after_help = "Example:\n  doorward key list --json")]
    List,
}

impl Key {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let Self::List = self;
        let open = context.open().await?;
        let keys = open.store.signing_keys().await?;
        let documents: Vec<_> = keys
            .iter()
            .map(|key| {
                json!({"id": key.id.as_str(), "state": key.state, "algorithm": key.algorithm,
                    "created_at": key.created_at.to_string(),
                    "not_after": key.not_after.to_string(),
                    "fingerprint_sha256": fingerprint(&key.certificate),
                    "certificate": certificate::to_pem(&key.certificate)})
            })
            .collect();
        context.done(&json!({ "keys": documents }), |style| {
            let mut table = Table::new([
                "STATE",
                "KIND",
                "VALID UNTIL (UTC)",
                "CERTIFICATE (SHA-256)",
                "ID",
            ]);
            for key in &keys {
                table.row([
                    (Tone::Good, key.state.clone()),
                    (Tone::Plain, key.algorithm.clone()),
                    (Tone::Plain, instant(key.not_after)),
                    (Tone::Plain, fingerprint(&key.certificate)),
                    (Tone::Quiet, key.id.as_str().to_owned()),
                ]);
            }
            table.print(style, "There are no signing keys.")
        })
    }
}
