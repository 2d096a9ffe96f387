//! Signing in and out: the SAML endpoints.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Query, RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::super::Shared;
use super::super::logout::Carried;
use super::super::outside::{now, random_hex};
use super::super::pages::{Landing, PostForm};
use super::super::response::{Refusal, SignedIn, UnverifiedResponse};
use super::super::service_provider::Wishes;
use super::super::sessions::{Arrival, Outstanding};
use super::{Answer, App, cookie, html};

const SESSION_SECONDS: u32 = 8 * 60 * 60;
const BROWSER_SECONDS: u32 = 30 * 24 * 60 * 60;
/// Where signing out ends.
const SIGNED_OUT: &str = "/signed-out";
/// The page that posts to the identity provider: its form leads elsewhere, its script is our own.
/// `origin`, because `same-origin` would make browsers say `Origin: null`.
const POST_FORM_CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
                             script-src 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn routes(metadata: String) -> Router<Arc<Shared>> {
    let metadata = move || async move {
        (
            [
                (CONTENT_TYPE, "application/samlmetadata+xml"),
                (CACHE_CONTROL, "no-cache"),
            ],
            metadata,
        )
    };
    Router::new()
        .route("/saml/metadata", get(metadata))
        .route("/saml/login", get(login))
        .route("/saml/acs", post(assertion_consumer_service))
        .route("/saml/arrived", get(arrived))
        .route("/saml/slo", get(single_logout))
        .route("/logout", post(logout))
        .route(SIGNED_OUT, get(signed_out))
        .route("/whoami", get(whoami))
}

#[derive(Debug, Deserialize)]
struct LoginQuery {
    binding: Option<String>,
    passive: Option<String>,
    force: Option<String>,
    #[serde(rename = "return")]
    return_to: Option<String>,
}

/// Sends the browser to the identity provider with a fresh request.
async fn login(State(app): App, headers: HeaderMap, Query(query): Query<LoginQuery>) -> Answer {
    let asks = |flag: &Option<String>| flag.as_deref() == Some("1");
    let wishes = Wishes {
        force: asks(&query.force),
        passive: asks(&query.passive),
    };
    let id = format!("_{}", random_hex()?);
    let relay_state = random_hex()?;
    let known = cookie(&headers, &app.browser_cookie());
    let browser = match known.clone() {
        Some(browser) => browser,
        None => random_hex()?,
    };
    let return_to = query
        .return_to
        .as_deref()
        .filter(|path| is_local(path))
        .unwrap_or("/");
    let asked = Outstanding {
        id: &id,
        browser: &browser,
        relay_state: &relay_state,
        return_to,
    };
    app.sessions.expect(&asked, now()).await?;

    let response = if query.binding.as_deref() == Some("post") || !app.sp.can_redirect() {
        post_form(&app, id, relay_state, wishes).await?
    } else {
        Redirect::to(&app.sp.redirect(&id, &relay_state, wishes, now())?).into_response()
    };
    // Set once and shared by all tabs: an answer to another tab's request must stay welcome.
    let set = known
        .is_none()
        .then(|| app.set_cookie(&app.browser_cookie(), &browser, BROWSER_SECONDS));
    Ok((AppendHeaders(set), response).into_response())
}

async fn post_form(app: &Arc<Shared>, id: String, relay_state: String, wishes: Wishes) -> Answer {
    let shared = Arc::clone(app);
    let request = tokio::task::spawn_blocking(move || shared.sp.post(&id, wishes, now())).await??;
    let page = PostForm {
        frame: app.frame(None),
        request: &request,
        relay_state: &relay_state,
    };
    let mut response = html(&page)?;
    replace(&mut response, CONTENT_SECURITY_POLICY, POST_FORM_CSP);
    replace(&mut response, REFERRER_POLICY, "origin");
    Ok(response)
}

fn replace(response: &mut Response, name: HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}

#[derive(Debug, Deserialize)]
struct AcsForm {
    #[serde(rename = "SAMLResponse")]
    saml_response: String,
    #[serde(rename = "RelayState", default)]
    relay_state: String,
}

