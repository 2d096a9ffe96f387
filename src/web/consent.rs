//! Consent: where a registration asks for it, the person sees what would be sent and says yes or no.
//!
//! A yes makes no assertion: it is written down, and the decision falls anew (decision 38).

use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::App;
use super::account::{self, Person};
use super::answer::{event, refuse, send_status, write_refusal};
use super::door::{self, DoorName};
use super::failure::{Failure, readable};
use super::flow::{Flow, Purpose};
use super::headers;
use super::login::{onward, read_form};
use super::pages::{ConsentItem, ConsentPage, ConsentRow};
use super::visit::Visit;
use crate::access::{self, Grant};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::consent::{Consent, Disclosed};
use crate::directory::name::SpId;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::Denied;
use crate::directory::time::UnixTime;
use crate::directory::user::User;
use crate::saml::authn_request::AuthnRequest;
use crate::saml::consent::{ConsentClaim, Disclosure, disclosure};
use crate::saml::status::Status;
use crate::storage::{GivenConsent, TokenHash};

/// How a grant stands towards the person's consent.
pub(super) enum Standing {
    /// It needs none.
    NotAsked,
    /// It was given.
    Given(ConsentClaim),
    /// The person has to be asked; what they agreed to before.
    Due(Option<Consent>),
}

/// Whether what would be sent for this grant was agreed to. An SP that asks for no consent costs
/// nothing here.
pub(super) async fn standing(
    app: &App,
    request: &AuthnRequest<'_>,
    grant: &Grant<'_>,
    began: Option<UnixTime>,
) -> Result<Standing, Failure> {
    let sp = request.sp();
    if !sp.policy.release.consent {
        return Ok(Standing::NotAsked);
    }
    let Ok(disclosure) = disclosure(grant, request.asked(), &app.issuer) else {
        // There is nothing to agree to: what cannot be said is told in its own way.
        return Ok(Standing::NotAsked);
    };
    let given = Box::pin(app.store.consent(&grant.user().id, &sp.id)).await?;
    Ok(match given {
        Some(consent) if consent.covers(&disclosed(&disclosure)) => Standing::Given(match began {
            None => ConsentClaim::Obtained,
            Some(began) if began <= consent.agreed_at => ConsentClaim::CurrentExplicit,
            Some(_) => ConsentClaim::Prior,
        }),
        before => Standing::Due(before),
    })
}

fn disclosed(disclosure: &Disclosure<'_>) -> Vec<Disclosed> {
    disclosure.items().into_iter().map(|(one, _)| one).collect()
}

/// Names what is shown, values and all: who agrees to something else is asked again.
fn digest(disclosure: &Disclosure<'_>) -> String {
    let mut text = String::new();
    for (one, values) in disclosure.items() {
        let parts = [one.name.as_str(), one.format.as_str()];
        for part in parts.into_iter().chain(values) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}:{part}", part.len());
        }
        text.push('\n');
    }
    TokenHash::of(&text).as_str().to_owned()
}

/// Asks, or tells the SP that somebody would have to be asked.
pub(super) async fn ask(
    app: &App,
    visit: &Visit,
    request: &AuthnRequest<'_>,
    flow: Option<Flow>,
    grant: Grant<'_>,
    before: Option<Consent>,
) -> Result<Response, Failure> {
    let sp = request.sp();
    if request.asked().is_passive {
        let status = missing(app, visit, request, &grant).await?;
        return send_status(app, request.reply_to(), status).await;
    }
    let flow = match flow {
        Some(flow) => flow,
        None => Flow::into_app(&sp.id, request.asked().clone(), app.now())?,
    };
    let disclosure = disclosure(&grant, request.asked(), &app.issuer);
    let disclosure = disclosure.map_err(Failure::internal)?;
    let is_new = |one: &Disclosed| {
        let known = before.as_ref().map(|before| &before.disclosed);
        !known.is_some_and(|known| known.iter().any(|there| there.is(one)))
    };
    let items = disclosure.items().into_iter();
    let items = items.map(|(one, values)| ConsentItem {
        new: is_new(&one),
        label: one.label,
        values: values.into_iter().map(str::to_owned).collect(),
    });
    Ok(headers::page(&ConsentPage {
        app_name: sp.title().to_owned(),
        app_host: sp.host(),
        user_name: grant.user().name.as_str().to_owned(),
        items: items.collect(),
        grown: before.is_some(),
        token: app.sealer.seal(&flow, Purpose::Form, app.now())?,
        shown: digest(&disclosure),
        csrf: visit.csrf().unwrap_or_default(),
    }))
}

/// Writes down that somebody would have to be asked where no page can be shown; gives what the SP is
/// told.
pub(super) async fn missing(
    app: &App,
    visit: &Visit,
    request: &AuthnRequest<'_>,
    grant: &Grant<'_>,
) -> Result<Status, Failure> {
    let (sp, needed) = (request.sp(), ReasonCode::ConsentNeeded);
    let (trace, reason) = (&visit.trace, needed.word());
    tracing::info!(%trace, reason, sp = sp.name.as_str(), "status sent");
    visit
        .note
        .refused(needed, &"the person has to be asked first");
    write_refusal(app, event(app, visit, sp, grant.user()), needed).await?;
    Ok(if request.asked().is_passive {
        Status::NoPassive
    } else {
        Status::RequestDenied
    })
}

