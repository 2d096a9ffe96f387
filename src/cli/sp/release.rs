//! The options about what an SP is told, and for how long it may rely on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::super::error::{CliError, refused, usage};
use crate::config;
use crate::directory::attribute::{AttributeError, ReleasedAttribute, put};
use crate::directory::attribute_sets;
use crate::directory::release::{self as room, Lifetimes, ReleasePolicy};

/// What it is told. Nothing said means: as it was, or the default.
#[derive(Debug, Args)]
pub(super) struct ReleaseOptions {
    /// An attribute to release, by its short name, or with a value of its own as NAME=TEMPLATE
    /// (repeat for several; "" releases none) [default: mail, displayName, role]
    #[arg(long = "attribute", value_name = "NAME[=TEMPLATE]", value_parser = one_attribute)]
    attributes: Vec<Listed>,
    /// A ready-made list of attributes: ldap, plain, wso2 or microsoft; --attribute adds to it
    #[arg(long = "attribute-set", value_name = "SET", value_parser = one_set)]
    sets: Vec<Set>,
    /// Attributes from a TOML file, as `sp attributes NAME --toml` writes it
    #[arg(long, value_name = "FILE")]
    attributes_from: Option<PathBuf>,
    /// How much of that is told: all of it, or what the metadata requests, or requires
    /// [default: all]
    #[arg(long, value_enum)]
    release: Option<Amount>,
    /// The AttributeConsumingServiceIndex that its requests name though its metadata does not;
    /// "" takes it back
    #[arg(long, value_name = "NUMBER", value_parser = index)]
    attribute_index: Option<Change<u16>>,
    /// Write xsi:type="xs:string" on every value
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    attribute_types: Option<bool>,
    /// Ask the person before anything is told for the first time, and when it grows
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    consent: Option<bool>,
}

/// An attribute, or the empty text that lists none.
#[derive(Debug, Clone)]
struct Listed(Option<ReleasedAttribute>);

#[derive(Debug, Clone)]
struct Set(Vec<ReleasedAttribute>);

/// A value, or nothing any more.
#[derive(Debug, Clone, Copy)]
struct Change<T>(Option<T>);

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Amount {
    All,
    Requested,
    Required,
}

fn one_attribute(text: &str) -> Result<Listed, AttributeError> {
    if text.is_empty() {
        return Ok(Listed(None));
    }
    ReleasedAttribute::parse(text).map(|attribute| Listed(Some(attribute)))
}

fn one_set(name: &str) -> Result<Set, AttributeError> {
    attribute_sets::set(name).map(Set)
}

fn index(text: &str) -> Result<Change<u16>, String> {
    if text.is_empty() {
        return Ok(Change(None));
    }
    let number = text.parse().map(|number| Change(Some(number)));
    number.map_err(|_| "is no number from 0 to 65535".to_owned())
}

impl ReleaseOptions {
    /// Whether something was said.
    pub(super) fn says_something(&self) -> bool {
        self.lists_something()
            || self.release.is_some()
            || self.attribute_index.is_some()
            || self.attribute_types.is_some()
            || self.consent.is_some()
    }

    fn lists_something(&self) -> bool {
        !self.attributes.is_empty() || !self.sets.is_empty() || self.attributes_from.is_some()
    }

    /// What was decided, on top of what held before.
    pub(super) fn policy(&self, before: ReleasePolicy) -> Result<ReleasePolicy, CliError> {
        Ok(ReleasePolicy {
            attributes: if self.lists_something() {
                Some(self.list()?)
            } else {
                before.attributes
            },
            amount: self.release.map_or(before.amount, Amount::policy),
            typed: self.attribute_types.unwrap_or(before.typed),
            consent: self.consent.unwrap_or(before.consent),
            attribute_index: match self.attribute_index {
                Some(Change(said)) => said,
                None => before.attribute_index,
            },
        })
    }

    fn list(&self) -> Result<Vec<ReleasedAttribute>, CliError> {
        let mut list = Vec::new();
        let sets = self.sets.iter().flat_map(|Set(set)| set);
        for attribute in sets {
            put(&mut list, attribute.clone());
        }
        if let Some(file) = &self.attributes_from {
            for attribute in read(file)? {
                // A file says everything, so what it says holds as a whole.
                list.retain(|there| !is_same(there, &attribute));
                list.push(attribute);
            }
        }
        for Listed(attribute) in &self.attributes {
            if let Some(attribute) = attribute {
                put(&mut list, attribute.clone());
            }
        }
        Ok(list)
    }
}

/// One Name in one format stands once in an assertion (Core 2.7.3.1).
fn is_same(one: &ReleasedAttribute, other: &ReleasedAttribute) -> bool {
    (&one.name, &one.format) == (&other.name, &other.format)
}

impl Amount {
    fn policy(self) -> room::Amount {
        match self {
            Self::All => room::Amount::All,
            Self::Requested => room::Amount::Requested,
            Self::Required => room::Amount::Required,
        }
    }
}

/// The file of `--attributes-from`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    attribute: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    friendly_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join: Option<String>,
}

