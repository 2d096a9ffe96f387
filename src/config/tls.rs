//! Serving HTTPS directly: where the certificate and its key are.

use std::path::{Path, PathBuf};

use super::source::Source;
use super::value::{Wrong, wrong};

/// The two files of a server that speaks TLS itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and below it those of its issuers, in PEM.
    pub cert: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Both or neither; whether the files are any good is seen when they are opened.
pub(super) fn read(source: &mut Source, folder: &Path, base_url: &str) -> Option<TlsFiles> {
    let cert = source.value("tls.cert", |text| file(text, folder));
    let key = source.value("tls.key", |text| file(text, folder));
    let (cert, key) = match (cert, key) {
        (Some(cert), Some(key)) => (cert, key),
        (None, None) => return None,
        (cert, _) => {
            let (has, lacks) = match cert {
                Some(_) => ("tls.cert", "tls.key"),
                None => ("tls.key", "tls.cert"),
            };
            source.note(
                has,
                format!("stands without {lacks}"),
                format!("write {lacks} too, or neither and put a proxy in front"),
            );
            return None;
        }
    };
    if base_url.starts_with("http://") {
        source.note(
            "tls.cert",
            "makes browsers speak https, but base_url is http",
            "write the https address that browsers see as base_url",
        );
    }
    Some(TlsFiles { cert, key })
}

fn file(text: &str, folder: &Path) -> Result<PathBuf, Wrong> {
    if text.chars().any(char::is_control) || text.ends_with('/') {
        return Err(wrong(
            format!("{text:?} is no path of a file"),
            "write the path of a file in PEM",
        ));
    }
    Ok(folder.join(text))
}
