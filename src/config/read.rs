//! From what was said, key by key, to the checked configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::about::About;
use super::algorithms;
use super::fetch_allow::source_settings;
use super::source::Source;
use super::value::{self, Wrong, word, wrong};
use super::{Config, Durability, LogForm, LogLevel, SQLITE, about, tls};
use crate::authn::password::Cost;
use crate::directory::name::EntityId;
use crate::directory::release::SiteRelease;
use crate::directory::session::SessionLimits;
use crate::saml::signature::KeyKind;

pub(super) fn read(source: &mut Source, folder: PathBuf) -> Option<Config> {
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
    let tls = tls::read(source, &folder, &base_url);
    let database_url = source.value("database_url", |text| database_url(text, &folder));
    let keys_dir = source.value("keys_dir", |text| Ok(folder.join(text)));
    let listen = source.value("listen", value::socket_address);
    let signing_algorithm = source.value("signing_algorithm", signing_algorithm);
    let authn_contexts = source.value("authn_contexts", algorithms::contexts);
    let denied_algorithms = source.value("denied_algorithms", algorithms::denied);
    let throttle = source.value("throttle", on_or_off);
    let contact = source.value("contact", contact);
    let metrics_listen = source.value("metrics_listen", value::socket_address);
    let about = about::read(source);
    let common_domain = source.value("common_domain", |text| common_domain(text, &base_url));
    let require_signed_requests = source.value("require_signed_requests", value::yes_or_no);
    let release = site_release(source, about.as_ref());
    let trusted_proxies = source.value("trusted_proxies", value::networks);
    let sources = source_settings(source);
    let kept = kept(source);
    let logging = logging(source);
    Some(Config {
        folder,
        base_url,
        entity_id: entity_id?,
        listen: listen?,
        tls,
        drain: source.value("drain", drain)?,
        database_url: database_url?,
        database_connections: source.value("database_connections", connections)?,
        keys_dir: keys_dir?,
        signing_algorithm: signing_algorithm?,
        authn_contexts: authn_contexts?,
        denied_algorithms: denied_algorithms.unwrap_or_default(),
        throttle: throttle?,
        session: session?,
        clock_skew: clock_skew?,
        contact,
        metrics_listen,
        about: about?,
        common_domain,
        require_signed_requests: require_signed_requests?,
        trusted_proxies: trusted_proxies?,
        release,
        sources: sources?,
        allow_insecure_http,
        argon2: argon2?,
        durability: kept?.0,
        audit_keep: kept?.1,
        log: logging?.0,
        log_level: logging?.1,
    })
}

/// What a power cut may take, and how long audit rows are kept.
fn kept(source: &mut Source) -> Option<(Durability, Option<Duration>)> {
    let durability = source.value("durability", durability_word);
    let audit = source.value("audit_keep_days", audit_keep);
    Some((durability?, audit?))
}

/// The form of the log, and how much of it.
fn logging(source: &mut Source) -> Option<(LogForm, LogLevel)> {
    let form = source.value("log", log_form);
    let level = source.value("log_level", log_level);
    Some((form?, level?))
}

/// Days; none for ever.
fn audit_keep(text: &str) -> Result<Option<Duration>, Wrong> {
    let days: u32 = value::number(text)?;
    Ok((days > 0).then(|| Duration::from_hours(24) * days))
}

fn durability_word(text: &str) -> Result<Durability, Wrong> {
    word(
        text,
        &[("full", Durability::Full), ("normal", Durability::Normal)],
    )
}

fn on_or_off(text: &str) -> Result<bool, Wrong> {
    let words = [
        ("on", true),
        ("off", false),
        ("true", true),
        ("false", false),
    ];
    word(text, &words)
}

fn site_release(source: &mut Source, about: Option<&About>) -> SiteRelease {
    let categories = source.value("release_by_category", value::categories);
    SiteRelease {
        scope: about.and_then(|about| about.scope.clone()),
        categories: categories.unwrap_or_default(),
    }
}

/// A cookie is believed only for the domain of the server that writes it (RFC 6265, 5.3).
fn common_domain(text: &str, base_url: &str) -> Result<String, Wrong> {
    let domain = text.trim_start_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !domain.contains('.') || !domain.split('.').all(is_label) {
        return Err(wrong(
            format!("{text:?} is no domain that several servers share"),
            "write one such as \"example.org\"",
        ));
    }
    let host = url::Url::parse(base_url)
        .ok()
        .and_then(|url| url.domain().map(str::to_owned));
    let is_within =
        host.is_some_and(|host| host == domain || host.ends_with(&format!(".{domain}")));
    if is_within {
        Ok(domain)
    } else {
        Err(wrong(
            format!("base_url is not within {domain:?}, so browsers would drop the cookie"),
            "write a domain that the host of base_url ends in",
        ))
    }
}

fn entity_id(text: &str) -> Result<EntityId, Wrong> {
    EntityId::parse(text).map_err(|e| {
        wrong(
            format!("{text:?} {e}"),
            "write an absolute URI (Core 8.3.6)",
        )
    })
}

fn database_url(text: &str, folder: &Path) -> Result<String, Wrong> {
    let fix = "write \"sqlite://\" and the path of the file, or the URL of a PostgreSQL or MySQL database";
    let Some(path) = text.strip_prefix(SQLITE) else {
        return server_url(text).map_err(|what| wrong(what, fix));
    };
    if path.is_empty() || path.ends_with('/') || path.contains(['?', '#', '%']) {
        return Err(wrong(
            format!("{path:?} is no path of a file (no ?, # or %)"),
            fix,
        ));
    }
    Ok(format!("{SQLITE}{}", folder.join(path).display()))
}

/// What is wrong with it is said without the URL itself: it holds a password.
fn server_url(text: &str) -> Result<String, String> {
    let scheme = text.split(':').next().unwrap_or_default();
    if !matches!(scheme, "postgres" | "postgresql" | "mysql" | "mariadb") {
        return Err("names no database that is known".to_owned());
    }
    let url = url::Url::parse(text).map_err(|e| format!("is no URL: {e}"))?;
    if url.path().trim_matches('/').is_empty() {
        return Err("names a server, but no database on it".to_owned());
    }
    Ok(text.to_owned())
}

fn connections(text: &str) -> Result<u32, Wrong> {
    let number = value::number(text)?;
    if (2..=1000).contains(&number) {
        Ok(number)
    } else {
        Err(wrong(
            format!("{number} is not between 2 and 1000"),
            "write 8, or what the database server has for each node",
        ))
    }
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
    if skew > Duration::from_mins(15) {
        return Err(wrong(
            format!("{text:?} would let old messages in"),
            "write at most \"15m\", and set the clocks by NTP",
        ));
    }
    Ok(skew)
}

/// Whoever stops a node waits for it: service managers kill after a while (systemd: 90 s).
fn drain(text: &str) -> Result<Duration, Wrong> {
    let length = value::duration(text)?;
    if length > Duration::from_mins(1) {
        return Err(wrong(
            format!("{text:?} is longer than a service manager waits"),
            "write at most \"60s\"",
        ));
    }
    Ok(length)
}

fn argon2_cost(source: &mut Source) -> Option<Cost> {
    let cost = Cost {
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

fn signing_algorithm(text: &str) -> Result<KeyKind, Wrong> {
    word(text, &KeyKind::ALL.map(|kind| (kind.name(), kind)))
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
