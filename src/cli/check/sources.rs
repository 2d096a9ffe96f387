//! The sources of metadata: whether they answer, and for how long what they said may be used.

use std::time::Duration;

use super::super::context::Open;
use super::super::error::CliError;
use super::super::output::instant;
use super::Findings;
use crate::directory::metadata_source::{MetadataSource, Place};
use crate::directory::time::UnixTime;

/// A source that was due for so long is refreshed by nobody.
const OVERDUE: Duration = Duration::from_hours(1);
/// So long before the last good copy expires it becomes urgent.
const SOON: Duration = Duration::from_hours(24);

pub(super) async fn check(findings: &mut Findings, open: &Open) -> Result<(), CliError> {
    let counts = open.store.registrations_per_source().await?;
    let now = open.clock.now();
    for source in open.store.metadata_sources().await? {
        let name = format!("metadata {}", source.name);
        let count = counts.get(&source.id).copied().unwrap_or(0);
        if !lifetime(findings, &name, &source, now) {
            let rule = &source.rule;
            let said = format!(
                "{count} service providers; may enter unless they have their own rule: {rule}"
            );
            findings.ok(&name, said);
        }
    }
    followed(findings, open).await
}

/// SPs whose own metadata is read again: whether it is.
async fn followed(findings: &mut Findings, open: &Open) -> Result<(), CliError> {
    for followed in open.store.followed().await? {
        let state = &followed.state;
        let Some(why) = state.failure.as_deref().filter(|_| state.failures > 0) else {
            continue;
        };
        let Some(sp) = open.store.sp_by_id(&followed.sp).await? else {
            continue;
        };
        let times = state.failures;
        findings.warning(
            &format!("sp {}", sp.name),
            format!("its metadata could not be read again {times} times: {why}"),
            format!("`doorward metadata refresh {}` tries now", sp.name),
        );
    }
    Ok(())
}

/// Whether something was found to be wrong.
fn lifetime(findings: &mut Findings, name: &str, source: &MetadataSource, now: UnixTime) -> bool {
    let state = &source.state;
    let refresh = format!("`doorward metadata refresh {}` tries now", source.name);
    let why = state.failure.as_deref().map(|why| format!(": {why}"));
    let why = why.unwrap_or_default();
    match state.valid_until {
        Some(until) if until <= now => {
            let said = format!("expired {}, its doors are shut{why}", instant(until));
            findings.error(name, said, refresh);
            return true;
        }
        Some(until) if until <= now.plus(SOON) => {
            let said = format!("its last good copy expires {}{why}", instant(until));
            findings.warning(name, said, refresh);
            return true;
        }
        _ => {}
    }
    if state.failures > 0 {
        let said = format!("could not be refreshed {} times{why}", state.failures);
        findings.warning(name, said, refresh);
        return true;
    }
    let is_query = matches!(source.place, Place::Mdq(_));
    if !is_query && state.next_at.plus(OVERDUE) <= now {
        let said = format!("has been due since {}", instant(state.next_at));
        findings.warning(name, said, "`doorward serve` refreshes it while it runs");
        return true;
    }
    false
}
