//! Telling apps that somebody's session has ended, or that their door is shut now: the LogoutRequests
//! that can be sent without a browser (SOAP), signed and bounded in time.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::context::Open;
use super::error::{CliError, refused};
use super::output::note;
use super::serve;
use crate::access::verdict;
use crate::directory::logout::{LegState, Logout};
use crate::directory::name::{SpId, UserId, UserName};
use crate::directory::service_provider::ServiceProvider;
use crate::web::slo::{self, Told};

/// How many people one app is told about at a time.
const AT_ONCE: usize = 16;

/// How long a change of one registration may take to tell everybody.
const PATIENCE: Duration = Duration::from_mins(1);

/// Tells the participants of sessions that have just ended.
pub(super) async fn ended(open: &Open, logout: Option<Logout>) -> Result<Vec<Told>, CliError> {
    tell(open, logout, false).await
}

async fn tell(open: &Open, logout: Option<Logout>, lives_on: bool) -> Result<Vec<Told>, CliError> {
    let Some(logout) = logout.filter(|logout| !logout.legs.is_empty()) else {
        return Ok(Vec::new());
    };
    let app = serve::app(&open.booted)?;
    slo::tell(&app, logout, lives_on).await.map_err(|why| {
        refused(
            format!("the change is made, but the apps could not be told: {why}"),
            "`doorward check` looks for the cause",
        )
    })
}

/// Tells every app whose door is shut for a person by now, and that has let them in before. Their
/// sessions live on.
pub(super) async fn shut_doors(
    open: &Open,
    user: &UserId,
    name: &UserName,
) -> Result<Vec<Told>, CliError> {
    let mut shut = Vec::new();
    for sp in open.store.service_providers().await?.readable {
        if is_shut(open, name, &sp).await? {
            shut.push(sp.id);
        }
    }
    let logout = open.store.log_out_of(user, &shut, open.clock.now()).await?;
    tell(open, logout, true).await
}

async fn is_shut(open: &Open, name: &UserName, sp: &ServiceProvider) -> Result<bool, CliError> {
    let (limits, now) = (open.config.session, open.clock.now());
    let facts = open.store.supposed_facts(name, &sp.id, now).await?;
    Ok(facts.is_none_or(|facts| verdict(sp, facts, limits, now).refusal.is_some()))
}

/// Tells an app about everybody whom it has let in and whose door it is no more.
pub(super) async fn shut_out(open: &Open, sp: &ServiceProvider) -> Result<Vec<Told>, CliError> {
    let mut people = Vec::new();
    for (user, name) in open.store.people_at(&sp.id).await? {
        if is_shut(open, &name, sp).await? {
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
    let (begun, mut told) = (Instant::now(), Vec::new());
    for (done, some) in people.chunks(AT_ONCE).enumerate() {
        if begun.elapsed() > PATIENCE {
            let left = people.len().saturating_sub(done * AT_ONCE);
            note(&format!(
                "it answers too slowly: it was not told about {left} people"
            ));
            break;
        }
        let telling = some.iter().map(|user| async {
            let sps = std::slice::from_ref(sp);
            let logout = open.store.log_out_of(user, sps, open.clock.now()).await?;
            tell(open, logout, true).await
        });
        for one in join_all(telling).await {
            told.extend(one?);
        }
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
            format!("it confirmed {confirmed} of {all} people as signed out there\n")
        }
    }
}
