//! `/login`: who are you? The one place where a password is taken.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::App;
use super::cookies::{Cookie, Mark, fresh_secret};
use super::discovery;
use super::failure::Failure;
use super::flow::{Again, Flow, Purpose, hand_on, to_login, to_next_hop};
use super::headers;
use super::launcher;
use super::pages::{AskingApp, LoginPage, Problem};
use super::slo;
use super::sso::{TokenForm, form_text};
use super::visit::{FetchSite, Visit};
use crate::authn::password::{PasswordError, Verified};
use crate::authn::throttle;
use crate::directory::audit::{AuditEvent, AuditKind, Outcome};
use crate::directory::name::UserName;
use crate::directory::reason::ReasonCode;
use crate::storage::{Credential, NewLogout, NewSession, StoreError, TokenHash};

/// The fields of the sign-in form.
#[derive(Debug, Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    token: String,
    username: Option<String>,
    password: Option<String>,
}

/// `GET /login`. A token that cannot be opened any more shows the plain form: no dead end.
pub(super) async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    let form: TokenForm = visit.parameters()?;
    ask(&app, &visit, form.text()).await
}

async fn ask(app: &App, visit: &Visit, token: &str) -> Result<Response, Failure> {
    let flow = open_or_plain(app, token)?;
    if flow.again() == Again::No && signed_in(app, visit).await?.is_some() {
        // A second tab in which somebody has signed in meanwhile goes on by itself.
        return onward(app, &flow).await;
    }
    form_page(app, visit, flow, None, None).await
}

/// `POST /login/someone-else`: from the refusal page.
pub(super) async fn someone_else(State(app): State<App>, body: Body) -> Result<Response, Failure> {
    let form = TokenForm::read(body).await?;
    let flow = open_or_plain(&app, form.text())?.for_someone_else()?;
    to_login(&app, &flow)
}

/// `POST /login`: the trial. A right password is answered by a 303, so that nothing sends it again.
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    body: Body,
) -> Result<Response, Failure> {
    let Credentials {
        token,
        username,
        password,
    } = read_form(body).await?;
    let sealed = app.sealer.open(&token, Purpose::Form, app.now());
    let (Some(name), Some(password)) = (username, password) else {
        // The token came by a page that posts it because it is too long for an address.
        return ask(&app, &visit, &token).await;
    };
    let bound = sealed.filter(|flow| {
        visit.site != FetchSite::Other && flow.is_bound_to(visit.browser.as_deref())
    });
    let Some(flow) = bound else {
        // A genuine form of another browser, a form of the day before yesterday, or another site's:
        // it never signs in, and is shown again, bound anew (decision 9).
        let flow = open_or_plain(&app, &token)?;
        let typed = UserName::parse(&name).map(|name| name.key()).ok();
        if typed.is_some() && typed == signed_in(&app, &visit).await? {
            // The second half of a double click, or the form of another tab. Whoever typed another
            // name does not go on as the person of the session.
            return onward(&app, &flow).await;
        }
        return form_page(&app, &visit, flow, Some(name), Some(Problem::FormExpired)).await;
    };
    match try_password(&app, &visit, &name, &password).await? {
        Trial::Right(credential, rehash) => {
            sign_in(&app, &visit, flow, credential, rehash, &name).await
        }
        Trial::Wrong => {
            form_page(
                &app,
                &visit,
                flow,
                Some(name),
                Some(Problem::WrongCredentials),
            )
            .await
        }
        Trial::Wait(wait) => {
            let seconds = seconds(wait);
            let problem = Problem::Throttled { seconds };
            let page = form_page(&app, &visit, flow, Some(name), Some(problem)).await?;
            Ok(later(StatusCode::TOO_MANY_REQUESTS, seconds, page))
        }
        Trial::Busy(wait) => {
            let seconds = seconds(wait);
            let problem = Problem::TooBusy { seconds };
            let page = form_page(&app, &visit, flow, Some(name), Some(problem)).await?;
            Ok(later(StatusCode::SERVICE_UNAVAILABLE, seconds, page))
        }
    }
}

pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_millis()
        .div_ceil(1000)
        .try_into()
        .unwrap_or(u64::MAX)
}

fn later(status: StatusCode, seconds: u64, page: Response) -> Response {
    (
        status,
        [(header::RETRY_AFTER, HeaderValue::from(seconds))],
        page,
    )
        .into_response()
}

/// What a trial came to.
pub(super) enum Trial {
    Right(Credential, Option<String>),
    Wrong,
    Wait(Duration),
    Busy(Duration),
}

