//! The certificate that HTTPS is served with.

use std::os::unix::fs::PermissionsExt;

use super::Findings;
use crate::cli::tls::{TlsError, TlsPair};
use crate::clock::Clock;
use crate::config::{Config, TlsFiles};
use crate::directory::ending::Nearness;

const NAME: &str = "tls.cert";

/// It opens, belongs to its key, names the host of `base_url` and lasts for a while; the key is its
/// owner's.
pub(super) fn check(findings: &mut Findings, config: &Config, clock: &Clock) {
    let Some(files) = &config.tls else { return };
    if let Err(error) = pair(findings, files, config, clock) {
        let fix = "name the certificate with its issuers, and its private key, both in PEM";
        findings.error(NAME, error.to_string(), fix);
    }
    let mode = std::fs::metadata(&files.key).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o007 != 0) {
        let key = files.key.display();
        findings.error(
            "tls.key",
            format!("others can read {key}"),
            format!("chmod 640 {key}, with the group that `doorward serve` runs under"),
        );
    }
}

fn pair(
    findings: &mut Findings,
    files: &TlsFiles,
    config: &Config,
    clock: &Clock,
) -> Result<(), TlsError> {
    let pair = TlsPair::read(files)?;
    pair.acceptor()?;
    let (until, now) = (pair.ends()?, clock.now());
    let day: String = until.to_string().chars().take(10).collect();
    match Nearness::of(until, now) {
        Nearness::Over => findings.error(
            NAME,
            format!("the certificate has ended ({day})"),
            "renew it; the new files are taken without a restart",
        ),
        Nearness::Week => findings.warning(
            NAME,
            format!("the certificate ends on {day}"),
            "renew it; the new files are taken without a restart",
        ),
        _ => findings.ok(NAME, format!("the certificate holds until {day}")),
    }
    let host = crate::cli::boot::host(config);
    if !pair.is_for(&host)? {
        findings.error(
            NAME,
            format!("the certificate does not name {host}, the host of base_url"),
            "get one that does: browsers compare",
        );
    }
    Ok(())
}
