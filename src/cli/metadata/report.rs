//! What a refresh changed, as people and scripts are told; how far it is, while it lasts.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use super::super::error::{CliError, refused};
use super::super::output::{Style, Tone, plain};
use crate::directory::metadata_source::{MetadataSource, Place};
use crate::directory::name::SpName;
use crate::sources::{FetchError, ObtainError, Progress, RefreshError, Refreshed, Report};

/// Longer lists are cut where people read; `--json` has everything.
const SHOWN: usize = 20;

/// Tells how far a long piece of work is: on a terminal, in one line that is overwritten.
pub(super) fn progress(name: &str) -> impl Fn(Progress) + Send + Sync + 'static {
    let name = plain(name);
    let shown = std::io::stderr().is_terminal();
    move |progress| {
        let line = match progress {
            _ if !shown => return,
            Progress::Fetched(bytes) => format!("{name}: {} KiB fetched", bytes / 1024),
            Progress::Read(read) if read % 500 == 0 => format!("{name}: {read} entities read"),
            Progress::Read(_) => return,
            Progress::Written(done, all) if done < all => {
                format!("{name}: {done} of {all} registrations written")
            }
            // The line is cleared for what comes next.
            Progress::Written(..) => String::new(),
        };
        // Where stderr is closed nobody wants to know.
        let _ = write!(std::io::stderr(), "\r\u{1b}[K{line}");
    }
}

pub(super) fn document(source: &MetadataSource, refreshed: &Refreshed) -> Value {
    let name = source.name.as_str();
    let Refreshed::Done(report) = refreshed else {
        return json!({"source": name, "unchanged": true});
    };
    let changed = report.changed.iter();
    let changed: Vec<_> = changed
        .map(|one| json!({"sp": one.sp.as_str(), "what": one.what}))
        .collect();
    let withdrawn = report.withdrawn.iter();
    let withdrawn: Vec<_> = withdrawn
        .map(|(sp, why)| json!({"sp": sp.as_str(), "why": why}))
        .collect();
    let skipped = report.skipped.iter();
    let skipped: Vec<_> = skipped
        .map(|(id, why)| json!({"entity_id": id, "why": why}))
        .collect();
    let added: Vec<_> = report.added.iter().map(SpName::as_str).collect();
    json!({"source": name, "unchanged": !report.changes_something(), "added": added,
        "changed": changed, "withdrawn": withdrawn, "skipped": skipped,
        "as_before": report.unchanged, "others": report.others})
}

pub(super) fn text(style: Style, source: &MetadataSource, refreshed: &Refreshed) -> String {
    let name = style.strong(source.name.as_str());
    match refreshed {
        Refreshed::Unchanged if matches!(source.place, Place::Mdq(_)) => {
            format!("{name}: asked when a message arrives from an entity that is not registered\n")
        }
        Refreshed::Unchanged => format!("{name}: nothing has changed\n"),
        Refreshed::Done(report) => format!("{name}: {}\n{}", sum(report), details(style, report)),
    }
}

fn sum(report: &Report) -> String {
    let parts = [
        (report.added.len(), "new"),
        (report.changed.len(), "changed"),
        (report.withdrawn.len(), "withdrawn"),
        (report.unchanged, "as before"),
        (report.skipped.len(), "could not be taken"),
        (report.others, "no service providers"),
    ];
    let said = parts.into_iter().filter(|(count, _)| *count > 0);
    let said: Vec<_> = said
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if said.is_empty() {
        "no service providers".to_owned()
    } else {
        said.join(", ")
    }
}

fn details(style: Style, report: &Report) -> String {
    let mut text = String::new();
    let changed = report.changed.iter();
    let changed = changed.map(|one| (one.sp.as_str(), one.what.join("; ")));
    let withdrawn = report.withdrawn.iter();
    let withdrawn = withdrawn.map(|(sp, why)| (sp.as_str(), format!("door shut: {why}")));
    let skipped = report.skipped.iter();
    let skipped = skipped.map(|(id, why)| (id.as_str(), why.clone()));
    let added = report.added.iter().map(|sp| (sp.as_str(), String::new()));
    lines(&mut text, style, (Tone::Good, "+"), added);
    lines(&mut text, style, (Tone::Plain, "~"), changed);
    lines(&mut text, style, (Tone::Bad, "-"), withdrawn);
    lines(&mut text, style, (Tone::Warning, "!"), skipped);
    text
}

fn lines<'a>(
    text: &mut String,
    style: Style,
    (tone, mark): (Tone, &str),
    all: impl ExactSizeIterator<Item = (&'a str, String)>,
) {
    let more = all.len().saturating_sub(SHOWN);
    for (name, what) in all.take(SHOWN) {
        let line = [plain(name), plain(&what)].join("  ");
        text.extend(["  ", &style.apply(tone, mark), " ", line.trim_end(), "\n"]);
    }
    if more > 0 {
        let rest = style.quiet(&format!("and {more} more"));
        text.extend(["  ", &style.apply(tone, mark), " ", &rest, "\n"]);
    }
}

/// What is wrong, and what to do about it.
pub(super) fn told(name: &str, error: RefreshError) -> CliError {
    let fix = match &error {
        RefreshError::Obtain(ObtainError::Fetch(fault)) => match fault {
            FetchError::Scheme(_) | FetchError::NotPublic(_) => {
                "if that is meant, name the host and port, or the network, in fetch_allow"
            }
            FetchError::Address(_) => "write an absolute https address",
            FetchError::TooLarge(_) => "ask the federation for a smaller document, or for MDQ",
            _ => "try the address by hand; the last good copy stays in use until it expires",
        },
        RefreshError::Obtain(ObtainError::Aggregate(_)) => {
            "compare --key with the federation's certificate, and the document with its description"
        }
        RefreshError::Obtain(_) => "look at the file and its permissions",
        RefreshError::Nothing => "ask its owners where its metadata is now",
        RefreshError::Metadata(_) | RefreshError::AnotherEntity(_) | RefreshError::Endpoint(_) => {
            "ask the owners of the application; the registration stays as it was"
        }
        RefreshError::Store(_) | RefreshError::NoRandomness(_) => "try again in a moment",
    };
    match error {
        RefreshError::Store(error) => CliError::Store(error),
        error => refused(format!("{name}: {error}"), fix),
    }
}
