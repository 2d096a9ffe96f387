//! The browser's way through a logout (decision 28): a page of ours between any two apps, which leads
//! on by itself. Where it stands is in the database; the browser has a secret and nothing else.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future::join_all;

use super::super::App;
use super::super::app::Registered;
use super::super::failure::Failure;
use super::super::headers;
use super::super::login;
use super::super::pages::{LogoutPage, LogoutRow, LogoutWay};
use super::super::visit::Visit;
use super::{back_channel, reply};
use crate::directory::logout::{Leg, LegState, Logout};
use crate::directory::name::{MessageId, SpId};
use crate::directory::service_provider::ServiceProvider;
use crate::directory::session::SentNameId;
use crate::directory::slo_endpoint::SloEndpoint;
use crate::saml::logout::LogoutStatus;
use crate::storage::TokenHash;

/// Where the browser comes back to between two apps.
pub(super) const CONTINUE: &str = "/saml/slo/continue";

/// Where the next step is taken.
const NEXT: &str = "/saml/slo/next";

/// How long a page that has bad news stays before it leads on, in seconds.
const READING_TIME: u32 = 8;

/// The logout that this browser is led through.
async fn logout_of(app: &App, visit: &Visit) -> Result<Option<Logout>, Failure> {
    match &visit.logout {
        Some(secret) => Ok(app.store.logout(&TokenHash::of(secret)).await?),
        None => Ok(None),
    }
}

/// Whether this browser is on its way through a logout.
pub(super) async fn is_led(app: &App, visit: &Visit) -> Result<bool, Failure> {
    let logout = logout_of(app, visit).await?;
    Ok(logout.is_some_and(|logout| logout.goes_on()))
}

/// From a page of ours: where a logout that was left half-way goes on, if there is one.
pub(in super::super) async fn go_on(app: &App, visit: &Visit) -> Result<Option<Response>, Failure> {
    let Some(logout) = logout_of(app, visit).await? else {
        return Ok(None);
    };
    if logout.goes_on() {
        return Ok(Some(Redirect::to(CONTINUE).into_response()));
    }
    page(app, &logout, None).await.map(Some)
}

/// `GET /saml/slo/continue`: how far it has come, and on. An app that was asked and never sent the
/// browser back is passed over: whoever opens this page again is led to the next one.
pub(in super::super) async fn show(
    State(app): State<App>,
    visit: Visit,
) -> Result<Response, Failure> {
    let Some(logout) = logout_of(&app, &visit).await? else {
        return Ok(Redirect::to("/logout").into_response());
    };
    let logout = tell_directly(&app, Some(&visit), logout).await?;
    if logout.waiting().next().is_some() {
        let way = LogoutWay {
            url: NEXT,
            after: 0,
            to: None,
        };
        return page(&app, &logout, Some(way)).await;
    }
    finish(&app, &visit, &logout).await
}

/// `GET /saml/slo/next`: sends the browser to the next app that waits, once; with none left, back
/// to the app that asked.
pub(in super::super) async fn next(
    State(app): State<App>,
    visit: Visit,
) -> Result<Response, Failure> {
    let Some(logout) = logout_of(&app, &visit).await? else {
        return Ok(Redirect::to("/logout").into_response());
    };
    for leg in logout.waiting() {
        let Some(registered) = registration(&app, &leg.sp).await? else {
            continue;
        };
        let sp = &registered.sp;
        let (Some(endpoint), Some(name_id)) = (sp.slo.front_channel(), &leg.name_id) else {
            continue;
        };
        let id = reply::fresh_id()?;
        if app.store.claim_leg(&logout.id, leg.position, &id).await? {
            let named = (leg, name_id);
            match send(&app, sp, &logout, named, &id, endpoint).await {
                Ok(response) => return Ok(response),
                // One app that cannot be told does not stop the way to the others.
                Err(failure) => _ = failure.log(&visit.trace),
            }
        }
    }
    if let Some(response) = answer(&app, &logout).await? {
        return Ok(response);
    }
    match onward(&app, &visit, &logout).await? {
        Some(response) => Ok(response),
        None => Ok(Redirect::to(CONTINUE).into_response()),
    }
}

async fn send(
    app: &App,
    sp: &ServiceProvider,
    logout: &Logout,
    named: (&Leg, &SentNameId),
    id: &MessageId,
    endpoint: &SloEndpoint,
) -> Result<Response, Failure> {
    let request = reply::request(app, sp, logout, named, id, &endpoint.location)?;
    let to = (endpoint.binding, endpoint.location.as_str());
    reply::send(app, sp, to, None, &request).await
}

/// Where whoever has signed in instead was going: once, and only where nothing else is left to do.
async fn onward(app: &App, visit: &Visit, logout: &Logout) -> Result<Option<Response>, Failure> {
    let Some(token) = &logout.onward else {
        return Ok(None);
    };
    if logout.answered || !app.store.claim_answer(&logout.id, app.now()).await? {
        return Ok(None);
    }
    login::lead_on(app, visit, token).await.map(Some)
}

