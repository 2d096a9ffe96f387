//! `key list` and `key show`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::certificate::{fingerprint, to_pem};
use super::super::context::{Context, Open};
use super::super::error::{CliError, refused};
use super::super::output::{Style, Table, Tone, record};
use super::{find, short, some};
use crate::directory::signing_key::{KeyState, KeyUse};
use crate::directory::time::UnixTime;
use crate::storage::StoredKey;

pub(super) async fn list(
    context: &Context,
    open: &Open,
    keys: &[StoredKey],
) -> Result<ExitCode, CliError> {
    let mut held = Vec::with_capacity(keys.len());
    for key in keys {
        held.push(open.store.sps_held_at(&key.id).await?);
    }
    let documents: Vec<_> = keys
        .iter()
        .zip(&held)
        .map(|(key, held)| document(key, held))
        .collect();
    context.done(&json!({ "keys": documents }), |style| {
        table(style, keys, &held)
    })
}

fn table(style: Style, keys: &[StoredKey], held: &[Vec<String>]) -> String {
    let mut table = Table::new(["USE", "STATE", "SINCE", "KIND", "ENDS", "SERVES", "ID"]);
    let states = [KeyState::Active, KeyState::Next, KeyState::Retiring];
    let order = [KeyUse::Signing, KeyUse::Encryption]
        .into_iter()
        .flat_map(|key_use| states.map(|state| (key_use, state)));
    for place in order {
        let rows = keys.iter().zip(held);
        let rows = rows.filter(|(key, _)| (key.key_use, key.state) == place);
        for (key, held) in rows {
            table.row([
                (Tone::Plain, key.key_use.word().to_owned()),
                (tone(key.state), key.state.word().to_owned()),
                (Tone::Plain, day(key.state_since)),
                (Tone::Plain, key.algorithm.clone()),
                (Tone::Plain, day(key.not_after)),
                (Tone::Plain, serves(key, held)),
                (Tone::Quiet, short(keys, &key.id).to_owned()),
            ]);
        }
    }
    table.print(style, "There are no keys.")
}

pub(super) async fn show(
    context: &Context,
    open: &Open,
    keys: &[StoredKey],
    id: &str,
) -> Result<ExitCode, CliError> {
    let key = find(keys, id)?;
    let held = open.store.sps_held_at(&key.id).await?;
    let Some(pem) = to_pem(&key.certificate) else {
        return Err(refused(
            format!("the certificate of {} cannot be read", key.id.as_str()),
            "restore the backup",
        ));
    };
    context.done(&json!({ "key": document(key, &held) }), |style| {
        let fields = [
            ("id", key.id.as_str().to_owned()),
            ("use", key.key_use.word().to_owned()),
            ("state", key.state.word().to_owned()),
            ("since", day(key.state_since)),
            ("kind", key.algorithm.clone()),
            ("ends", day(key.not_after)),
            ("serves", serves(key, &held)),
            ("SHA-256", fingerprint(&key.certificate)),
        ];
        record(style, &fields) + &pem
    })
}

/// A key as a document.
pub(super) fn document(key: &StoredKey, held: &[String]) -> Value {
    json!({"id": key.id.as_str(), "use": key.key_use.word(), "state": key.state.word(),
        "state_since": key.state_since.to_string(), "algorithm": key.algorithm,
        "created_at": key.created_at.to_string(), "not_after": key.not_after.to_string(),
        "fingerprint_sha256": fingerprint(&key.certificate),
        "certificate": to_pem(&key.certificate), "held_by": held})
}

fn tone(state: KeyState) -> Tone {
    match state {
        KeyState::Active => Tone::Good,
        KeyState::Next => Tone::Strong,
        KeyState::Retiring => Tone::Quiet,
    }
}

/// For whom it signs, or whom it serves that encrypt to it.
fn serves(key: &StoredKey, held: &[String]) -> String {
    match (key.key_use, key.state) {
        (KeyUse::Signing, KeyState::Active) => "all not held elsewhere".to_owned(),
        (KeyUse::Signing, _) if held.is_empty() => "nobody".to_owned(),
        (KeyUse::Signing, _) => some(held),
        (KeyUse::Encryption, KeyState::Next) => "nobody yet".to_owned(),
        (KeyUse::Encryption, KeyState::Active) => "all that encrypt".to_owned(),
        (KeyUse::Encryption, KeyState::Retiring) => "who knows no newer one".to_owned(),
    }
}

/// The day of an instant, UTC.
fn day(at: UnixTime) -> String {
    at.to_string().chars().take(10).collect()
}
