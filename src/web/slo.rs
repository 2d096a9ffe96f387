//! `/saml/slo`: single logout by HTTP-Redirect and HTTP-POST, requests and responses (Profiles 4.4).
//!
//! The session here ends first. Then every participant is told on a leg of its own: those with a
//! SOAP endpoint at once, the others by the browser one after another, led by [`chain`]
//! (decision 28).

mod back_channel;
mod chain;
mod everybody;
mod left;
mod own;
mod reply;
mod soap;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};

use super::App;
use super::app::Registered;
use super::cookies::{Cookie, fresh_secret};
use super::door::{self, DoorName};
use super::failure::Failure;
use super::sso::form_text;
use super::visit::Visit;
use crate::directory::audit::{AuditEvent, AuditKind, Outcome};
use crate::directory::logout::{LegState, Logout, Requester};
use crate::directory::name::EntityId;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::ServiceProvider;
use crate::saml::binding::{self, Carried, Inbound};
use crate::saml::comparison::Comparison;
use crate::saml::logout::{
    LogoutRefused, LogoutRequest, LogoutStatus, Receiver, UnverifiedLogoutRequest,
    UnverifiedLogoutResponse,
};
use crate::saml::status::Status;
use crate::storage::{Ending, NewLogout, Settled, TokenHash};

pub(crate) use back_channel::{Told, tell};
pub(super) use chain::{go_on, next, show};
pub(crate) use everybody::{ToldOfMany, tell_of, tell_of_everybody};
pub(crate) use left::{Left, is_shut, shut_doors};
pub(super) use soap::log_out as log_out_by_soap;

/// Where a message came to.
pub(super) const PATH: &str = "/saml/slo";

impl App {
    /// What logout messages that come to a path of ours are held against.
    fn logout_receiver(&self, path: &str) -> Receiver {
        Receiver {
            location: format!("{}{path}", self.site.base_url),
            clock_skew: self.site.clock_skew,
            decryption: self.current_keys().decryption().clone(),
        }
    }
}

/// `GET /saml/slo`.
pub(super) async fn redirect(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    let (carried, inbound) = binding::decode_redirect_either(&visit.query)?;
    receive(&app, &visit, carried, inbound, PATH).await
}

/// `POST /saml/slo`. The message says whose session it is about, and its signature who says so; the
/// cookies say whether it is this browser's, which then is led on ([`own`]).
pub(super) async fn post(
    State(app): State<App>,
    visit: Visit,
    body: Body,
) -> Result<Response, Failure> {
    if binding::names_a_message(&visit.query) {
        return Err(
            Failure::of(ReasonCode::DuplicateParameter).because("a message in the query of a POST")
        );
    }
    let body = form_text(body).await?;
    let (carried, inbound) = binding::decode_post_either(&body)?;
    receive(&app, &visit, carried, inbound, PATH).await
}

/// A message that a browser brought to a path of ours.
pub(super) async fn receive(
    app: &App,
    visit: &Visit,
    carried: Carried,
    inbound: Inbound,
    path: &str,
) -> Result<Response, Failure> {
    match carried {
        Carried::Request => request(app, visit, inbound, path).await,
        Carried::Response => match response(app, visit, inbound, path).await {
            // Whoever is on the way through a logout goes on, whatever one app of it sent.
            Err(failure) if chain::is_led(app, visit).await? => {
                failure.log(&visit.trace);
                Ok(Redirect::to(chain::CONTINUE).into_response())
            }
            answered => answered,
        },
    }
}

async fn registration(
    app: &App,
    visit: &Visit,
    issuer: &EntityId,
) -> Result<std::sync::Arc<Registered>, Failure> {
    visit.note.claimed_by(issuer.as_str());
    let door = door::fetch(app, DoorName::EntityId(issuer), None).await?;
    visit.note.registered(&door.registered.sp);
    Ok(door.registered)
}

async fn request(
    app: &App,
    visit: &Visit,
    inbound: Inbound,
    path: &str,
) -> Result<Response, Failure> {
    visit
        .note
        .received(&inbound.xml, inbound.relay_state.as_deref());
    let again = own::without_cookies(visit, &inbound, path);
    let unverified = UnverifiedLogoutRequest::parse(inbound)?;
    let registered = registration(app, visit, unverified.claimed_issuer()).await?;
    let (sp, receiver) = (&registered.sp, app.logout_receiver(path));
    let verified = unverified.verify(sp, &registered.keys, &receiver, app.now());
    match (verified, again) {
        (Err(refused), _) => {
            let compared = Comparison::of_logout(&refused.error, sp, &receiver, app.now());
            visit.note.compared(compared);
            tell_refusal(app, visit, sp, *refused).await
        }
        (Ok(_), _) if !sp.enabled => Err(Failure::of(ReasonCode::SpDisabled).at(sp)),
        (Ok(_), Some(again)) => Ok(again.page()),
        (Ok(request), None) => log_out(app, visit, &request).await,
    }
}

