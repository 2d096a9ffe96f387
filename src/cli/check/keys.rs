//! Master keys and signing keys.

use std::os::unix::fs::PermissionsExt;

use super::super::certificate::days_left;
use super::super::context::Open;
use super::super::error::CliError;
use super::Findings;

/// So long before its end a certificate is told about: SPs need time to take the next one.
const WARN_DAYS: i32 = 60;

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
    let database = open.config.database_file();
    let mode = std::fs::metadata(database)?.permissions().mode();
    if mode & 0o077 != 0 {
        findings.error(
            "database",
            format!("others can read {}", database.display()),
            format!("chmod 600 {}", database.display()),
        );
    }
    for key in open.store.signing_keys().await?.keys {
        let id = key.id.as_str();
        match days_left(&key.certificate, open.clock.now()) {
            None => findings.error(
                "signing key",
                format!("the certificate of {id} cannot be read"),
                "restore the backup",
            ),
            Some(days) if days < 0 => findings.warning(
                "signing key",
                format!("the certificate of {id} has expired; some SPs refuse it"),
                "plan a new key with the owners of the applications",
            ),
            Some(days) if days < WARN_DAYS => findings.warning(
                "signing key",
                format!("the certificate of {id} ends in {days} days"),
                "plan a new key with the owners of the applications",
            ),
            Some(days) => findings.ok(
                "signing key",
                format!("{} {id}, {days} days left", key.algorithm),
            ),
        }
    }
    Ok(())
}
