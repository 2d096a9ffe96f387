//! From one key to the next: `key rotate`, `key activate`, `key retire`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::super::boot::host;
use super::super::context::{Context, Open};
use super::super::error::{CliError, refused, usage};
use super::super::output::note;
use super::list::document;
use super::{Use, find, short, some};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::signing_key::{KeyState, KeyUse};
use crate::keystore::signing_keys::{fresh, kind_beside};
use crate::saml::signature::KeyKind;
use crate::storage::{Activated, StoreError, StoredKey};

/// Most SPs that read our metadata by themselves do so at least once in this time.
const SPREAD: Duration = Duration::from_hours(24);

/// The arguments of `key rotate`.
#[derive(Debug, Args)]
pub(in super::super) struct Rotate {
    /// Kind of the new key: rsa2048, rsa3072, rsa4096, p256 or p384 [default: that of the active key]
    #[arg(long, value_name = "KIND", value_parser = kind)]
    algorithm: Option<KeyKind>,
    /// What it is for
    #[arg(long = "use", value_enum, default_value = "signing")]
    key_use: Use,
}

fn kind(text: &str) -> Result<KeyKind, String> {
    KeyKind::from_name(text).ok_or_else(|| {
        let known: Vec<_> = KeyKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("known kinds are {}", known.join(", "))
    })
}

impl Rotate {
    /// Stages a fresh key.
    pub(super) async fn run(
        self,
        context: &Context,
        open: &Open,
        keys: &[StoredKey],
    ) -> Result<ExitCode, CliError> {
        let key_use = self.key_use.of_key();
        let active = active(keys, key_use);
        let usual = active.and_then(|key| KeyKind::from_name(&key.algorithm));
        let kind = self
            .algorithm
            .or(usual)
            .unwrap_or(open.config.signing_algorithm);
        if key_use == KeyUse::Encryption && kind != kind_beside(kind) {
            return Err(usage(
                format!("nobody encrypts to a {} key", kind.name()),
                "write --algorithm rsa3072, or leave it out",
            ));
        }
        let (host, secrets) = (host(&open.config), &open.secrets);
        let key = fresh(key_use, kind, KeyState::Next, &host, &open.clock, secrets)?;
        stage(context, open, keys, &key, AuditKind::KeyCreated).await
    }
}

/// Writes a key that is to be the next one, and says what follows.
pub(super) async fn stage(
    context: &Context,
    open: &Open,
    keys: &[StoredKey],
    key: &StoredKey,
    kind: AuditKind,
) -> Result<ExitCode, CliError> {
    let event = AuditEvent {
        detail: Some(format!(
            "{} ({}, {}), next",
            key.id.as_str(),
            key.algorithm,
            key.key_use.word()
        )),
        ..open.event(kind)
    };
    if !open.store.insert_key(key, event).await? {
        return Err(StoreError::Conflict.into());
    }
    let (id, base) = (short(keys, &key.id), &open.config.base_url);
    let algorithm = &key.algorithm;
    context.done(&json!({ "key": document(key, &[]) }), |_| {
        match key.key_use {
            KeyUse::Signing => format!(
                "staged {algorithm} key {id}; {base}/saml/metadata publishes it from now on\n\
             next: when every SP has read that again, `doorward key activate {id}`\n"
            ),
            KeyUse::Encryption => format!(
                "staged {algorithm} encryption key {id}; it decrypts from now on\n\
             next: `doorward key activate {id}` publishes it in the place of the active one\n"
            ),
        }
    })
}

/// Lets a key sign.
pub(super) async fn activate(
    context: &Context,
    open: &Open,
    keys: &[StoredKey],
    id: Option<String>,
) -> Result<ExitCode, CliError> {
    let key = match &id {
        Some(id) => find(keys, id)?,
        None => only(keys, KeyState::Next, "`doorward key rotate` stages one")?,
    };
    let before = active(keys, key.key_use);
    let detail = match before {
        Some(before) => format!("{}; before: {}", key.id.as_str(), before.id.as_str()),
        None => key.id.as_str().to_owned(),
    };
    let event = AuditEvent {
        detail: Some(detail),
        ..open.event(AuditKind::KeyActivated)
    };
    let now = event.at;
    let changed = match open.store.activate_key(key.key_use, &key.id, event).await? {
        Activated::Done => true,
        Activated::WasSo => false,
        Activated::Unknown => return Err(gone(keys, key)),
    };
    let published = now.since(key.created_at);
    let signs = key.key_use == KeyUse::Signing;
    let new_to_sps = signs && key.state == KeyState::Next && published < SPREAD;
    let retiring = before.filter(|before| before.id != key.id);
    let held = match retiring {
        Some(before) => open.store.sps_held_at(&before.id).await?,
        None => vec![],
    };
    let told = json!({"key": key.id.as_str(), "changed": changed,
        "retiring": retiring.map(|before| before.id.as_str())});
    let done = context.done(&told, |_| {
        if changed {
            what_follows(keys, key, retiring, &held)
        } else {
            format!("key {} was active already\n", short(keys, &key.id))
        }
    });
    if changed && new_to_sps {
        note(&format!(
            "it was published {} ago; an SP that has not read our metadata since refuses what it \
             signs (activating the key before goes back)",
            ago(published)
        ));
    }
    done
}

