//! What the demo says on a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::people::Person;
use crate::cli::output::{Style, Table, Tone};

/// Addresses, people, and what to try first.
pub(super) fn text(
    style: Style,
    idp: &str,
    doors: &BTreeMap<&str, &String>,
    people: &[Person],
    config: &Path,
) -> String {
    let mut text = format!(
        "\n  {}\n\n",
        style.strong("Doorward demo: two apps, one sign-in, two doors")
    );
    let mut line = |name: &str, url: &str, what: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {name:<11} {}   {}",
            style.strong(url),
            style.quiet(what)
        );
    };
    for (name, url) in doors.iter().rev() {
        line(
            name,
            url,
            if *name == "store" {
                "for consumers"
            } else {
                "for publishers"
            },
        );
    }
    line("doorward", idp, "the identity provider");
    text.push('\n');
    let mut table = Table::new(["USER", "PASSWORD", "ROLES", "STORE", "PUBLISHER"]);
    for person in people {
        let door = |name: &str| match person.may_enter.iter().any(|door| door == name) {
            true => (Tone::Good, "✓ enters".to_owned()),
            false if person.disabled => (Tone::Bad, "✗ disabled".to_owned()),
            false => (Tone::Bad, "✗ refused".to_owned()),
        };
        table.row([
            (Tone::Strong, person.name.to_owned()),
            (Tone::Plain, person.password.clone()),
            (Tone::Quiet, person.roles.join(", ")),
            door("store"),
            door("publisher"),
        ]);
    }
    for line in table.print(style, "").lines() {
        let _ = writeln!(text, "  {line}");
    }
    let (doorward, config) = (how_to_call(), config.display());
    let _ = write!(
        text,
        "\n  Try this: sign in to the store as carla, then open the publisher in the same browser.\n  \
         Then let her in, and try again:\n\n    {doorward} --config {config} user grant carla publisher\n\n  \
         {}\n\n",
        style.quiet(
            "All of it is on this machine, in a temporary folder that goes away. Ctrl-C ends it."
        )
    );
    text
}

/// The program as a shell finds it: `make demo` runs one that is not in the PATH.
fn how_to_call() -> String {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&paths).any(|folder| folder.join("doorward").is_file());
    match std::env::current_exe() {
        Ok(program) if !in_path => program.display().to_string(),
        _ => "doorward".to_owned(),
    }
}