/// A refused request: a status to the SP where it is known who asks, else a page of ours and
/// nothing else.
async fn tell_refusal(
    app: &App,
    visit: &Visit,
    sp: &ServiceProvider,
    refused: LogoutRefused,
) -> Result<Response, Failure> {
    let (trace, reason, error) = (&visit.trace, refused.error.reason().word(), &refused.error);
    let endpoint = sp.slo.for_answer_to(refused.binding);
    let Some(endpoint) = endpoint.filter(|_| refused.is_genuine && sp.enabled) else {
        return Err(Failure::from(refused.error).at(sp));
    };
    tracing::warn!(%trace, reason, sp = sp.name.as_str(), cause = %error, "refused, status sent");
    visit.note.refused(error.reason(), error);
    let answer = reply::Answer {
        in_response_to: refused.id.as_ref(),
        relay_state: refused.relay_state.as_deref(),
        status: LogoutStatus::Refused(error.status()),
    };
    reply::answer(app, sp, endpoint, &answer).await
}

/// What became of a wish to log out.
pub(super) enum Wish {
    /// Sessions ended; these are to be told.
    Ended(Box<Logout>),
    /// They had ended before.
    EndedBefore,
    /// Nobody is known by that name in that session.
    Unknown,
}

/// Ends the sessions that a verified request is about: those in which this very SP was given this
/// NameID and SessionIndex (Core 3.7.3.2), whoever's browser brought it.
pub(super) async fn end_sessions(
    app: &App,
    visit: &Visit,
    request: &LogoutRequest<'_>,
    token: Option<TokenHash>,
) -> Result<Wish, Failure> {
    let (sp, indexes) = (request.sp(), request.session_indexes());
    let entity_id = sp.entity_id.as_str();
    let comparable = &request.name_id().comparable(&app.site.entity_id, entity_id);
    let wants_answer = !request.is_asynchronous() && token.is_some();
    let requester = wants_answer.then(|| Requester {
        sp: sp.id.clone(),
        request: request.id().clone(),
        relay_state: request.relay_state().map(str::to_owned),
        binding: request.binding(),
    });
    let new = NewLogout {
        token,
        asker: Some(sp.id.clone()),
        requester,
        ..NewLogout::default()
    };
    let ending = Ending::Named {
        sp: &sp.id,
        comparable,
        indexes,
    };
    let event = AuditEvent {
        sp: Some(sp.name.clone()),
        actor: Some(sp.name.as_str().to_owned()),
        ..visit.event(app, AuditKind::SignOut)
    };
    let (trace, name) = (&visit.trace, sp.name.as_str());
    if let Some(logout) = app.store.log_out(ending, &new, event).await? {
        tracing::info!(%trace, sp = name, user = logout.user.as_str(), "logged out");
        return Ok(Wish::Ended(Box::new(logout)));
    }
    if app.store.is_logged_out(&sp.id, comparable, indexes).await? {
        tracing::info!(%trace, sp = name, "logged out already");
        return Ok(Wish::EndedBefore);
    }
    let reason = ReasonCode::UnknownPrincipal.word();
    tracing::warn!(%trace, reason, sp = name, "no session of that NameID, status sent");
    let why = "no session of that NameID";
    visit.note.refused(ReasonCode::UnknownPrincipal, &why);
    Ok(Wish::Unknown)
}

async fn log_out(
    app: &App,
    visit: &Visit,
    request: &LogoutRequest<'_>,
) -> Result<Response, Failure> {
    let secret = fresh_secret().map_err(Failure::internal)?;
    let mine = own::session(app, visit).await?;
    let status = match end_sessions(app, visit, request, Some(TokenHash::of(&secret))).await? {
        Wish::Ended(logout) if !own::has_ended(app, mine).await? => {
            return own::answer_for_another(app, *logout).await;
        }
        Wish::Ended(logout) => {
            let response = lead(app, visit, *logout).await?;
            return with_cookies(app, visit, response, &secret).await;
        }
        Wish::EndedBefore => LogoutStatus::Success,
        Wish::Unknown => LogoutStatus::Refused(Status::UnknownPrincipal),
    };
    let sp = request.sp();
    let endpoint = sp.slo.for_answer_to(request.binding());
    let Some(endpoint) = endpoint.filter(|_| !request.is_asynchronous()) else {
        return Ok(Redirect::to("/logout").into_response());
    };
    let answer = reply::Answer {
        in_response_to: Some(request.id()),
        relay_state: request.relay_state(),
        status,
    };
    reply::answer(app, sp, endpoint, &answer).await
}

