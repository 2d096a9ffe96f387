//! The configuration: TOML, above it the environment, below both the defaults of one table.
//!
//! Every mistake is found at start, all of them at once, each with the key's name, what is wrong
//! and the fix. This room knows nothing of databases or HTTP.

mod about;
mod algorithms;
mod fetch_allow;
mod keys;
mod read;
mod source;
mod template;
mod tls;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::authn::password::Cost;
use crate::directory::algorithms::DeniedAlgorithms;
use crate::directory::name::EntityId;
use crate::directory::release::SiteRelease;
use crate::directory::service_provider::is_loopback;
use crate::directory::session::SessionLimits;
use crate::saml::authn_context::{AuthnContext, ContextOrder};
use crate::saml::signature::KeyKind;

pub use about::{About, Organization, mail_address};
pub use fetch_allow::{FetchAllow, SourceSettings};
pub use keys::{Form, KEYS, Key};
pub use template::{as_markdown, template};
pub use tls::TlsFiles;
pub use value::Network;

use source::Source;

/// The name that a configuration file has unless another is given.
pub const FILE_NAME: &str = "doorward.toml";

/// Everything that is configured, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that relative paths count from.
    pub folder: PathBuf,
    /// What browsers see, without a trailing slash.
    pub base_url: String,
    /// The SAML name of this identity provider.
    pub entity_id: EntityId,
    /// Where to serve.
    pub listen: SocketAddr,
    /// The certificate and key of a server that speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// How long the node goes on serving after SIGTERM while `/readyz` already says that it stops.
    pub drain: Duration,
    /// `sqlite://` and an absolute path, or the URL of a database on a server, maybe with a password.
    pub database_url: String,
    /// Connections to a database server at most.
    pub database_connections: u32,
    /// Where the master keys are.
    pub keys_dir: PathBuf,
    /// Kind of the first signing key.
    pub signing_algorithm: KeyKind,
    /// Authentication contexts, the weakest first.
    pub authn_contexts: ContextOrder,
    /// Algorithms that are neither used nor accepted.
    pub denied_algorithms: DeniedAlgorithms,
    /// Whether failed sign-ins make the next one wait.
    pub throttle: bool,
    /// How long sessions live.
    pub session: SessionLimits,
    /// Tolerance for others' clocks.
    pub clock_skew: Duration,
    /// Whom people ask where the SP names nobody.
    pub contact: Option<String>,
    /// Where `/metrics` is served, and nowhere else.
    pub metrics_listen: Option<SocketAddr>,
    /// What our metadata tells about us.
    pub about: About,
    /// The domain of the discovery cookie; without one none is written (Profiles 4.3).
    pub common_domain: Option<String>,
    /// Whether requests without a signature are refused, whoever sends them.
    pub require_signed_requests: bool,
    /// Whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// What is released by rules of the site.
    pub release: SiteRelease,
    /// What sources of metadata may be, and for how long they are believed.
    pub sources: SourceSettings,
    /// Whether `base_url` may be plain http outside loopback.
    pub allow_insecure_http: bool,
    /// The cost of a password hash.
    pub argon2: Cost,
    /// What a power cut may take.
    pub durability: Durability,
    /// How long rows of the audit log are kept; `None` is for ever.
    pub audit_keep: Option<Duration>,
    /// The form of the log.
    pub log: LogForm,
    /// How much is logged.
    pub log_level: LogLevel,
}

/// What a power cut may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was answered.
    Full,
    /// The last moments.
    Normal,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogForm {
    /// Text on a terminal, else JSON.
    Auto,
    /// Text.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures only.
    Error,
    /// And what needs attention.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMistake {
    /// Which key.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
    /// How to mend it.
    pub fix: String,
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.what, self.fix)
    }
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file that was named cannot be read.
    #[error("cannot read {}: {what}; `doorward init` writes one", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// Everything that is wrong in it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<ConfigMistake>),
}

/// A duration in the form of the configuration: `2h`, `90s`, `500ms`.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    value::duration(text).ok()
}

impl Config {
    /// Loads the file, or `doorward.toml` of the working directory if there is one, and the
    /// variables of the environment, which win.
    pub fn load(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(FILE_NAME));
        match std::fs::read_to_string(path) {
            Ok(text) => Self::check(&text, path, variables),
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Self::check("", path, variables)
            }
            Err(error) => Err(ConfigError::Unreadable {
                path: path.to_owned(),
                what: error.to_string(),
            }),
        }
    }

    /// Checks the text of a file before it is written.
    pub fn check(
        text: &str,
        path: &Path,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut source = Source::default();
        source.read_file(text, &path.display().to_string());
        source.read_environment(variables);
        Self::from_source(source, folder_of(path))
    }

    fn from_source(mut source: Source, folder: PathBuf) -> Result<Self, ConfigError> {
        let config = read::read(&mut source, folder);
        let mistakes = source.into_mistakes();
        match config {
            Some(config) if mistakes.is_empty() => Ok(config),
            // Each default of the table parses (tested), so that nothing is missing without a
            // mistake that says why.
            _ => Err(ConfigError::Mistakes(mistakes)),
        }
    }

    /// Whether forwarded headers from this address are believed.
    #[must_use]
    pub fn trusts_proxy(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|n| n.contains(address))
    }

    /// How a password sign-in may be asserted: protected by TLS, or on the machine itself.
    #[must_use]
    pub fn password_context(&self) -> AuthnContext {
        let url = url::Url::parse(&self.base_url);
        let is_protected = url.is_ok_and(|url| url.scheme() == "https" || is_loopback(&url));
        AuthnContext::of_password(is_protected)
    }

    /// Where the database file is; none where a server has the database.
    #[must_use]
    pub fn database_file(&self) -> Option<&Path> {
        self.database_url.strip_prefix(SQLITE).map(Path::new)
    }
}

/// The folder that relative paths count from: that of the file, as an absolute path.
fn folder_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    // Without a working directory relative paths stay relative, and opening them says so.
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

const SQLITE: &str = "sqlite://";