/// Checks a password. Unknown, disabled and throttled people cost the same work and get the same
/// answer as a wrong password (decision 15).
pub(super) async fn try_password(
    app: &App,
    visit: &Visit,
    name: &str,
    password: &str,
) -> Result<Trial, Failure> {
    let source = throttle::source_key(visit.source);
    let parsed = UserName::parse(name).ok();
    let account = parsed.as_ref().map_or_else(String::new, UserName::key);
    let wait = delay(app, &account, &source).await?;
    let credential = match &parsed {
        Some(name) => app.store.credential(&name.key()).await?,
        None => None,
    };
    let known = credential
        .as_ref()
        .map(|credential| credential.name.clone());
    let usable = credential.filter(|credential| wait.is_none() && !credential.disabled);
    let stored = usable
        .as_ref()
        .and_then(|credential| credential.password_hash.as_deref());
    let verified = match app.passwords.verify(password, stored, &source).await {
        Ok(verified) => verified,
        Err(PasswordError::Busy { retry_after }) => return Ok(Trial::Busy(retry_after)),
        Err(PasswordError::TooLong) => Verified {
            ok: false,
            rehash: None,
        },
        Err(other) => return Err(other.into()),
    };
    // Trials that failed while this one waited for its turn count for it too: a hundred sent at
    // once are no better than a hundred one by one (T-LOCK-PAR).
    let wait = match wait {
        Some(wait) => Some(wait),
        None => delay(app, &account, &source).await?,
    };
    match (wait, usable, verified.ok) {
        (Some(wait), ..) => {
            let event = failed(app, visit, known, ReasonCode::Throttled);
            app.store.record(event).await?;
            Ok(Trial::Wait(wait))
        }
        (None, Some(credential), true) => Ok(Trial::Right(credential, verified.rehash)),
        _ => {
            let event = failed(app, visit, known, ReasonCode::WrongPassword);
            tracing::warn!(trace = %visit.trace, reason = "wrong-password", "sign-in failed");
            app.store.sign_in_failed(&account, &source, event).await?;
            Ok(Trial::Wrong)
        }
    }
}

/// How long a trial of this account from this source has to wait now.
pub(super) async fn delay(
    app: &App,
    account: &str,
    source: &str,
) -> Result<Option<Duration>, Failure> {
    if !app.site.throttle {
        return Ok(None);
    }
    let history = app.store.throttle(account, source, app.now()).await?;
    Ok(throttle::delay(&history, app.now()))
}

/// A name that nobody has is not written down: it may be a password in the wrong field.
fn failed(app: &App, visit: &Visit, known: Option<UserName>, reason: ReasonCode) -> AuditEvent {
    AuditEvent {
        detail: known.is_none().then(|| "no such user".to_owned()),
        outcome: Outcome::Refused,
        reason: Some(reason),
        user: known,
        ..visit.event(app, AuditKind::SignIn)
    }
}

/// A new secret for the session, a new mark for the browser, and on.
async fn sign_in(
    app: &App,
    visit: &Visit,
    flow: Flow,
    credential: Credential,
    rehash: Option<String>,
    typed: &str,
) -> Result<Response, Failure> {
    let secret = fresh_secret().map_err(Failure::internal)?;
    let of_logout = fresh_secret().map_err(Failure::internal)?;
    let logout = NewLogout {
        token: Some(TokenHash::of(&of_logout)),
        onward: Some(app.sealer.seal(&flow, Purpose::Form, app.now())?),
        ..NewLogout::default()
    };
    let new = NewSession {
        logout,
        user: credential.user,
        token: TokenHash::of(&secret),
        replaces: visit.token_hash(),
        fresh_for: Some(flow.fresh_for()),
        source: Some(visit.source.to_string()),
        user_agent: visit.user_agent.clone(),
        checked_hash: credential.password_hash.unwrap_or_default(),
        rehash,
        account_key: credential.name.key(),
    };
    let event = AuditEvent {
        actor: Some(credential.name.as_str().to_owned()),
        user: Some(credential.name.clone()),
        ..visit.event(app, AuditKind::SignIn)
    };
    let ended = match app.store.sign_in(new, event).await {
        Ok(signed_in) => signed_in.ended,
        Err(StoreError::SignInRefused) => {
            // Disabled between the check and now: the same answer as before it.
            let typed = Some(typed.to_owned());
            return form_page(app, visit, flow, typed, Some(Problem::WrongCredentials)).await;
        }
        Err(other) => return Err(other.into()),
    };
    tracing::info!(trace = %visit.trace, user = credential.name.as_str(), "signed in");
    let browser = fresh_secret().map_err(Failure::internal)?;
    let mut cookies = vec![(Cookie::Session, secret), (Cookie::Browser, browser)];
    let mut response = match slo::lead_away(app, visit, ended).await? {
        Some(response) => {
            cookies.push((Cookie::Logout, of_logout));
            response
        }
        None => enter(app, &flow, credential.must_change).await?,
    };
    for (cookie, value) in cookies {
        let set = cookie.set(&value, &app.site);
        set.map(|set| response.headers_mut().append(header::SET_COOKIE, set));
    }
    discovery::remember(&mut response, visit.known_idps.as_deref(), &app.site);
    Ok(response)
}

