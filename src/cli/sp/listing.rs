//! `doorward sp list`: all of them, some of them, a page of them.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;

use super::super::context::{Context, Open};
use super::super::error::CliError;
use super::super::output::{Json, Table, Tone, note};
use super::document::document;
use crate::directory::service_provider::ServiceProvider;
use crate::storage::{SpEntry, StoreError, Unreadable};

/// How many are shown where nothing is said.
const SHOWN: usize = 200;

/// How many are read at a time.
const AT_ONCE: usize = 100;

/// Which service providers are listed.
#[derive(Debug, Args)]
pub(in super::super) struct Which {
    /// Only those whose name, entityID or display name holds this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those after this short name, in the order of names
    #[arg(long, value_name = "NAME")]
    after: Option<String>,
    /// At most so many [default: 200; with --json all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// What is listed, and how many more there are.
pub(in super::super) struct Listed {
    /// Each with its place among all.
    entries: Vec<(usize, SpEntry)>,
    more: usize,
}

impl Which {
    /// Finds them. Without a limit of its own a list for people has `shown` at most.
    pub(in super::super) async fn find(
        &self,
        open: &Open,
        shown: usize,
        is_json: bool,
    ) -> Result<Listed, StoreError> {
        let wanted = self.search.as_deref().map(str::to_lowercase);
        let holds = |text: &str| {
            let wanted = wanted.as_deref().unwrap_or_default();
            text.to_lowercase().contains(wanted)
        };
        let after = self.after.as_deref().unwrap_or_default();
        let all = open.store.sp_index().await?.into_iter().enumerate();
        let mut entries: Vec<_> = all.collect();
        entries.retain(|(_, entry)| {
            let display_name = entry.display_name.as_deref().unwrap_or_default();
            let texts = [&entry.name, &entry.entity_id, display_name];
            entry.name.as_str() > after && texts.into_iter().any(holds)
        });
        let all = if is_json { usize::MAX } else { shown };
        let limit = self.limit.unwrap_or(all);
        let more = entries.len().saturating_sub(limit);
        entries.truncate(limit);
        Ok(Listed { entries, more })
    }
}

impl Listed {
    /// Says what is left out, and how to get it.
    pub(in super::super) fn note_more(&self, what: &str) {
        if let Some((_, last)) = self.entries.last().filter(|_| self.more > 0) {
            let (more, name) = (self.more, &last.name);
            note(&format!(
                "{more} more {what}: --search TEXT, --after {name}, --limit N"
            ));
        }
    }

    /// How many there are.
    pub(in super::super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Reads the registrations, some at a time, until `each` has enough. What lies between two that
    /// are wanted is read over.
    pub(in super::super) async fn each(
        &self,
        open: &Open,
        mut each: impl FnMut(Result<ServiceProvider, Unreadable>) -> Result<bool, CliError>,
    ) -> Result<(), CliError> {
        let mut rest = self.entries.as_slice();
        while let Some((place, first)) = rest.first() {
            let near = rest.partition_point(|(other, _)| *other < place + AT_ONCE);
            let (some, later) = rest.split_at(near);
            rest = later;
            let last = some.last().map_or(first, |(_, last)| last);
            let wanted = some.iter().map(|(_, entry)| entry.id.as_str());
            let wanted: BTreeSet<&str> = wanted.collect();
            let found = open.store.sps_between(&first.name, &last.name).await?;
            let readable = found.readable.into_iter().map(Ok);
            let unreadable = found.unreadable.into_iter().map(Err);
            for one in readable.chain(unreadable) {
                let id = one.as_ref().map_or_else(|no| &no.id, |sp| &sp.id);
                if wanted.contains(id.as_str()) && !each(one)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

pub(super) async fn list(
    context: &Context,
    open: &Open,
    which: &Which,
) -> Result<ExitCode, CliError> {
    let listed = which.find(open, SHOWN, context.out.json).await?;
    if context.out.json {
        return documents(open, &listed).await;
    }
    let mut table = Table::new(["NAME", "WHO MAY ENTER", "STATE", "ENTITY ID"]);
    let row = |one: Result<ServiceProvider, Unreadable>| {
        table.row(cells(&one));
        Ok(true)
    };
    listed.each(open, row).await?;
    context.done(&(), |style| {
        table.print(
            style,
            "No service provider is registered yet: `doorward sp add --help`.",
        )
    })?;
    listed.note_more("are registered");
    Ok(ExitCode::SUCCESS)
}

fn cells(one: &Result<ServiceProvider, Unreadable>) -> [(Tone, String); 4] {
    match one {
        Ok(sp) => [
            (Tone::Strong, sp.name.as_str().to_owned()),
            (Tone::Plain, sp.rule.to_string()),
            if sp.enabled {
                (Tone::Good, "enabled".to_owned())
            } else {
                (Tone::Bad, "disabled".to_owned())
            },
            (Tone::Quiet, sp.entity_id.as_str().to_owned()),
        ],
        Err(sp) => [
            (Tone::Strong, sp.name.clone()),
            (Tone::Plain, "nobody".to_owned()),
            (Tone::Bad, "unreadable".to_owned()),
            (Tone::Quiet, sp.cause.to_string()),
        ],
    }
}

/// The same as JSON, written while it is read: memory holds some registrations, not all.
async fn documents(open: &Open, listed: &Listed) -> Result<ExitCode, CliError> {
    let (mut json, mut shut) = (Json::begin("{\"sps\":[")?, Vec::new());
    listed
        .each(open, |one| match one {
            Ok(sp) => Ok(json.item(&document(&sp))?),
            Err(unreadable) => {
                shut.push(unreadable.name);
                Ok(true)
            }
        })
        .await?;
    json.end(&format!("],\"unreadable\":{}}}", serde_json::json!(shut)))?;
    Ok(ExitCode::SUCCESS)
}
