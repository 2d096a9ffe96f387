//! Telling what somebody was killed over who was about to tell it: a node in the middle of a logout,
//! a command that had withdrawn a role.

use std::time::Duration;

use super::super::App;
use super::super::failure::Failure;
use super::back_channel::{self, Told, tell};
use super::chain::registration;
use crate::access::verdict;
use crate::directory::logout::{LegState, Logout};
use crate::directory::name::{UserId, UserName};
use crate::directory::service_provider::ServiceProvider;
use crate::storage::{LogoutPlace, StoreError};

/// Whoever tells at once has done so by then, or is gone.
const LEFT_FOR: Duration = Duration::from_mins(2);

/// How often one node looks.
const LEASE: Duration = Duration::from_secs(50);

/// A logout is forgotten after a day: before that, one that nobody has looked at is looked at.
const KEPT: Duration = Duration::from_hours(24);

/// Up to where a node has looked: each logout is looked at once by each node.
#[derive(Debug, Default)]
pub(crate) struct Left {
    place: LogoutPlace,
}

impl Left {
    /// Tells the apps what they have not been told, if no other node is at it: about how many people.
    pub(crate) async fn tell(&mut self, app: &App) -> Result<usize, String> {
        let said = |error: StoreError| error.to_string();
        let now = app.now();
        let taken = app.store.take_lease("tell-left", LEASE, now).await;
        if !taken.map_err(said)? {
            return Ok(0);
        }
        let (until, mut people) = (now.minus(LEFT_FOR), 0);
        loop {
            let untold = app.store.untold(until).await.map_err(said)?;
            if untold.is_empty() {
                break;
            }
            let mut failed = None;
            for (user, name) in untold {
                match shut_doors(app, &user, &name).await {
                    Ok(told) => people += usize::from(!told.is_empty()),
                    Err(why) => failed = Some(why),
                }
            }
            // Those are tried again, after the others.
            if let Some(why) = failed {
                return Err(why);
            }
        }
        self.place = self.place.clone().max(LogoutPlace::at(now.minus(KEPT)));
        loop {
            let unfinished = app.store.unfinished_logouts(&self.place, until).await;
            let unfinished = unfinished.map_err(said)?;
            if unfinished.is_empty() {
                return Ok(people);
            }
            for (place, logout) in unfinished {
                match tell_legs(app, &logout).await {
                    Ok(told) => people += usize::from(told),
                    // One that cannot be told does not hold up the others.
                    Err(why) => tracing::warn!(%why, "the apps of a logout could not be told"),
                }
                self.place = place;
            }
        }
    }
}

/// Tells the apps of a logout that can be told from server to server, and were not, or never
/// answered whoever has told them. The others wait for the browser.
async fn tell_legs(app: &App, logout: &Logout) -> Result<bool, Failure> {
    let mut has_told = false;
    for leg in &logout.legs {
        let is_left = matches!(leg.state, LegState::Waiting | LegState::Asked);
        if !is_left || leg.name_id.is_none() {
            continue;
        }
        let Some(registered) = registration(app, &leg.sp).await? else {
            continue;
        };
        if registered.sp.slo.back_channel().is_none() {
            continue;
        }
        has_told = true;
        let state = back_channel::tell_one(app, None, logout, leg, &registered).await?;
        if state == LegState::Confirmed {
            // Where the session lives on, the app does not take part in it any more.
            app.store.forget_participant(leg).await?;
        }
    }
    Ok(has_told)
}

/// Tells every app whose door is shut for a person by now, and that has let them in before. Their
/// sessions live on.
pub(crate) async fn shut_doors(
    app: &App,
    user: &UserId,
    name: &UserName,
) -> Result<Vec<Told>, String> {
    let said = |error: StoreError| error.to_string();
    let begun = app.now();
    let mut shut = Vec::new();
    // Of ten thousand apps a person has been at a few.
    for id in app.store.sps_of(user).await.map_err(said)? {
        let sp = match app.store.sp_by_id(&id).await {
            // One registration that cannot be read does not hide the others.
            Ok(None) | Err(StoreError::Inconsistent { .. }) => continue,
            Ok(Some(sp)) => sp,
            Err(error) => return Err(error.to_string()),
        };
        if is_shut(app, name, &sp).await.map_err(said)? {
            shut.push(sp.id);
        }
    }
    let logout = app.store.log_out_of(user, &shut, begun).await;
    let told = match logout.map_err(said)? {
        Some(logout) => tell(app, logout, true).await?,
        None => Vec::new(),
    };
    app.store.told(user, begun).await.map_err(said)?;
    Ok(told)
}

/// Whether somebody may not enter.
pub(crate) async fn is_shut(
    app: &App,
    name: &UserName,
    sp: &ServiceProvider,
) -> Result<bool, StoreError> {
    let (limits, now) = (app.site.limits, app.now());
    let facts = app.store.supposed_facts(name, &sp.id, now).await?;
    Ok(facts.is_none_or(|facts| verdict(sp, facts, limits, now).refusal.is_some()))
}