impl Entry {
    fn attribute(&self) -> Result<ReleasedAttribute, AttributeError> {
        let usual = ReleasedAttribute::short(&self.name)?;
        // A short name stands for its OID, whatever else is said about it.
        ReleasedAttribute::new(
            &usual.name,
            Some(self.format.as_deref().unwrap_or(&usual.format)),
            self.friendly_name
                .as_deref()
                .or(usual.friendly_name.as_deref()),
            self.value.as_deref().unwrap_or(usual.value.as_str()),
            self.join.as_deref(),
        )
    }
}

fn read(path: &Path) -> Result<Vec<ReleasedAttribute>, CliError> {
    let place = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        refused(
            format!("{place}: {error}"),
            "name the TOML file with the attributes",
        )
    })?;
    let file: File = toml::from_str(&text).map_err(|error| {
        refused(
            format!("{place}: {}", error.message()),
            "each attribute is a table [[attribute]] with name, and format, friendly_name, value, join where they are needed",
        )
    })?;
    let mut list: Vec<ReleasedAttribute> = Vec::new();
    for entry in &file.attribute {
        let attribute = entry
            .attribute()
            .map_err(|error| refused(format!("{place}: {}: {error}", entry.name), "mend that"))?;
        if list.iter().any(|there| is_same(there, &attribute)) {
            return Err(refused(
                format!("{place}: {} stands there twice", entry.name),
                "one Name in one format stands once in an assertion; a template may make several values",
            ));
        }
        list.push(attribute);
    }
    Ok(list)
}

/// The attributes as the TOML file that [`read`] reads.
pub(super) fn as_toml(list: &[&ReleasedAttribute]) -> Result<String, CliError> {
    let entry = |attribute: &&ReleasedAttribute| Entry {
        name: attribute.name.clone(),
        format: Some(attribute.format.clone()),
        friendly_name: attribute.friendly_name.clone(),
        value: Some(attribute.value.as_str().to_owned()),
        join: attribute.join.clone(),
    };
    let file = File {
        attribute: list.iter().map(entry).collect(),
    };
    toml::to_string(&file).map_err(|error| refused(error.to_string(), "please report it"))
}

/// For how long. Nothing said means: as it was, or the default.
#[derive(Debug, Args)]
pub(super) struct LifetimeOptions {
    /// How long an assertion may be presented: 30s to 1h; "" is the default [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = assertion_lifetime)]
    assertion_lifetime: Option<Change<Duration>>,
    /// How long before its making it is valid already, for a clock that is behind: 0s to 15m; ""
    /// is the default [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = not_before_margin)]
    not_before_margin: Option<Change<Duration>>,
    /// How long its own session may last, never longer than the one here: 1m to 30d; "" is the
    /// default [default: as long as the one here]
    #[arg(long, value_name = "DURATION", value_parser = session_lifetime)]
    session_lifetime: Option<Change<Duration>>,
}

fn assertion_lifetime(text: &str) -> Result<Change<Duration>, String> {
    within(text, Lifetimes::ASSERTION_BOUNDS)
}

fn not_before_margin(text: &str) -> Result<Change<Duration>, String> {
    within(text, Lifetimes::MARGIN_BOUNDS)
}

fn session_lifetime(text: &str) -> Result<Change<Duration>, String> {
    within(text, Lifetimes::SESSION_BOUNDS)
}

fn within(text: &str, (least, most): (Duration, Duration)) -> Result<Change<Duration>, String> {
    if text.is_empty() {
        return Ok(Change(None));
    }
    let Some(duration) = config::duration(text) else {
        return Err("is no duration such as 90s, 5m or 8h".to_owned());
    };
    if duration < least || duration > most {
        let (least, most) = (in_words(least), in_words(most));
        return Err(format!("is not between {least} and {most}"));
    }
    Ok(Change(Some(duration)))
}

/// A duration as it is typed.
pub(super) fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        _ if duration.subsec_millis() > 0 => format!("{}ms", duration.as_millis()),
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

impl LifetimeOptions {
    /// Whether something was said.
    pub(super) fn says_something(&self) -> bool {
        let all = [
            self.assertion_lifetime,
            self.not_before_margin,
            self.session_lifetime,
        ];
        all.iter().any(Option::is_some)
    }

    /// What was decided, on top of what held before.
    pub(super) fn lifetimes(&self, before: Lifetimes) -> Result<Lifetimes, CliError> {
        let changed = |said: Option<Change<Duration>>, before| match said {
            Some(Change(said)) => said,
            None => before,
        };
        let lifetimes = Lifetimes {
            assertion: changed(self.assertion_lifetime, before.assertion),
            not_before_margin: changed(self.not_before_margin, before.not_before_margin),
            session: changed(self.session_lifetime, before.session),
        };
        // An SP whose session ends before the assertion does would let the person in again with
        // what it has already used.
        if lifetimes
            .session
            .is_some_and(|own| own < lifetimes.assertion())
        {
            return Err(usage(
                "--session-lifetime is shorter than the lifetime of an assertion",
                "make --assertion-lifetime shorter, or the session longer",
            ));
        }
        Ok(lifetimes)
    }
}
