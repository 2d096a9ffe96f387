//! Certificates as the command line takes and shows them.

use std::path::Path;

use openssl::hash::MessageDigest;
use openssl::x509::X509;

use super::error::{CliError, refused};
use crate::saml::signature::VerifyingKey;

/// Larger than any certificate, or chain of them.
const LARGEST: u64 = 1024 * 1024;

/// Reads a certificate from a file, PEM or DER, as DER. Its key has to be one that we verify with.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let wrong = |what: String| {
        refused(
            format!("{}: {what}", path.display()),
            "name a file with one X.509 certificate, PEM or DER",
        )
    };
    let size = std::fs::metadata(path)
        .map_err(|e| wrong(e.to_string()))?
        .len();
    if size > LARGEST {
        return Err(wrong(format!("{size} bytes are no certificate")));
    }
    let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    let parsed = if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        X509::from_pem(&bytes)
    } else {
        X509::from_der(&bytes)
    };
    let der = parsed
        .and_then(|certificate| certificate.to_der())
        .map_err(|_| wrong("there is no certificate in it".to_owned()))?;
    VerifyingKey::from_certificate_der(&der).map_err(|e| wrong(e.to_string()))?;
    Ok(der)
}

/// SHA-256 of a certificate, as other tools print it.
pub(super) fn fingerprint(der: &[u8]) -> String {
    openssl::hash::hash(MessageDigest::sha256(), der).map_or_else(
        |_| "unreadable".to_owned(),
        |digest| {
            let pairs: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
            pairs.join(":")
        },
    )
}

/// The PEM of a certificate; nothing for what is none.
pub(super) fn to_pem(der: &[u8]) -> Option<String> {
    let pem = X509::from_der(der).and_then(|certificate| certificate.to_pem());
    String::from_utf8(pem.ok()?).ok()
}