/// The assertion consumer service (Profiles 4.1.4). Whoever brings a valid assertion gets a
/// session; no role is looked at. That is the identity provider's to decide, and the point of the
/// demonstration.
async fn assertion_consumer_service(
    State(app): App,
    headers: HeaderMap,
    Form(form): Form<AcsForm>,
) -> Answer {
    let response = UnverifiedResponse::read(&form.saml_response)?;
    let browser = cookie(&headers, &app.browser_cookie());
    let at = now();
    let solicited = response.in_response_to().is_some();
    if let Some(request) = response.in_response_to()
        && !app
            .sessions
            .is_outstanding(request, browser.as_deref(), at)
            .await?
    {
        return Err(Refusal::NotAsked.into());
    }
    let shared = Arc::clone(&app);
    let signed_in = tokio::task::spawn_blocking(move || response.verify(&shared.sp, at)).await??;
    if solicited && browser.is_none() {
        let handle = random_hex()?;
        app.sessions
            .park(&handle, &signed_in, &form.relay_state, at)
            .await?;
        return Ok(Redirect::to(&format!("/saml/arrived?handle={handle}")).into_response());
    }
    admit(&app, &headers, &signed_in, &form.relay_state).await
}

#[derive(Debug, Deserialize)]
struct ArrivedQuery {
    handle: String,
}

/// The second step of a browser whose cross-site POST carried no cookie.
async fn arrived(State(app): App, headers: HeaderMap, Query(query): Query<ArrivedQuery>) -> Answer {
    let parked = app.sessions.unpark(&query.handle, now()).await?;
    let (signed_in, relay_state) = parked.ok_or(Refusal::NotAsked)?;
    admit(&app, &headers, &signed_in, &relay_state).await
}

async fn admit(
    app: &Shared,
    headers: &HeaderMap,
    signed_in: &SignedIn,
    relay_state: &str,
) -> Answer {
    let token = random_hex()?;
    let browser = cookie(headers, &app.browser_cookie());
    let came = Arrival {
        signed_in,
        relay_state,
        browser: browser.as_deref(),
        token: &token,
    };
    let return_to = app.sessions.admit(&came, now()).await?;
    // A session that this browser had before is over: nobody can fix one for somebody else.
    if let Some(earlier) = cookie(headers, &app.session_cookie()) {
        app.sessions.end(&earlier).await?;
    }
    let return_to = if is_local(&return_to) {
        return_to.as_str()
    } else {
        "/"
    };
    let set = app.set_cookie(&app.session_cookie(), &token, SESSION_SECONDS);
    Ok((AppendHeaders([set]), Redirect::to(return_to)).into_response())
}

#[derive(Debug, Deserialize)]
struct LogoutForm {
    #[serde(default)]
    csrf: String,
}

/// Ends the session in this app, and asks the identity provider to end it everywhere (Profiles
/// 4.4.3.1), where it knows how to.
async fn logout(State(app): App, headers: HeaderMap, Form(form): Form<LogoutForm>) -> Answer {
    let mut to = SIGNED_OUT.to_owned();
    if let Some(session) = app.session(&headers).await? {
        session.check_csrf(&form.csrf)?;
        app.sessions.end(&session.token).await?;
        let id = format!("_{}", random_hex()?);
        let asks = app.sp.logout_request(&id, &session.signed_in, now())?;
        to = asks.unwrap_or(to);
    }
    let set = app.set_cookie(&app.session_cookie(), "", 0);
    Ok((AppendHeaders([set]), Redirect::to(&to)).into_response())
}

/// The identity provider says that a session has ended, or answers that it has (Profiles 4.4).
async fn single_logout(State(app): App, RawQuery(query): RawQuery) -> Answer {
    let (carried, message, relay_state) = app
        .sp
        .read_logout(query.as_deref().unwrap_or_default(), now())?;
    if carried == Carried::Response {
        return Ok(Redirect::to(SIGNED_OUT).into_response());
    }
    let indexes = &message.session_indexes;
    app.sessions.end_of(&message.name_id, indexes).await?;
    let id = format!("_{}", random_hex()?);
    let relay_state = relay_state.as_deref();
    let to = app
        .sp
        .logout_response(&id, &message.id, relay_state, now())?;
    Ok(Redirect::to(&to).into_response())
}

/// Says that the session here is over; a browser that has another one by now is led inside.
async fn signed_out(State(app): App, headers: HeaderMap) -> Answer {
    if app.session(&headers).await?.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    html(&Landing {
        frame: app.frame(None),
        signed_out: true,
    })
}

/// Who is signed in, for scripts and tests.
async fn whoami(State(app): App, headers: HeaderMap) -> Answer {
    let json = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    let Some(session) = app.session(&headers).await? else {
        return Ok((StatusCode::UNAUTHORIZED, json, "{}\n").into_response());
    };
    let signed_in = &session.signed_in;
    let body = serde_json::json!({
        "name": session.name,
        "name_id": signed_in.name_id,
        "name_id_format": signed_in.name_id_format,
        "session_index": signed_in.session_index,
        "attributes": signed_in.attributes,
    });
    Ok((json, format!("{body}\n")).into_response())
}

/// A path of this very app: nothing that a browser could read as another host.
fn is_local(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 1_000
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}
