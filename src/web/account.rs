//! `/account`: what Doorward knows about the person, their sessions, and their password.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::App;
use super::browser;
use super::consent;
use super::failure::{Failure, readable};
use super::flow::{Flow, Purpose};
use super::headers;
use super::login::{delay, onward, read_form};
use super::pages::{AccountMessage, AccountPage, ChangePasswordPage, PasswordProblem, SessionRow};
use super::slo;
use super::sso::TokenForm;
use super::visit::Visit;
use crate::authn::password::{LEAST_CHARACTERS, PasswordError, check_policy};
use crate::authn::throttle;
use crate::directory::audit::{AuditEvent, AuditKind, Outcome};
use crate::directory::logout::Logout;
use crate::directory::name::SessionId;
use crate::directory::reason::ReasonCode;
use crate::directory::session::Session;
use crate::directory::user::User;
use crate::storage::{Ending, NewLogout};

/// Somebody signed in, with what their forms have to bring along.
pub(super) struct Person {
    session: Session,
    pub(super) user: User,
    pub(super) csrf: String,
}

/// Who is signed in, if anybody. Looking at a page of ours is a use of the session.
pub(super) async fn person(app: &App, visit: &Visit) -> Result<Option<Person>, Failure> {
    let (Some(token), Some(csrf)) = (visit.token_hash(), visit.csrf()) else {
        return Ok(None);
    };
    let (found, now, limits) = (app.store.session(&token).await?, app.now(), app.site.limits);
    let live = found.filter(|(session, user)| session.is_live(limits, now) && !user.disabled);
    let Some((session, user)) = live else {
        return Ok(None);
    };
    if now.since(session.last_seen_at) >= limits.seen_every() {
        app.store.session_seen(&session.id, now).await?;
    }
    Ok(Some(Person {
        session,
        user,
        csrf,
    }))
}

fn to_login() -> Response {
    Redirect::to("/login").into_response()
}

/// `GET /account`.
pub(super) async fn show(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    match person(&app, &visit).await? {
        None => Ok(to_login()),
        Some(person) if person.user.must_change_password => {
            Ok(Redirect::to("/account/password").into_response())
        }
        Some(person) => {
            let Done { done } = visit.parameters()?;
            let message = match done.as_deref() {
                Some("password") => Some(AccountMessage::PasswordChanged),
                Some("session") => Some(AccountMessage::SessionEnded),
                Some("consent") => Some(AccountMessage::ConsentWithdrawn),
                _ => None,
            };
            account_page(&app, person, message).await
        }
    }
}

/// What was done by the form before.
#[derive(Debug, Deserialize)]
struct Done {
    done: Option<String>,
}

async fn account_page(
    app: &App,
    person: Person,
    message: Option<AccountMessage>,
) -> Result<Response, Failure> {
    let Person {
        session: this,
        user,
        csrf,
    } = person;
    let sessions = app.store.sessions_of(&user.id).await?;
    let rows = sessions
        .into_iter()
        .filter(|session| session.is_live(app.site.limits, app.now()))
        .map(|session| SessionRow {
            this_one: session.id == this.id,
            id: session.id.as_str().to_owned(),
            browser: browser::in_words(session.user_agent.as_deref()),
            address: session.source.unwrap_or_default(),
            signed_in: readable(session.signed_in_at),
            last_used: readable(session.last_seen_at),
        })
        .collect();
    let consents = consent::rows(app, &user).await?;
    Ok(headers::own_page(&AccountPage {
        display_name: user.display_name,
        user_name: user.name.as_str().to_owned(),
        email: user.email,
        sessions: rows,
        consents,
        message,
        min_length: LEAST_CHARACTERS,
        csrf,
    }))
}

/// `GET /account/password`: the forced change after a sign-in with a one-time password.
pub(super) async fn ask_password(
    State(app): State<App>,
    visit: Visit,
) -> Result<Response, Failure> {
    let form: TokenForm = visit.parameters()?;
    let flow = app.sealer.open(form.text(), Purpose::Form, app.now());
    match person(&app, &visit).await? {
        None => Ok(to_login()),
        Some(person) if person.user.must_change_password => {
            change_page(&app, &person, flow.as_ref(), None).await
        }
        // Nobody has to: who wants to finds the form there.
        Some(_) => Ok(Redirect::to("/account").into_response()),
    }
}

async fn change_page(
    app: &App,
    person: &Person,
    flow: Option<&Flow>,
    problem: Option<PasswordProblem>,
) -> Result<Response, Failure> {
    let sp = match flow.and_then(Flow::sp) {
        Some(id) => app.store.sp_by_id(&id).await?,
        None => None,
    };
    let token = flow
        .map(|flow| app.sealer.seal(flow, Purpose::Form, app.now()))
        .transpose()?;
    Ok(headers::page(&ChangePasswordPage {
        user_name: person.user.name.as_str().to_owned(),
        app_name: sp.map(|sp| sp.title().to_owned()),
        token,
        problem,
        min_length: LEAST_CHARACTERS,
        csrf: person.csrf.clone(),
    }))
}

/// The fields of both password forms.
#[derive(Debug, Deserialize)]
pub(super) struct PasswordForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    current: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    again: String,
}