/// The fields of the page's forms.
#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    shown: String,
    #[serde(default)]
    answer: String,
}

/// `POST /consent`. Whatever is not a clear answer of this person leads to the question again.
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    body: Body,
) -> Result<Response, Failure> {
    let form: Answered = read_form(body).await?;
    let flow = app.sealer.open(&form.token, Purpose::Form, app.now());
    let named = flow.and_then(|flow| Some((flow.sp()?, flow.asked().cloned()?, flow)));
    let Some((sp, asked, flow)) = named else {
        return Ok(Redirect::to("/").into_response());
    };
    if !visit.is_own_form(&form.csrf) || !flow.is_answerable(app.now()) {
        return onward(&app, &flow).await;
    }
    let session = visit.token_hash();
    let door = door::fetch(&app, DoorName::Id(&sp), session.as_ref()).await?;
    let registered = door.registered.clone();
    let request = AuthnRequest::resumed(&registered.sp, asked)
        .map_err(|error| Failure::from(error).at(&registered.sp))?;
    let sign_on = request.sign_on(flow.freshness())?;
    match access::authorize(sign_on, door.facts, app.site.limits, app.now()) {
        Err(denial) => refuse(&app, &visit, &request, Some(flow), *denial).await,
        Ok(grant) if form.answer == "no" => decline(&app, &visit, &request, grant.user()).await,
        Ok(grant) => {
            if form.answer == "yes" {
                agree(&app, &visit, &request, &grant, &form.shown).await?;
            }
            onward(&app, &flow).await
        }
    }
}

/// Writes down that this was agreed to, if it is what was shown.
async fn agree(
    app: &App,
    visit: &Visit,
    request: &AuthnRequest<'_>,
    grant: &Grant<'_>,
    shown: &str,
) -> Result<(), Failure> {
    let (sp, user) = (request.sp(), grant.user());
    let Ok(disclosure) = disclosure(grant, request.asked(), &app.issuer) else {
        return Ok(());
    };
    if digest(&disclosure) != shown {
        return Ok(());
    }
    let disclosed = disclosed(&disclosure);
    let labels: Vec<&str> = disclosed.iter().map(|one| one.label.as_str()).collect();
    let event = AuditEvent {
        kind: AuditKind::ConsentGiven,
        detail: Some(labels.join(", ")),
        ..event(app, visit, sp, user)
    };
    Ok(app.store.agree(&user.id, &sp.id, &disclosed, event).await?)
}

/// A no ends at the SP or at a page of ours, as the registration says.
async fn decline(
    app: &App,
    visit: &Visit,
    request: &AuthnRequest<'_>,
    user: &User,
) -> Result<Response, Failure> {
    let sp = request.sp();
    visit.note.registered(sp);
    visit
        .note
        .refused(ReasonCode::ConsentRefused, &"the person said no");
    write_refusal(app, event(app, visit, sp, user), ReasonCode::ConsentRefused).await?;
    match sp.policy.denied {
        Denied::Page => Err(Failure::of(ReasonCode::ConsentRefused).at(sp)),
        Denied::Status => {
            let (trace, reason) = (&visit.trace, ReasonCode::ConsentRefused.word());
            tracing::warn!(%trace, reason, sp = sp.name.as_str(), "status sent");
            send_status(app, request.reply_to(), Status::RequestDenied).await
        }
    }
}

/// What somebody agreed to, for their account.
pub(super) async fn rows(app: &App, user: &User) -> Result<Vec<ConsentRow>, Failure> {
    let given = app.store.consents_of(&user.id).await?;
    let row = |given: GivenConsent| {
        let labels = given.consent.disclosed.iter();
        let labels: Vec<&str> = labels.map(|one| one.label.as_str()).collect();
        ConsentRow {
            sp: given.sp.as_str().to_owned(),
            app_name: given.title,
            labels: labels.join(", "),
            agreed: readable(given.consent.agreed_at),
        }
    };
    Ok(given.into_iter().map(row).collect())
}

/// The fields of the form that takes a consent back.
#[derive(Debug, Deserialize)]
pub(super) struct WithdrawForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    sp: String,
}

/// `POST /account/consents/withdraw`.
pub(super) async fn withdraw(
    State(app): State<App>,
    visit: Visit,
    body: Body,
) -> Result<Response, Failure> {
    let form: WithdrawForm = read_form(body).await?;
    let Some(Person { user, .. }) = account::person(&app, &visit).await? else {
        return Ok(Redirect::to("/login").into_response());
    };
    if !visit.is_own_form(&form.csrf) {
        return Ok(Redirect::to("/account").into_response());
    }
    let id = SpId::from_stored(form.sp);
    let sp = app.store.sp_by_id(&id).await?;
    let event = AuditEvent {
        actor: Some(user.name.as_str().to_owned()),
        user: Some(user.name.clone()),
        sp: sp.map(|sp| sp.name),
        ..visit.event(&app, AuditKind::ConsentWithdrawn)
    };
    let withdrawn = app.store.withdraw_consent(&user.id, &id, event).await?;
    let to = if withdrawn {
        "/account?done=consent"
    } else {
        "/account"
    };
    Ok(Redirect::to(to).into_response())
}
