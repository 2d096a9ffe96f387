//! `doorward metadata list`.

use std::process::ExitCode;

use serde_json::json;

use super::super::certificate::fingerprint;
use super::super::context::Context;
use super::super::error::CliError;
use super::super::output::{Table, Tone, instant};
use super::add::rule_document;
use crate::directory::metadata_source::{MetadataSource, Place};
use crate::directory::time::UnixTime;

pub(super) async fn run(context: &Context) -> Result<ExitCode, CliError> {
    let open = context.open().await?;
    let sources = open.store.metadata_sources().await?;
    let counts = open.store.registrations_per_source().await?;
    let count = |source: &MetadataSource| counts.get(&source.id).copied().unwrap_or(0);
    let now = open.clock.now();
    let documents: Vec<_> = sources
        .iter()
        .map(|source| {
            let keys: Vec<_> = source.certificates.iter().map(|k| fingerprint(k)).collect();
            let state = &source.state;
            let at = |instant: Option<UnixTime>| instant.map(|at| at.to_string());
            json!({"name": source.name.as_str(), "kind": source.place.kind(),
                "location": source.place.location(), "rule": rule_document(&source.rule),
                "keys_sha256": keys, "sps": count(source),
                "refreshed_at": at(state.refreshed_at), "valid_until": at(state.valid_until),
                "next_at": state.next_at.to_string(), "failures": state.failures,
                "failure": state.failure})
        })
        .collect();
    context.done(&json!({ "sources": documents }), |style| {
        let head = [
            "NAME",
            "SPS",
            "WHO MAY ENTER",
            "STATE",
            "VALID UNTIL",
            "FROM",
        ];
        let mut table = Table::new(head);
        for source in &sources {
            let until = source.state.valid_until;
            table.row([
                (Tone::Strong, source.name.as_str().to_owned()),
                (Tone::Plain, count(source).to_string()),
                (Tone::Plain, source.rule.to_string()),
                state(source, now),
                (Tone::Plain, until.map_or_else(|| "-".to_owned(), instant)),
                (Tone::Quiet, source.place.location().to_owned()),
            ]);
        }
        table.print(
            style,
            "No source of metadata yet: `doorward metadata add --help`.",
        )
    })
}

fn state(source: &MetadataSource, now: UnixTime) -> (Tone, String) {
    let state = &source.state;
    if state.valid_until.is_some_and(|until| until <= now) {
        return (Tone::Bad, "expired".to_owned());
    }
    if let Some(failure) = &state.failure {
        let tries = state.failures;
        return (Tone::Warning, format!("failed {tries} times: {failure}"));
    }
    match state.refreshed_at {
        Some(at) => (Tone::Good, format!("refreshed {}", instant(at))),
        None if matches!(source.place, Place::Mdq(_)) => (Tone::Good, "asked on demand".to_owned()),
        None => (Tone::Warning, "never refreshed".to_owned()),
    }
}
