//! `/`: the apps that this person may enter, by the same decision as at their doors.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::App;
use super::account::person;
use super::failure::Failure;
use super::headers;
use super::pages::{AppTile, LauncherPage};
use super::visit::Visit;
use crate::access;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::ServiceProvider;
use crate::storage::TokenHash;

/// `GET /`.
pub(super) async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    let Some((person, token)) = person(&app, &visit).await?.zip(visit.token_hash()) else {
        return Ok(Redirect::to("/login").into_response());
    };
    let user = person.user;
    if user.must_change_password {
        return Ok(Redirect::to("/account/password").into_response());
    }
    Ok(headers::own_page(&LauncherPage {
        display_name: user.display_name,
        user_name: user.name.as_str().to_owned(),
        apps: tiles(&app, &token).await?,
        contact: app.site.contact.clone(),
        csrf: person.csrf,
    }))
}

/// A tile for each app whose door is open to the person of this session.
pub(super) async fn tiles(app: &App, token: &TokenHash) -> Result<Vec<AppTile>, Failure> {
    let mut tiles = vec![];
    for (id, facts) in app.store.facts_of_all_doors(token, app.now()).await? {
        let registered = match app.registration(&id, facts.door_version()).await {
            // One app that cannot be read is shut; it does not hide the others.
            Err(failure) if failure.reason() == ReasonCode::ClosedRule => continue,
            registered => registered?,
        };
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
