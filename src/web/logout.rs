//! `/logout`: single logout that starts here. It is a POST with a token, so that no link can do it.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::App;
use super::cookies::fresh_secret;
use super::failure::Failure;
use super::headers;
use super::login::read_form;
use super::pages::{LogoutConfirmPage, SignedOutPage};
use super::slo;
use super::visit::Visit;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::storage::{Ending, NewLogout, TokenHash};

/// A form with nothing but its proof of origin.
#[derive(Debug, Deserialize)]
pub(super) struct CsrfForm {
    #[serde(default)]
    csrf: String,
}

/// `GET /logout`: asks.
pub(super) async fn ask(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    let session = match visit.token_hash() {
        Some(token) => app.store.session(&token).await?,
        None => None,
    };
    // Who has a session that has ended is signed in no more.
    let live = session.filter(|(session, _)| session.is_live(app.site.limits, app.now()));
    match (live, visit.csrf()) {
        (Some((_, user)), Some(csrf)) => Ok(headers::own_page(&LogoutConfirmPage {
            display_name: user.display_name,
            user_name: user.name.as_str().to_owned(),
            csrf,
        })),
        _ => match slo::go_on(&app, &visit).await? {
            // Where it stands, and on where it was left half-way (decision 28).
            Some(response) => Ok(response),
            None => Ok(headers::own_page(&SignedOutPage {})),
        },
    }
}

/// `POST /logout`: ends the session, and then tells every app that was entered in it (Profiles
/// 4.4.3).
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    body: Body,
) -> Result<Response, Failure> {
    let form: CsrfForm = read_form(body).await?;
    let Some(token) = visit.token_hash().filter(|_| visit.is_own_form(&form.csrf)) else {
        // An old page, or another site's: ask again, bound to the session of now.
        return Ok(Redirect::to("/logout").into_response());
    };
    let secret = fresh_secret().map_err(Failure::internal)?;
    let new = NewLogout {
        token: Some(TokenHash::of(&secret)),
        ..NewLogout::default()
    };
    let actor = app.store.session(&token).await?;
    let event = AuditEvent {
        actor: actor.map(|(_, user)| user.name.as_str().to_owned()),
        ..visit.event(&app, AuditKind::SignOut)
    };
    let ended = app.store.log_out(Ending::Token(&token), &new, event);
    let response = match ended.await? {
        Some(logout) if !logout.legs.is_empty() => slo::lead(&app, &visit, logout).await?,
        _ => headers::own_page(&SignedOutPage {}),
    };
    slo::with_cookies(&app, &visit, response, &secret).await
}
