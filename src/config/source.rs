//! Where values come from: the file, above it the environment, below both the table's defaults.

use std::collections::BTreeMap;

use super::ConfigMistake;
use super::keys::{self, KEYS, Key, TEST_PREFIX, VARIABLE_PREFIX};
use super::value::Wrong;

/// What was said, key by key, and every mistake found so far.
#[derive(Debug, Default)]
pub(super) struct Source {
    said: BTreeMap<&'static str, Said>,
    mistakes: Vec<ConfigMistake>,
}

#[derive(Debug)]
struct Said {
    text: String,
    place: String,
}

impl Source {
    /// Reads the file's text; `place` names the file in mistakes.
    pub(super) fn read_file(&mut self, text: &str, place: &str) {
        match text.parse::<toml::Table>() {
            Ok(table) => self.take_table("", &table, place),
            Err(error) => self.mistakes.push(ConfigMistake {
                key: place.to_owned(),
                what: format!(
                    "line {} is no TOML: {}",
                    line_of(text, error.span()),
                    one_line(error.message())
                ),
                fix: "mend that line; texts stand in quotation marks".to_owned(),
            }),
        }
    }

    fn take_table(&mut self, prefix: &str, table: &toml::Table, place: &str) {
        for (name, value) in table {
            let name = format!("{prefix}{name}");
            let is_table_of_ours = KEYS
                .iter()
                .any(|key| key.name.starts_with(&format!("{name}.")));
            match (KEYS.iter().find(|key| key.name == name), value) {
                (Some(key), value) => self.take_value(key, value, place),
                (None, toml::Value::Table(inner)) if is_table_of_ours => {
                    self.take_table(&format!("{name}."), inner, place);
                }
                (None, _) => self.unknown(&name, place, |key| key.name.to_owned()),
            }
        }
    }

    fn take_value(&mut self, key: &'static Key, value: &toml::Value, place: &str) {
        match plain(value) {
            Some(text) => self.say(key, text, place.to_owned()),
            None => self.mistakes.push(ConfigMistake {
                key: key.name.to_owned(),
                what: format!("has the wrong kind of value in {place}"),
                fix: format!("write for example {} = {}", key.name, key.example()),
            }),
        }
    }

    /// Reads the environment, which wins over the file.
    pub(super) fn read_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (variable, text) in variables {
            if !variable.starts_with(VARIABLE_PREFIX) || variable.starts_with(TEST_PREFIX) {
                continue;
            }
            match KEYS.iter().find(|key| key.variable() == variable) {
                Some(key) => self.say(key, text, format!("the environment ({variable})")),
                None => self.unknown(&variable, "the environment", Key::variable),
            }
        }
    }

    fn say(&mut self, key: &'static Key, text: String, place: String) {
        self.said.insert(key.name, Said { text, place });
    }

    fn unknown(&mut self, name: &str, place: &str, spell: impl Fn(&Key) -> String) {
        let bare = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
        let nearest = keys::nearest(bare).and_then(|near| KEYS.iter().find(|k| k.name == near));
        self.mistakes.push(ConfigMistake {
            key: name.to_owned(),
            what: format!("is no known key, in {place}"),
            fix: nearest.map_or_else(
                || "remove it; docs/configuration.md lists the known keys".to_owned(),
                |key| format!("did you mean {}?", spell(key)),
            ),
        });
    }

    /// The value of a key, parsed. A mistake is noted, and the default stands in for it so that
    /// the other keys can still be checked.
    pub(super) fn value<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let key = KEYS.iter().find(|key| key.name == name)?;
        if let Some(said) = self.said.get(name).filter(|said| !said.text.is_empty()) {
            match parse(&said.text) {
                Ok(value) => return Some(value),
                Err(wrong) => {
                    let what = format!("{}, in {}", wrong.what, said.place);
                    self.note(name, what, wrong.fix);
                }
            }
        } else if self.said.contains_key(name) && matches!(key.form, keys::Form::List) {
            return parse("").ok();
        }
        Some(key.default)
            .filter(|default| !default.is_empty())
            .and_then(|default| parse(default).ok())
    }

    pub(super) fn note(&mut self, key: &str, what: impl Into<String>, fix: impl Into<String>) {
        self.mistakes.push(ConfigMistake {
            key: key.to_owned(),
            what: what.into(),
            fix: fix.into(),
        });
    }

    /// Every mistake found.
    pub(super) fn into_mistakes(self) -> Vec<ConfigMistake> {
        self.mistakes
    }
}

/// The text of a TOML value in the form of the environment; a table or a date has none.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(word) => Some(word.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
            Some(items?.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// The line, counted from 1, in which a mistake begins.
fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start));
    before.unwrap_or_default().matches('\n').count() + 1
}

fn one_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