/// What is so once a key is active.
fn what_follows(
    keys: &[StoredKey],
    key: &StoredKey,
    retiring: Option<&StoredKey>,
    held: &[String],
) -> String {
    let (does, until) = match key.key_use {
        KeyUse::Signing => ("signs", "published"),
        KeyUse::Encryption => ("is published for encryption", "decrypts"),
    };
    let mut text = format!("key {} {does} from now on\n", short(keys, &key.id));
    if let Some(before) = retiring {
        let before = short(keys, &before.id);
        let line = format!("key {before} is retiring: {until} until `doorward key retire`\n");
        text.push_str(&line);
    }
    if !held.is_empty() {
        let line = format!("held there and signed for as before: {}\n", some(held));
        text.push_str(&line);
    }
    text
}

/// Removes a key.
pub(super) async fn retire(
    context: &Context,
    open: &Open,
    keys: &[StoredKey],
    id: Option<String>,
) -> Result<ExitCode, CliError> {
    let key = match &id {
        Some(id) => find(keys, id)?,
        None => only(
            keys,
            KeyState::Retiring,
            "name the key, or activate another first",
        )?,
    };
    let shown = short(keys, &key.id);
    if key.state == KeyState::Active {
        return Err(refused(
            format!("key {shown} is the active one"),
            "activate another first (`doorward key rotate`, then `doorward key activate`)",
        ));
    }
    let held = open.store.sps_held_at(&key.id).await?;
    if let Some(one) = held.first() {
        return Err(refused(
            format!("key {shown} still signs for {}", some(&held)),
            format!("move them first (`doorward sp update {one} --signing-key active`)"),
        ));
    }
    let event = AuditEvent {
        detail: Some(format!("{} ({})", key.id.as_str(), key.state.word())),
        ..open.event(AuditKind::KeyRetired)
    };
    if !open.store.remove_key(key.key_use, &key.id, event).await? {
        return Err(gone(keys, key));
    }
    let told = json!({"key": key.id.as_str(), "removed": true});
    let done = context.done(&told, |_| match key.key_use {
        KeyUse::Signing => format!("removed key {shown}; our metadata publishes it no longer\n"),
        KeyUse::Encryption => {
            format!("removed key {shown}; nothing that is encrypted to it opens\n")
        }
    });
    let since = open.clock.now().since(key.state_since);
    if key.key_use == KeyUse::Encryption && key.state == KeyState::Retiring && since < SPREAD {
        note(&format!(
            "it was published until {} ago; an SP that has not read our metadata since still \
             encrypts to it",
            ago(since)
        ));
    }
    done
}

fn active(keys: &[StoredKey], key_use: KeyUse) -> Option<&StoredKey> {
    let mut of_use = keys.iter().filter(|key| key.key_use == key_use);
    of_use.find(|key| key.state == KeyState::Active)
}

/// The one key in this state.
fn only<'k>(keys: &'k [StoredKey], state: KeyState, fix: &str) -> Result<&'k StoredKey, CliError> {
    let mut found = keys.iter().filter(|key| key.state == state);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(refused(format!("no key is {}", state.word()), fix)),
        (Some(_), Some(_)) => Err(refused(
            format!("several keys are {}", state.word()),
            "name one; `doorward key list` shows them",
        )),
    }
}

fn gone(keys: &[StoredKey], key: &StoredKey) -> CliError {
    refused(
        format!("key {} was changed meanwhile", short(keys, &key.id)),
        "look at `doorward key list` and try again",
    )
}

/// A time that has passed, in its largest unit.
fn ago(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        0 => "less than a minute".to_owned(),
        1..120 => format!("{minutes} min"),
        _ => format!("{} h", minutes / 60),
    }
}
