//! `doorward audit`: who did what, and whether the log is still what was written.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::{Context, Open};
use super::error::{CliError, refused, usage};
use super::output::{Table, Tone, instant};
use crate::config::duration;
use crate::directory::audit::{AuditKind, Outcome};
use crate::directory::name::{SpName, TraceId, UserName};
use crate::directory::reason::ReasonCode;
use crate::directory::time::UnixTime;
use crate::storage::{AuditFilter, AuditRow};

/// The commands about the audit log.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward audit list --since 2h")]
pub(super) enum Audit {
    /// List audit events, the newest last
    #[command(after_help = "\
Example:
  doorward audit list --since 2h --kind assertion
  doorward audit list --user ada --since 2026-11-01 --until 2026-12-01 --json")]
    List(Filter),
    /// Walk the hash chains and say where the log was altered
    #[command(after_help = "Example:\n  doorward audit verify")]
    Verify,
}

/// Which events.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// From then on: 2h (ago), 2026-11-21 or 2026-11-21T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Until then, in the same forms
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Done by or to this person
    #[arg(long, value_name = "NAME", value_parser = UserName::parse)]
    user: Option<UserName>,
    /// About this service provider
    #[arg(long, value_name = "NAME", value_parser = SpName::parse)]
    sp: Option<SpName>,
    /// Of this kind, such as sign-in, assertion, role-granted
    #[arg(long, value_parser = kind)]
    kind: Option<AuditKind>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

fn kind(word: &str) -> Result<AuditKind, String> {
    AuditKind::parse(word).ok_or_else(|| {
        let known: Vec<_> = AuditKind::ALL.iter().map(|kind| kind.word()).collect();
        format!("known kinds are {}", known.join(", "))
    })
}

impl Audit {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        match self {
            Self::List(filter) => list(context, &open, filter).await,
            Self::Verify => verify(context, &open).await,
        }
    }
}

/// An instant as a person types it.
fn time(option: &str, text: Option<&str>, now: UnixTime) -> Result<Option<UnixTime>, CliError> {
    let Some(text) = text else { return Ok(None) };
    let whole_day = format!("{text}T00:00:00Z");
    let read = duration(text)
        .map(|ago| now.minus(ago))
        .or_else(|| UnixTime::parse_xs_date_time(text).ok())
        .or_else(|| UnixTime::parse_xs_date_time(&whole_day).ok());
    match read {
        Some(at) => Ok(Some(at)),
        None => Err(usage(
            format!("--{option} {text:?} is no time"),
            "write 2h (ago), 2026-11-21 or 2026-11-21T12:00:00Z",
        )),
    }
}

async fn list(context: &Context, open: &Open, filter: Filter) -> Result<ExitCode, CliError> {
    let (now, asked) = (open.clock.now(), filter.kind);
    let filter = AuditFilter {
        since: time("since", filter.since.as_deref(), now)?,
        until: time("until", filter.until.as_deref(), now)?,
        user: filter.user,
        sp: filter.sp,
        kind: filter.kind,
        limit: Some(filter.limit),
    };
    let mut rows = open.store.audit_events(&filter).await?;
    rows.reverse();
    let documents: Vec<_> = rows.iter().map(document).collect();
    context.done(&json!({ "events": documents }), |style| {
        let mut table = Table::new([
            "WHEN (UTC)",
            "WHAT",
            "OUTCOME",
            "WHO",
            "WHOM",
            "SP",
            "FROM",
            "DETAIL",
        ]);
        // That a chain began matters to `audit verify`; in a table for people it is in the way.
        let is_event =
            |row: &&AuditRow| asked.is_some() || row.event.kind != AuditKind::ChainStarted;
        for AuditRow { event, .. } in rows.iter().filter(is_event) {
            let outcome = match (event.outcome, event.reason) {
                (Outcome::Done, _) => (Tone::Good, "done".to_owned()),
                (Outcome::Refused, Some(reason)) => (Tone::Bad, reason.word().to_owned()),
                (Outcome::Refused, None) => (Tone::Bad, "refused".to_owned()),
            };
            let detail = event.detail.clone().unwrap_or_default();
            table.row([
                (Tone::Quiet, instant(event.at)),
                (Tone::Strong, event.kind.word().to_owned()),
                outcome,
                (Tone::Plain, event.actor.clone().unwrap_or_default()),
                (Tone::Plain, text(event.user.as_ref())),
                (Tone::Plain, text(event.sp.as_ref())),
                (Tone::Plain, event.source.clone().unwrap_or_default()),
                (Tone::Quiet, detail.chars().take(60).collect()),
            ]);
        }
        table.print(style, "There is nothing of the kind in the audit log.")
    })
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn document(row: &AuditRow) -> Value {
    let event = &row.event;
    json!({"at": event.at.to_string(), "kind": event.kind.word(),
        "outcome": event.outcome.word(), "reason": event.reason.map(ReasonCode::word),
        "actor": event.actor, "user": event.user.as_ref().map(UserName::as_str),
        "sp": event.sp.as_ref().map(SpName::as_str), "source": event.source,
        "trace": event.trace.as_ref().map(TraceId::as_str), "detail": event.detail,
        "chain": row.chain, "seq": row.seq})
}

async fn verify(context: &Context, open: &Open) -> Result<ExitCode, CliError> {
    let found = open.store.verify_audit(&open.secrets.chain_key()).await?;
    let broken: Vec<_> = found.broken.iter().map(ToString::to_string).collect();
    let document = json!({"ok": broken.is_empty(), "rows": found.rows, "chains": found.chains,
        "broken": broken});
    context.out.tell(&document, |style| {
        let (tone, mark) = match broken.len() {
            0 => (Tone::Good, "✓"),
            _ => (Tone::Bad, "✗"),
        };
        let head = format!("{} rows in {} chains", found.rows, found.chains);
        let mut text = format!("{} {head}\n", style.apply(tone, mark));
        text.extend(broken.iter().map(|line| format!("  {line}\n")));
        text
    })?;
    if broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(refused(
        format!("the audit log was altered in {} places", broken.len()),
        "compare it with a backup and find out who had access to the database",
    ))
}
