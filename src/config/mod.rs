//! The configuration: TOML, above it the environment, below both the defaults of one table.
//!
//! Every mistake is found at start, all of them at once, each with the key's name, what is wrong
//! and the fix. This room knows nothing of databases or HTTP.

mod keys;
mod source;
mod template;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::directory::name::EntityId;
use crate::directory::session::SessionLimits;

pub use keys::{Form, KEYS, Key};
pub use template::{as_markdown, template};
pub use value::Network;

use source::Source;
use value::{Wrong, word, wrong};

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
    /// `sqlite://` and an absolute path.
    pub database_url: String,
    /// Where the master keys are.
    pub keys_dir: PathBuf,
    /// Kind of the first signing key.
    pub signing_algorithm: SigningAlgorithm,
    /// Whether failed sign-ins make the next one wait.
    pub throttle: bool,
    /// How long sessions live.
    pub session: SessionLimits,
    /// Tolerance for others' clocks.
    pub clock_skew: Duration,
    /// Whom people ask where the SP names nobody.
    pub contact: Option<String>,
    /// Whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether `base_url` may be plain http outside loopback.
    pub allow_insecure_http: bool,
    /// The cost of a password hash.
    pub argon2: Argon2Cost,
    /// What a power cut may take.
    pub durability: Durability,
    /// The form of the log.
    pub log: LogForm,
    /// How much is logged.
    pub log_level: LogLevel,
}

/// Kind of a signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSA with 2,048 bits.
    Rsa2048,
    /// RSA with 3,072 bits.
    Rsa3072,
    /// RSA with 4,096 bits.
    Rsa4096,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
}

/// The cost of one argon2id hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
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

