//! Whose browser it is that brings a LogoutRequest.
//!
//! The message may end a session whoever brings it: its signature says that the SP wants it. But what
//! else was entered in that session, and under which names, is no business of the SP. So only the
//! browser whose own session has ended is led through the rest of it; an SP that brings the message
//! itself learns that it was not everything, and nothing more (decision 53, T-SLO-OTHER).

use axum::response::{IntoResponse, Redirect, Response};

use super::super::App;
use super::super::failure::Failure;
use super::super::headers;
use super::super::pages::{Base64, PostMessagePage};
use super::super::visit::{FetchSite, Visit};
use super::chain;
use crate::directory::logout::Logout;
use crate::saml::binding::{Binding, Carried, Inbound};
use crate::storage::TokenHash;

/// A message that the browser has to bring once more.
pub(super) struct Again<'p> {
    path: &'p str,
    xml: String,
    relay_state: Option<String>,
}

/// A form of another site brings no cookie of ours (decision 10), so that the browser has to bring
/// it once more from a page of ours. Nothing for what came with cookies, or by another way.
pub(super) fn without_cookies<'p>(
    visit: &Visit,
    inbound: &Inbound,
    path: &'p str,
) -> Option<Again<'p>> {
    let is_blind = inbound.binding == Binding::Post
        && visit.site == FetchSite::Other
        && visit.session.is_none();
    is_blind.then(|| Again {
        path,
        xml: String::from_utf8_lossy(&inbound.xml).into_owned(),
        relay_state: inbound.relay_state.clone(),
    })
}

impl Again<'_> {
    /// The page that brings it.
    pub(super) fn page(self) -> Response {
        headers::post_page(&PostMessagePage {
            app_name: "Doorward".to_owned(),
            action: self.path.to_owned(),
            parameter: Carried::Request.parameter(),
            message: Base64::of(&self.xml),
            relay_state: self.relay_state,
        })
    }
}

/// The session of this browser, where there is one.
pub(super) async fn session(app: &App, visit: &Visit) -> Result<Option<TokenHash>, Failure> {
    let Some(token) = visit.token_hash() else {
        return Ok(None);
    };
    let found = app.store.session(&token).await?;
    Ok(found.map(|_| token))
}

/// Whether it has ended since.
pub(super) async fn has_ended(app: &App, mine: Option<TokenHash>) -> Result<bool, Failure> {
    match mine {
        Some(token) => Ok(app.store.session(&token).await?.is_none()),
        None => Ok(false),
    }
}

/// Tells whom it can without the browser, and answers who asked.
pub(super) async fn answer_for_another(app: &App, logout: Logout) -> Result<Response, Failure> {
    let logout = chain::tell_directly(app, None, logout).await?;
    match chain::answer(app, &logout).await? {
        Some(response) => Ok(response),
        None => Ok(Redirect::to("/logout").into_response()),
    }
}
