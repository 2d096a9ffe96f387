//! SP metadata from a file, from stdin, or from an address that the operator typed.

use std::io::{Read, stdin};
use std::path::Path;
use std::time::Duration;

use super::super::error::{CliError, refused};
use super::super::fetch::tls;
use super::super::output::note;
use crate::directory::service_provider::is_loopback;
use crate::directory::time::UnixTime;
use crate::saml::sp_metadata::{self, SpMetadata};

/// How long a fetch may take altogether.
const PATIENCE: Duration = Duration::from_secs(10);

/// How large metadata may be.
const LARGEST: u64 = 20 * 1024 * 1024;

/// Reads the metadata of one SP from a file, from stdin or from an address.
pub(super) fn read(place: &str, now: UnixTime) -> Result<SpMetadata, CliError> {
    sp_metadata::parse(&read_bytes(place)?, now).map_err(|error| {
        refused(
            format!("{place}: {error}"),
            "ask the application for its SAML 2.0 SP metadata",
        )
    })
}

/// Reads metadata of whomever, unread; `-` is stdin, where it may be pasted.
pub(in crate::cli) fn read_bytes(place: &str) -> Result<Vec<u8>, CliError> {
    if place == "-" {
        read_pasted()
    } else if place.starts_with("http://") || place.starts_with("https://") {
        fetch(place)
    } else if place.contains("://") {
        Err(refused(
            format!("{place}: metadata is fetched by http(s) only"),
            "name an https address, or a file",
        ))
    } else {
        read_file(Path::new(place))
    }
}

fn read_pasted() -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    stdin().lock().take(LARGEST).read_to_end(&mut bytes)?;
    if bytes.trim_ascii().is_empty() {
        return Err(refused(
            "nothing came on stdin",
            "paste the metadata and end with Ctrl-D, or name a file",
        ));
    }
    Ok(bytes)
}

fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    let told = |error: std::io::Error| {
        refused(
            format!("{}: {error}", path.display()),
            "name the file with the metadata, or its http(s) address",
        )
    };
    let file = std::fs::File::open(path).map_err(told)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(told)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(refused(
            format!("{}: metadata has at most 20 MiB", path.display()),
            "name the metadata of one application",
        ));
    }
    Ok(bytes)
}

fn fetch(address: &str) -> Result<Vec<u8>, CliError> {
    let told = |what: String| {
        refused(
            format!("{address}: {what}"),
            "try the address in a browser, or save the metadata as a file and name that",
        )
    };
    let url = url::Url::parse(address).map_err(|error| told(error.to_string()))?;
    if url.scheme() == "http" && !is_loopback(&url) {
        note("the metadata came over plain http: compare its certificate with its owners");
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .tls_config(tls())
        .build()
        .into();
    let response = agent.get(address).call();
    let mut response = response.map_err(|error| told(error.to_string()))?;
    response
        .body_mut()
        .with_config()
        .limit(LARGEST)
        .read_to_vec()
        .map_err(|error| told(error.to_string()))
}