impl Config {
    /// Loads the file, or `doorward.toml` of the working directory if there is one, and the
    /// variables of the environment, which win.
    pub fn load(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(FILE_NAME));
        let mut source = Source::default();
        match std::fs::read_to_string(path) {
            Ok(text) => source.read_file(&text, &path.display().to_string()),
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(ConfigError::Unreadable {
                    path: path.to_owned(),
                    what: error.to_string(),
                });
            }
        }
        source.read_environment(variables);
        Self::from_source(source, folder_of(path))
    }

    fn from_source(mut source: Source, folder: PathBuf) -> Result<Self, ConfigError> {
        let config = read(&mut source, folder);
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

    /// Where the database file is.
    #[must_use]
    pub fn database_file(&self) -> &Path {
        Path::new(database_path(&self.database_url))
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

fn database_path(url: &str) -> &str {
    url.strip_prefix(SQLITE).unwrap_or(url)
}

fn read(source: &mut Source, folder: PathBuf) -> Option<Config> {
    let allow_insecure_http = source.value("allow_insecure_http", value::yes_or_no)?;
    let base_url = source.value("base_url", |text| {
        value::base_url(text, allow_insecure_http)
    })?;
    let own_id = format!("{base_url}/saml/metadata");
    let entity_id = source
        .value("entity_id", entity_id)
        .or_else(|| EntityId::parse(&own_id).ok());
    let session = session_limits(source);
    let argon2 = argon2_cost(source);
    let clock_skew = source.value("clock_skew", clock_skew);
    let path = source.value("database_url", database_url)?;
    let database_url = format!("{SQLITE}{}", folder.join(path).display());
    let keys_dir = source.value("keys_dir", |text| Ok(folder.join(text)));
    let listen = source.value("listen", value::socket_address);
    let signing_algorithm = source.value("signing_algorithm", signing_algorithm);
    let throttle = source.value("throttle", |text| {
        word(
            text,
            &[
                ("on", true),
                ("off", false),
                ("true", true),
                ("false", false),
            ],
        )
    });
    let contact = source.value("contact", contact);
    let trusted_proxies = source.value("trusted_proxies", value::networks);
    let durability = source.value("durability", |text| {
        word(
            text,
            &[("full", Durability::Full), ("normal", Durability::Normal)],
        )
    });
    let log = source.value("log", log_form);
    let log_level = source.value("log_level", log_level);
    Some(Config {
        folder,
        base_url,
        entity_id: entity_id?,
        listen: listen?,
        database_url,
        keys_dir: keys_dir?,
        signing_algorithm: signing_algorithm?,
        throttle: throttle?,
        session: session?,
        clock_skew: clock_skew?,
        contact,
        trusted_proxies: trusted_proxies?,
        allow_insecure_http,
        argon2: argon2?,
        durability: durability?,
        log: log?,
        log_level: log_level?,
    })
}

fn entity_id(text: &str) -> Result<EntityId, Wrong> {
    EntityId::parse(text).map_err(|e| {
        wrong(
            format!("{text:?} {e}"),
            "write an absolute URI (Core 8.3.6)",
        )
    })
}

fn database_url(text: &str) -> Result<PathBuf, Wrong> {
    let fix = "write \"sqlite://\" and the path of the file";
    let Some(path) = text.strip_prefix(SQLITE) else {
        let scheme = text.split(':').next().unwrap_or(text);
        return Err(match scheme {
            "postgres" | "postgresql" | "mysql" | "mariadb" => {
                wrong(format!("{scheme}:// is not supported by this version"), fix)
            }
            _ => wrong(format!("{text:?} names no database"), fix),
        });
    };
    if path.is_empty() || path.ends_with('/') || path.contains(['?', '#', '%']) {
        return Err(wrong(
            format!("{path:?} is no path of a file (no ?, # or %)"),
            fix,
        ));
    }
    Ok(PathBuf::from(path))
}

fn session_limits(source: &mut Source) -> Option<SessionLimits> {
    let positive = |text: &str| {
        let length = value::duration(text)?;
        if length < Duration::from_secs(1) {
            return Err(wrong(
                format!("{text:?} is too short"),
                "write at least \"1s\"",
            ));
        }
        Ok(length)
    };
    let idle = source.value("session_idle", positive)?;
    let absolute = source.value("session_absolute", positive)?;
    if idle > absolute {
        source.note(
            "session_idle",
            "is longer than session_absolute",
            "write a session_idle that is not longer than session_absolute",
        );
    }
    Some(SessionLimits { idle, absolute })
}

fn clock_skew(text: &str) -> Result<Duration, Wrong> {
    let skew = value::duration(text)?;
    if skew > Duration::from_secs(15 * 60) {
        return Err(wrong(
            format!("{text:?} would let old messages in"),
            "write at most \"15m\", and set the clocks by NTP",
        ));
    }
    Ok(skew)
}

fn argon2_cost(source: &mut Source) -> Option<Argon2Cost> {
    let cost = Argon2Cost {
        memory_kib: source.value("argon2.memory_kib", value::number)?,
        iterations: source.value("argon2.iterations", value::number)?,
        parallelism: source.value("argon2.parallelism", value::number)?,
    };
    let least = cost.parallelism.saturating_mul(8).max(8);
    if !(1..=256).contains(&cost.parallelism) {
        source.note("argon2.parallelism", "is not between 1 and 256", "write 1");
    } else if !(least..=4 * 1024 * 1024).contains(&cost.memory_kib) {
        source.note(
            "argon2.memory_kib",
            format!("is not between {least} (8 for each lane) and 4194304"),
            "write 19456, as OWASP recommends",
        );
    }
    if !(1..=1000).contains(&cost.iterations) {
        source.note("argon2.iterations", "is not between 1 and 1000", "write 2");
    }
    Some(cost)
}

fn signing_algorithm(text: &str) -> Result<SigningAlgorithm, Wrong> {
    let words: Vec<_> = SigningAlgorithm::ALL.map(|one| (one.word(), one)).into();
    word(text, &words)
}

impl SigningAlgorithm {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::P256,
        Self::P384,
    ];

    /// The word in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
            Self::P256 => "p256",
            Self::P384 => "p384",
        }
    }
}

fn contact(text: &str) -> Result<String, Wrong> {
    if text.len() > 500 || text.chars().any(char::is_control) {
        return Err(wrong(
            "is longer than 500 bytes or has control characters",
            "write one line",
        ));
    }
    Ok(text.trim().to_owned())
}

fn log_form(text: &str) -> Result<LogForm, Wrong> {
    word(
        text,
        &[
            ("auto", LogForm::Auto),
            ("text", LogForm::Text),
            ("json", LogForm::Json),
        ],
    )
}

fn log_level(text: &str) -> Result<LogLevel, Wrong> {
    let words = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    word(text, &words)
}