/// `POST /account/password`: the current password, the new one twice; ends all other sessions.
pub(super) async fn change_password(
    State(app): State<App>,
    visit: Visit,
    body: Body,
) -> Result<Response, Failure> {
    let form: PasswordForm = read_form(body).await?;
    let flow = app.sealer.open(&form.token, Purpose::Form, app.now());
    let Some(person) = person(&app, &visit).await? else {
        return Ok(to_login());
    };
    let forced = person.user.must_change_password;
    if !visit.is_own_form(&form.csrf) {
        return if forced {
            change_page(&app, &person, flow.as_ref(), None).await
        } else {
            Ok(Redirect::to("/account").into_response())
        };
    }
    if let Err(problem) = set_password(&app, &visit, &person, &form).await? {
        return if forced {
            change_page(&app, &person, flow.as_ref(), Some(problem)).await
        } else {
            account_page(&app, person, Some(AccountMessage::Password(problem))).await
        };
    }
    match flow {
        Some(flow) if forced => onward(&app, &flow).await,
        _ if forced => Ok(Redirect::to("/").into_response()),
        _ => Ok(Redirect::to("/account?done=password").into_response()),
    }
}

async fn set_password(
    app: &App,
    visit: &Visit,
    person: &Person,
    form: &PasswordForm,
) -> Result<Result<(), PasswordProblem>, Failure> {
    if let Err(problem) = worth_trying(form) {
        return Ok(Err(problem));
    }
    let user = &person.user;
    let (account, source) = (user.name.key(), throttle::source_key(visit.source));
    if let Some(wait) = delay(app, &account, &source).await? {
        return Ok(Err(throttled(wait)));
    }
    let credential = app.store.credential(&account).await?;
    let stored = credential
        .as_ref()
        .and_then(|credential| credential.password_hash.as_deref());
    let event = AuditEvent {
        actor: Some(user.name.as_str().to_owned()),
        user: Some(user.name.clone()),
        ..visit.event(app, AuditKind::PasswordChanged)
    };
    let right = match app.passwords.verify(&form.current, stored, &source).await {
        Ok(verified) => verified.ok,
        Err(error) => return problem_of(error).map(Err),
    };
    if let Some(wait) = delay(app, &account, &source).await? {
        // What failed meanwhile counts, as at the sign-in.
        return Ok(Err(throttled(wait)));
    }
    if !right {
        let reason = Some(ReasonCode::WrongPassword);
        let event = AuditEvent {
            outcome: Outcome::Refused,
            reason,
            ..event
        };
        app.store.sign_in_failed(&account, &source, event).await?;
        return Ok(Err(PasswordProblem::CurrentWrong));
    }
    let hash = match app.passwords.hash(&form.new, &source).await {
        Ok(hash) => hash,
        Err(error) => return problem_of(error).map(Err),
    };
    // What was proved is held against the row once more where it is changed: an administrator who
    // set another password meanwhile is not overruled.
    let (proved, keep) = (stored.unwrap_or_default(), &person.session.id);
    let changed = app
        .store
        .change_password(&user.id, proved, &hash, keep, event)
        .await?;
    tell_elsewhere(app, visit, changed.logout).await?;
    let done = changed.changed.then_some(());
    Ok(done.ok_or(PasswordProblem::CurrentWrong))
}

/// Sessions in other browsers have ended: tells the apps of these that can be told without them.
async fn tell_elsewhere(app: &App, visit: &Visit, logout: Option<Logout>) -> Result<(), Failure> {
    if let Some(logout) = logout {
        slo::tell_elsewhere(app, visit, logout).await?;
    }
    Ok(())
}

fn throttled(wait: Duration) -> PasswordProblem {
    PasswordProblem::Throttled {
        seconds: wait
            .as_millis()
            .div_ceil(1000)
            .try_into()
            .unwrap_or(u64::MAX),
    }
}

fn worth_trying(form: &PasswordForm) -> Result<(), PasswordProblem> {
    if form.new != form.again {
        return Err(PasswordProblem::Differ);
    }
    if form.new == form.current {
        return Err(PasswordProblem::Unchanged);
    }
    match check_policy(&form.new) {
        Ok(()) => Ok(()),
        Err(PasswordError::TooLong) => Err(PasswordProblem::TooLong),
        Err(_) => Err(PasswordProblem::TooShort {
            min_length: LEAST_CHARACTERS,
        }),
    }
}

fn problem_of(error: PasswordError) -> Result<PasswordProblem, Failure> {
    match error {
        PasswordError::Busy { retry_after } => Ok(PasswordProblem::TooBusy {
            seconds: retry_after.as_secs().max(1),
        }),
        PasswordError::TooLong => Ok(PasswordProblem::TooLong),
        other => Err(other.into()),
    }
}

/// The fields of the form that ends a session.
#[derive(Debug, Deserialize)]
pub(super) struct RevokeForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    session: String,
}

/// `POST /account/sessions/revoke`: ends one of one's own sessions.
pub(super) async fn revoke_session(
    State(app): State<App>,
    visit: Visit,
    body: Body,
) -> Result<Response, Failure> {
    let form: RevokeForm = read_form(body).await?;
    let Some(person) = person(&app, &visit).await? else {
        return Ok(to_login());
    };
    if !visit.is_own_form(&form.csrf) {
        return Ok(Redirect::to("/account").into_response());
    }
    let id = SessionId::from_stored(form.session);
    let own = app.store.sessions_of(&person.user.id).await?;
    if own.iter().any(|session| session.id == id) {
        let event = AuditEvent {
            actor: Some(person.user.name.as_str().to_owned()),
            user: Some(person.user.name.clone()),
            ..visit.event(&app, AuditKind::SessionRevoked)
        };
        let new = NewLogout::default();
        let ended = app.store.log_out(Ending::Session(&id), &new, event).await?;
        tell_elsewhere(&app, &visit, ended).await?;
        return Ok(Redirect::to("/account?done=session").into_response());
    }
    Ok(Redirect::to("/account").into_response())
}
