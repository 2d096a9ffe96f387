//! Master keys and our own keys.

use std::os::unix::fs::PermissionsExt;

use super::super::context::Open;
use super::super::error::CliError;
use super::Findings;
use crate::directory::ending::Nearness;
use crate::directory::signing_key::{KeyState, KeyUse};
use crate::keystore::endings::of_key;
use crate::storage::StoredKey;

pub(super) async fn check(findings: &mut Findings, open: &Open) -> Result<(), CliError> {
    let folder = &open.config.keys_dir;
    let mode = std::fs::metadata(folder)?.permissions().mode();
    match mode & 0o077 {
        0 => findings.ok(
            "master key",
            format!("{} (keep a copy of it)", folder.display()),
        ),
        _ => findings.error(
            "master key",
            format!("others can look into {}", folder.display()),
            format!("chmod 700 {}", folder.display()),
        ),
    }
    if let Some(database) = open.config.database_file() {
        let mode = std::fs::metadata(database)?.permissions().mode();
        if mode & 0o077 != 0 {
            findings.error(
                "database",
                format!("others can read {}", database.display()),
                format!("chmod 600 {}", database.display()),
            );
        }
    }
    for key in open.store.own_keys().await?.keys {
        own_key(findings, open, &key);
    }
    Ok(())
}

/// It opens, belongs to its certificate and does what it is for; and its certificate lasts for a
/// while.
fn own_key(findings: &mut Findings, open: &Open, key: &StoredKey) {
    let name = format!("{} key {}", key.state.word(), key.id.as_str());
    let (what, rotate) = match key.key_use {
        KeyUse::Signing => ("signing key", "`doorward key rotate`"),
        KeyUse::Encryption => ("encryption key", "`doorward key rotate --use encryption`"),
    };
    let before = findings.0.len();
    if let Err(error) = works(open, key) {
        let fix = format!("restore the backup; {rotate} makes another key meanwhile");
        findings.error(what, format!("{name}: {error}"), fix);
    }
    let (ending, now) = (of_key(key), open.clock.now());
    let told = format!("the certificate of the {name} {}", ending.in_words(now));
    let fix = format!("{rotate}; docs/keys.md says how one key follows another");
    match ending.nearness(now) {
        Nearness::Far => {}
        Nearness::Over if key.state == KeyState::Active => findings.error(what, told, fix),
        _ => findings.warning(what, told, fix),
    }
    if findings.0.len() == before {
        let days = ending.days_left(now);
        let about = format!("{name} ({}), {days} days left", key.algorithm);
        findings.ok(what, about);
    }
}

fn works(open: &Open, key: &StoredKey) -> Result<(), String> {
    let mut broken = open.signing_keys.broken().iter();
    if broken.any(|(id, _)| *id == key.id) {
        return Err("it does not open, or does not belong to its certificate".to_owned());
    }
    if key.key_use == KeyUse::Encryption {
        return Ok(());
    }
    let mut opened = open.signing_keys.all().iter();
    match opened.find(|opened| opened.id == key.id) {
        Some(opened) => {
            let signed = opened.key.sign_octets(b"can it sign?");
            signed.map(drop).map_err(|error| error.to_string())
        }
        None => Err("it does not open, or does not belong to its certificate".to_owned()),
    }
}
