//! `/`: the apps that this person may enter, by the same decision as at their doors.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::App;
use super::failure::Failure;
use super::headers;
use super::pages::{AppTile, LauncherPage};
use super::visit::Visit;
use crate::access;
use crate::directory::service_provider::ServiceProvider;
use crate::storage::TokenHash;

/// `GET /`.
pub(super) async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    let (Some(token), Some(csrf)) = (visit.token_hash(), visit.csrf()) else {
        return Ok(Redirect::to("/login").into_response());
    };
    let session = app.store.session(&token).await?;
    let live = session
        .filter(|(session, user)| session.is_live(app.site.limits, app.now()) && !user.disabled);
    let Some((_, user)) = live else {
        return Ok(Redirect::to("/login").into_response());
    };
    if user.must_change_password {
        return Ok(Redirect::to("/account/password").into_response());
    }
    Ok(headers::own_page(&LauncherPage {
        display_name: user.display_name,
        user_name: user.name.as_str().to_owned(),
        apps: tiles(&app, &token).await?,
        contact: app.site.contact.clone(),
        csrf,
    }))
}

/// A tile for each app whose door is open to the person of this session.
pub(super) async fn tiles(app: &App, token: &TokenHash) -> Result<Vec<AppTile>, Failure> {
    let mut tiles = vec![];
    for (id, facts) in app.store.facts_of_all_doors(token, app.now()).await? {
        let registered = app.registration(&id, facts.door_version()).await?;
        let verdict = access::verdict(&registered.sp, facts, app.site.limits, app.now());
        if verdict.refusal.is_none() {
            tiles.push(tile(&registered.sp));
        }
    }
    tiles.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tiles)
}

fn tile(sp: &ServiceProvider) -> AppTile {
    AppTile {
        name: sp.title().to_owned(),
        host: sp.host(),
        description: None,
        start_url: start_url(sp),
    }
}

/// Where an app starts: its own start address, else a sign-on that starts here, where that is
/// allowed, else the front page of its endpoint's origin (decision 17).
pub(super) fn start_url(sp: &ServiceProvider) -> String {
    if let Some(home) = &sp.policy.home_url {
        return home.clone();
    }
    if sp.policy.allow_idp_initiated {
        return format!("/saml/idp-initiated?sp={}", sp.name);
    }
    url::Url::parse(&sp.acs.default_endpoint().location).map_or_else(
        |_| "/".to_owned(),
        |url| format!("{}/", url.origin().ascii_serialization()),
    )
}
