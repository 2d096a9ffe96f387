//! Telling apps that somebody's session has ended, or that their door is shut now: the LogoutRequests
//! that can be sent without a browser (SOAP), signed and bounded in time.

use serde_json::{Value, json};

use super::context::Open;
use super::error::{CliError, refused};
use super::output::note;
use super::serve;
use crate::directory::logout::{LegState, Logout};
use crate::directory::name::{SourceId, SpId, UserId, UserName};
use crate::directory::service_provider::ServiceProvider;
use crate::web::slo::{self, Told, ToldOfMany};

/// Tells the participants of sessions that have just ended.
pub(super) async fn ended(open: &Open, logout: Option<Logout>) -> Result<Vec<Told>, CliError> {
    let Some(logout) = logout.filter(|logout| !logout.legs.is_empty()) else {
        return Ok(Vec::new());
    };
    let app = serve::app(&open.booted)?;
    let told = slo::tell(&app, logout, false).await;
    told.map_err(|why| untold(&why))
}

/// Tells every app whose door is shut for a person by now, and that has let them in before. Their
/// sessions live on.
pub(super) async fn shut_doors(
    open: &Open,
    user: &UserId,
    name: &UserName,
) -> Result<Vec<Told>, CliError> {
    let app = serve::app(&open.booted)?;
    let told = slo::shut_doors(&app, user, name).await;
    told.map_err(|why| untold(&why))
}

/// Tells an app about everybody whom it has let in and whose door it is no more.
pub(super) async fn shut_out(open: &Open, sp: &ServiceProvider) -> Result<Vec<Told>, CliError> {
    let mut people = Vec::new();
    let app = serve::app(&open.booted)?;
    for (user, name) in open.store.people_at(&sp.id).await? {
        if slo::is_shut(&app, &name, sp).await? {
            people.push(user);
        }
    }
    all_out(open, &sp.id, people).await
}

/// Tells an app about everybody whom it has let in: it is about to be removed.
pub(super) async fn everybody_out(open: &Open, sp: &SpId) -> Result<Vec<Told>, CliError> {
    let people = open.store.people_at(sp).await?;
    all_out(open, sp, people.into_iter().map(|(user, _)| user).collect()).await
}

async fn all_out(open: &Open, sp: &SpId, people: Vec<UserId>) -> Result<Vec<Told>, CliError> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let app = serve::app(&open.booted)?;
    let told = slo::tell_of(&app, sp, people).await;
    let ToldOfMany { told, left } = told.map_err(|why| untold(&why))?;
    if left > 0 {
        note(&format!(
            "it answers too slowly: it was not told about {left} people"
        ));
    }
    Ok(told)
}

fn untold(why: &str) -> CliError {
    refused(
        format!("the change is made, but the apps could not be told: {why}"),
        "`doorward check` looks for the cause",
    )
}

/// Tells the apps of a source about whom its rule shuts out by now.
pub(super) async fn shut_out_of_source(
    open: &Open,
    source: &SourceId,
) -> Result<Vec<Told>, CliError> {
    let mut told = Vec::new();
    for id in open.store.entered_sps_of(source).await? {
        if let Some(sp) = open.store.sp_by_id(&id).await? {
            told.extend(shut_out(open, &sp).await?);
        }
    }
    Ok(told)
}

/// Tells the apps of a source about everybody: it is about to be removed with them.
pub(super) async fn everybody_out_of_source(
    open: &Open,
    source: &SourceId,
) -> Result<Vec<Told>, CliError> {
    let mut told = Vec::new();
    for sp in open.store.entered_sps_of(source).await? {
        told.extend(everybody_out(open, &sp).await?);
    }
    Ok(told)
}

/// What the apps said, for `--json`.
pub(super) fn document(told: &[Told]) -> Value {
    let one = |one: &Told| json!({"sp": one.sp, "logout": one.state.word()});
    told.iter().map(one).collect()
}

/// The same as text, a line for each app.
pub(super) fn lines(told: &[Told]) -> String {
    let line = |one: &Told| {
        let said = match one.state {
            LegState::Confirmed => "confirmed that they are signed out there",
            LegState::NotAsked => "cannot be told without their browser (no SOAP logout)",
            _ => "did not confirm that they are signed out there",
        };
        format!("{} {said}\n", one.sp)
    };
    told.iter().map(line).collect()
}

/// What one app said about many people, for `--json`: how many in which state.
pub(super) fn summary(told: &[Told]) -> Value {
    let count = |state| told.iter().filter(|one| one.state == state).count();
    let confirmed = count(LegState::Confirmed);
    let not_asked = count(LegState::NotAsked);
    json!({"confirmed": confirmed, "not-asked": not_asked,
        "not-confirmed": told.len() - confirmed - not_asked})
}

/// The same as text; nothing where nobody had to be named.
pub(super) fn summary_line(told: &[Told]) -> String {
    let confirmed = told.iter().filter(|one| one.state == LegState::Confirmed);
    match (confirmed.count(), told.len()) {
        (_, 0) => String::new(),
        (confirmed, all) => {
            format!("confirmed that they are signed out there: {confirmed} of {all} people\n")
        }
    }
}