/// Where somebody who has just signed in goes: first to another password where one is due.
async fn enter(app: &App, flow: &Flow, must_change: bool) -> Result<Response, Failure> {
    if must_change {
        let token = app.sealer.seal(flow, Purpose::Form, app.now())?;
        return Ok(hand_on(app, "/account/password", token));
    }
    onward(app, flow).await
}

/// The same later, after the apps of an earlier session have been told.
pub(super) async fn lead_on(app: &App, visit: &Visit, token: &str) -> Result<Response, Failure> {
    let flow = open_or_plain(app, token)?;
    let person = match visit.token_hash() {
        Some(token) => app.store.session(&token).await?,
        None => None,
    };
    let must_change = person.is_some_and(|(_, user)| user.must_change_password);
    enter(app, &flow, must_change).await
}

/// What the place is called that [`lead_on`] leads to.
pub(super) async fn leads_to(app: &App, token: &str) -> Result<String, Failure> {
    let sp = match open_or_plain(app, token)?.sp() {
        Some(sp) => app.store.sp_by_id(&sp).await?,
        None => None,
    };
    Ok(sp.map_or_else(|| "Doorward".to_owned(), |sp| sp.title().to_owned()))
}

/// Where a flow leads once somebody is signed in: to its answer, to the app's own start address if
/// the app no longer waits, or to the launcher.
pub(super) async fn onward(app: &App, flow: &Flow) -> Result<Response, Failure> {
    let Some(sp) = flow.sp() else {
        return Ok(Redirect::to("/").into_response());
    };
    if flow.is_answerable(app.now()) {
        return to_next_hop(app, flow);
    }
    let start = match app.store.sp_by_id(&sp).await? {
        Some(sp) => launcher::start_url(&sp),
        None => "/".to_owned(),
    };
    Ok(Redirect::to(&start).into_response())
}

/// Who is signed in in this browser, as names are compared.
async fn signed_in(app: &App, visit: &Visit) -> Result<Option<String>, Failure> {
    let Some(token) = visit.token_hash() else {
        return Ok(None);
    };
    let session = app.store.session(&token).await?;
    let live = session
        .filter(|(session, user)| session.is_live(app.site.limits, app.now()) && !user.disabled);
    Ok(live.map(|(_, user)| user.name.key()))
}

fn open_or_plain(app: &App, token: &str) -> Result<Flow, Failure> {
    let now = app.now();
    app.sealer
        .open(token, Purpose::Form, now)
        .map_or_else(|| Flow::to_launcher(now), Ok)
}

/// The form, bound to this browser; a browser without a mark gets one.
async fn form_page(
    app: &App,
    visit: &Visit,
    flow: Flow,
    user_name: Option<String>,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let sp = match flow.sp() {
        Some(id) => app.store.sp_by_id(&id).await?,
        None => None,
    };
    let problem = problem.or(match flow.again() {
        Again::No => None,
        Again::ForceAuthn => Some(Problem::SignInAgain),
        Again::SomeoneElse => Some(Problem::SomeoneElse),
    });
    let mark = Mark::of(visit)?;
    let contact = sp.as_ref().and_then(|sp| sp.policy.contact.clone());
    let page = LoginPage {
        app: sp.as_ref().map(|sp| AskingApp {
            name: sp.title().to_owned(),
            host: sp.host(),
        }),
        token: app
            .sealer
            .seal(&flow.bound_to(&mark.text), Purpose::Form, app.now())?,
        user_name,
        problem,
        contact: contact.or_else(|| app.site.contact.clone()),
        reference: problem.map(|_| visit.trace.as_str().to_owned()),
    };
    Ok(mark.put_on(headers::page(&page), &app.site))
}

/// Reads a form of ours.
pub(super) async fn read_form<T: DeserializeOwned>(body: Body) -> Result<T, Failure> {
    let text = form_text(body).await?;
    serde_urlencoded::from_str(&text)
        .map_err(|error| Failure::of(ReasonCode::BadForm).because(error))
}