/// A registration as it is now.
pub(super) async fn registration(
    app: &App,
    sp: &SpId,
) -> Result<Option<std::sync::Arc<Registered>>, Failure> {
    let found = app.store.sp_by_id(sp).await?;
    match found {
        Some(found) => Ok(Some(app.registration(sp, found.version).await?)),
        None => Ok(None),
    }
}

/// Tells the participants that can be told from server to server, all at once, and notes those that
/// cannot be told at all. What is left waits for the browser.
pub(super) async fn tell_directly(
    app: &App,
    visit: Option<&Visit>,
    mut logout: Logout,
) -> Result<Logout, Failure> {
    let tellings = logout.legs.iter().map(|leg| async {
        if leg.state != LegState::Waiting {
            return Ok(leg.state);
        }
        let registered = registration(app, &leg.sp).await?;
        let reachable = registered.filter(|_| leg.name_id.is_some());
        let Some(registered) = reachable else {
            return pass(app, &logout, leg.position).await;
        };
        let slo = &registered.sp.slo;
        match (slo.back_channel(), slo.front_channel(), visit) {
            (Some(_), ..) => back_channel::tell_one(app, visit, &logout, leg, &registered).await,
            (None, Some(_), Some(_)) => Ok(LegState::Waiting),
            _ => pass(app, &logout, leg.position).await,
        }
    });
    let states: Vec<Result<LegState, Failure>> = join_all(tellings).await;
    for (leg, state) in logout.legs.iter_mut().zip(states) {
        leg.state = state?;
    }
    Ok(logout)
}

async fn pass(app: &App, logout: &Logout, position: i64) -> Result<LegState, Failure> {
    app.store.pass_leg(&logout.id, position).await?;
    Ok(LegState::NotAsked)
}

/// Nobody waits any more: the app that asked gets its answer, or the person the last page. What is
/// not good news is shown first.
pub(super) async fn finish(app: &App, visit: &Visit, logout: &Logout) -> Result<Response, Failure> {
    if logout.is_complete() {
        if let Some(response) = answer(app, logout).await? {
            return Ok(response);
        }
        if let Some(response) = onward(app, visit, logout).await? {
            return Ok(response);
        }
        return page(app, logout, None).await;
    }
    let to = match (asker(app, logout).await?, &logout.onward) {
        (Some(sp), _) => Some(sp.title().to_owned()),
        (None, Some(token)) if !logout.answered => Some(login::leads_to(app, token).await?),
        _ => None,
    };
    let way = to.map(|to| LogoutWay {
        url: NEXT,
        after: READING_TIME,
        to: Some(to),
    });
    page(app, logout, way).await
}

/// The SP that still waits for an answer and has an endpoint for it.
async fn asker(app: &App, logout: &Logout) -> Result<Option<ServiceProvider>, Failure> {
    let Some(requester) = logout.requester.as_ref().filter(|_| !logout.answered) else {
        return Ok(None);
    };
    let sp = app.store.sp_by_id(&requester.sp).await?;
    Ok(sp.filter(|sp| sp.enabled && sp.slo.for_answer_to(requester.binding).is_some()))
}

/// The one answer to the SP that asked; `None` where none is due, or it was given before.
pub(super) async fn answer(app: &App, logout: &Logout) -> Result<Option<Response>, Failure> {
    let (Some(sp), Some(requester)) = (asker(app, logout).await?, &logout.requester) else {
        return Ok(None);
    };
    let Some(endpoint) = sp.slo.for_answer_to(requester.binding) else {
        return Ok(None);
    };
    if !app.store.claim_answer(&logout.id, app.now()).await? {
        return Ok(None);
    }
    let status = if logout.is_complete() {
        LogoutStatus::Success
    } else {
        LogoutStatus::Partial
    };
    let answer = reply::Answer {
        in_response_to: Some(&requester.request),
        relay_state: requester.relay_state.as_deref(),
        status,
    };
    reply::answer(app, &sp, endpoint, &answer).await.map(Some)
}

/// Every app and how far it has come.
async fn page(app: &App, logout: &Logout, way: Option<LogoutWay>) -> Result<Response, Failure> {
    let mut apps = Vec::new();
    for leg in &logout.legs {
        if let Some(sp) = app.store.sp_by_id(&leg.sp).await? {
            apps.push(LogoutRow {
                name: sp.title().to_owned(),
                state: leg.state,
            });
        }
    }
    let earlier = logout.onward.as_ref().map(|_| logout.user.as_str());
    Ok(headers::leading_page(&LogoutPage {
        earlier: earlier.map(str::to_owned),
        apps,
        way,
    }))
}