/// Tells those who can be told without the browser; then the browser leads on.
pub(super) async fn lead(app: &App, visit: &Visit, logout: Logout) -> Result<Response, Failure> {
    let logout = chain::tell_directly(app, Some(visit), logout).await?;
    if logout.waiting().next().is_some() {
        return Ok(Redirect::to(chain::CONTINUE).into_response());
    }
    chain::finish(app, visit, &logout).await
}

/// Somebody has signed in in the place of another person, whose session has ended: tells those who
/// can be told without the browser. The browser leads on to the others, if there are any, and then
/// to where it was going.
pub(super) async fn lead_away(
    app: &App,
    visit: &Visit,
    ended: Option<Logout>,
) -> Result<Option<Response>, Failure> {
    let Some(logout) = ended else {
        return Ok(None);
    };
    let logout = chain::tell_directly(app, Some(visit), logout).await?;
    let waits = logout.waiting().next().is_some();
    Ok(waits.then(|| Redirect::to(chain::CONTINUE).into_response()))
}

/// Tells those who can be told without a browser about sessions of another one.
pub(super) async fn tell_elsewhere(
    app: &App,
    visit: &Visit,
    logout: Logout,
) -> Result<(), Failure> {
    let trace = &visit.trace;
    let logout = chain::tell_directly(app, None, logout).await?;
    let open = logout
        .legs
        .iter()
        .filter(|leg| leg.state != LegState::Confirmed);
    tracing::info!(%trace, not_confirmed = open.count(), "sessions elsewhere have ended");
    Ok(())
}

/// The browser keeps the secret of the logout that it is led through, and no secret of a session
/// that has ended.
pub(super) async fn with_cookies(
    app: &App,
    visit: &Visit,
    mut response: Response,
    secret: &str,
) -> Result<Response, Failure> {
    let mut cookies = vec![Cookie::Logout.set(secret, &app.site)];
    if let Some(token) = visit.token_hash()
        && app.store.session(&token).await?.is_none()
    {
        cookies.push(Cookie::Session.clear(&app.site));
    }
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// An answer to a LogoutRequest of ours.
async fn response(
    app: &App,
    visit: &Visit,
    inbound: Inbound,
    path: &str,
) -> Result<Response, Failure> {
    visit
        .note
        .received(&inbound.xml, inbound.relay_state.as_deref());
    let unverified = UnverifiedLogoutResponse::parse(inbound)?;
    let registered = registration(app, visit, unverified.claimed_issuer()).await?;
    let (sp, receiver) = (&registered.sp, app.logout_receiver(path));
    let response = unverified.verify(sp, &registered.keys, &receiver, app.now());
    let response = response.inspect_err(|error| {
        let compared = Comparison::of_logout(error, sp, &receiver, app.now());
        visit.note.compared(compared);
    })?;
    let confirms = response.confirms();
    let state = if confirms {
        LegState::Confirmed
    } else {
        LegState::Failed
    };
    let settled = app
        .store
        .settle_leg(response.in_response_to(), &sp.id, state)
        .await?;
    match settled {
        Settled::Now => note(app, Some(visit), sp, confirms, &response.status()).await?,
        Settled::Before => {}
        Settled::Unknown => {
            return Err(Failure::of(ReasonCode::UnexpectedLogoutResponse)
                .because(format!("InResponseTo is {:?}", response.in_response_to()))
                .at(sp));
        }
    }
    Ok(Redirect::to(chain::CONTINUE).into_response())
}

/// Writes down what an SP said to a LogoutRequest: audit and log.
async fn note(
    app: &App,
    visit: Option<&Visit>,
    sp: &ServiceProvider,
    confirms: bool,
    said: &str,
) -> Result<(), Failure> {
    let base = match visit {
        Some(visit) => visit.event(app, AuditKind::Logout),
        None => AuditEvent::new(app.now(), AuditKind::Logout),
    };
    let reason = ReasonCode::LogoutNotConfirmed;
    let name = sp.name.as_str();
    let event = AuditEvent {
        sp: Some(sp.name.clone()),
        detail: Some(said.to_owned()),
        ..base
    };
    let event = if confirms {
        tracing::info!(sp = name, said, "logout confirmed");
        event
    } else {
        tracing::warn!(
            sp = name,
            reason = reason.word(),
            said,
            "logout not confirmed"
        );
        AuditEvent {
            outcome: Outcome::Refused,
            reason: Some(reason),
            ..event
        }
    };
    Ok(app.store.record(event).await?)
}
