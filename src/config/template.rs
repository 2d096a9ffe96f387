//! What the table says, written down: the file that `init` makes, and the table of the documents.

use super::keys::{Form, KEYS, Key};

impl Key {
    /// A value as TOML writes it, for examples.
    #[must_use]
    pub fn example(&self) -> String {
        match (self.default, self.form) {
            ("", Form::Text) => "\"…\"".to_owned(),
            ("", Form::List) => "[]".to_owned(),
            _ => self.default_in_toml(),
        }
    }
}

/// A commented configuration file, in which the `given` keys are set and all others show their
/// defaults as comments.
#[must_use]
pub fn template(given: &[(&str, String)]) -> String {
    let mut text = String::from(
        "# Doorward's configuration. Every key may also be an environment variable, which wins:\n\
         # base_url is DOORWARD_BASE_URL, argon2.memory_kib is DOORWARD_ARGON2_MEMORY_KIB.\n\
         # What is commented out shows the default. Relative paths count from this file's folder.\n\
         # `doorward check` says what is wrong here and how to mend it.\n",
    );
    for key in KEYS {
        text.push('\n');
        for line in wrapped(key.meaning) {
            text.extend(["# ", &line, "\n"]);
        }
        match given.iter().find(|(name, _)| *name == key.name) {
            Some((name, value)) => text.extend([name, " = ", &quoted(value), "\n"]),
            None => text.extend(["# ", key.name, " = ", &key.example(), "\n"]),
        }
    }
    text
}

/// A TOML string. What has no plain form (quotes, control characters) is escaped.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| line.len() + word.len() > 90);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// The table for docs/configuration.md.
#[must_use]
pub fn as_markdown() -> String {
    let row = |key: &Key| {
        let default = match key.default_in_toml().as_str() {
            "none" => "none".to_owned(),
            default => format!("`{default}`"),
        };
        format!("| `{}` | {default} | {} |", key.name, key.meaning)
    };
    let head = ["| key | default | meaning |", "| --- | --- | --- |"].map(str::to_owned);
    let rows: Vec<_> = head.into_iter().chain(KEYS.iter().map(row)).collect();
    rows.join("\n") + "\n"
}
