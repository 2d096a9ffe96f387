//! `/logout`: ends the session here. It is a POST with a token, so that no link can do it.

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::App;
use super::cookies::Cookie;
use super::failure::Failure;
use super::headers;
use super::login::read_form;
use super::pages::{LogoutConfirmPage, SignedOutPage};
use super::visit::Visit;
use crate::directory::audit::{AuditEvent, AuditKind};

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
        _ => Ok(headers::own_page(&SignedOutPage { apps: vec![] })),
    }
}

/// `POST /logout`: ends the session; says which apps may still have one of their own.
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
    let mut visited = vec![];
    if let Some((session, user)) = app.store.session(&token).await? {
        visited = app.store.participants(&session.id).await?;
        let event = AuditEvent {
            actor: Some(user.name.as_str().to_owned()),
            user: Some(user.name),
            ..visit.event(&app, AuditKind::SignOut)
        };
        app.store.sign_out(&token, event).await?;
    }
    let mut apps = vec![];
    for sp in visited {
        let sp = app.store.sp_by_id(&sp).await?;
        apps.extend(sp.map(|sp| sp.title().to_owned()));
    }
    let mut response = headers::own_page(&SignedOutPage { apps });
    let clear = Cookie::Session.clear(&app.site);
    clear.map(|clear| response.headers_mut().append(header::SET_COOKIE, clear));
    Ok(response)
}
