//! `/saml/sso`: AuthnRequests by HTTP-Redirect and HTTP-POST (Profiles 4.1), and sign-on that
//! starts here (Profiles 4.1.5).

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::answer::{answer, send_status};
use super::cookies::Mark;
use super::door::{self, Door, DoorName};
use super::failure::Failure;
use super::flow::{Flow, Purpose, to_next_hop};
use super::headers;
use super::launcher;
use super::pages::IdpInitiatedConfirmPage;
use super::signing::Address;
use super::visit::{FetchSite, Visit};
use super::{App, login};
use crate::directory::reason::ReasonCode;
use crate::saml::authn_request::{AuthnRequest, RequestRefused, UnverifiedAuthnRequest};
use crate::saml::binding::{self, Inbound};
use crate::saml::comparison::Comparison;

/// The most bytes of a posted body.
const BODY_LIMIT: usize = 256 * 1024;

/// How long a browser may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// `GET /saml/sso`: a request by HTTP-Redirect. The browser came along with its cookies, so it is
/// answered at once.
pub(super) async fn redirect(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    let inbound = binding::decode_redirect(&visit.query)?;
    receive(&app, &visit, inbound, Arrival::WithCookies, Address::Own).await
}

/// `POST /saml/sso`: a request by HTTP-POST. From another site no Lax cookie comes along, so it is
/// checked and folded into a token, and decided after a hop to our own origin (decision 10).
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
    receive(
        &app,
        &visit,
        binding::decode_post(&body)?,
        Arrival::MaybeWithout,
        Address::Own,
    )
    .await
}

/// Whether the session cookie can be relied on to be there, if there is a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    WithCookies,
    MaybeWithout,
}

/// A request that a browser brought to an address of ours.
pub(super) async fn receive(
    app: &App,
    visit: &Visit,
    inbound: Inbound,
    arrival: Arrival,
    address: Address,
) -> Result<Response, Failure> {
    if inbound
        .relay_state
        .as_ref()
        .is_some_and(|state| state.len() > 80)
    {
        tracing::info!(trace = %visit.trace, "RelayState over 80 bytes (Bindings 3.4.3)");
    }
    visit
        .note
        .received(&inbound.xml, inbound.relay_state.as_deref());
    let unverified = UnverifiedAuthnRequest::parse(inbound)?;
    let issuer = unverified.claimed_issuer().clone();
    visit.note.claimed_by(issuer.as_str());
    let session = visit.token_hash();
    let door = door::fetch(app, DoorName::EntityId(&issuer), session.as_ref())
        .await
        .inspect_err(|failure| {
            let unknown = failure.reason() == ReasonCode::UnknownIssuer;
            visit.note.compared(unknown.then(Comparison::of_issuer));
        })?;
    let registered = door.registered.clone();
    visit.note.registered(&registered.sp);
    let keys = app.current_keys();
    let receiver = keys.receiver_at(address);
    let verified = unverified.verify(&registered.sp, &registered.keys, receiver, app.now());
    match verified {
        Err(refused) => {
            let sp = &registered.sp;
            let compared = Comparison::of(&refused.error, sp, receiver, app.now());
            visit.note.compared(compared);
            Box::pin(tell(app, visit, *refused)).await
        }
        Ok(_) if !registered.sp.enabled => {
            Err(Failure::of(ReasonCode::SpDisabled).at(&registered.sp))
        }
        Ok(request) if arrival == Arrival::MaybeWithout => {
            let flow = Flow::into_app(&registered.sp.id, request.asked().clone(), app.now())?;
            to_next_hop(app, &flow)
        }
        Ok(request) => answer(app, visit, door, &request, None).await,
    }
}

/// A refused request: a status to the SP where its endpoint can be trusted, else a page of ours and
/// nothing else.
async fn tell(app: &App, visit: &Visit, refused: RequestRefused<'_>) -> Result<Response, Failure> {
    let (trace, reason, error) = (&visit.trace, refused.error.reason().word(), &refused.error);
    match refused.reply {
        Some(reply) if reply.sp.enabled => {
            let sp = reply.sp.name.as_str();
            tracing::warn!(%trace, reason, sp, cause = %error, "refused, status sent");
            visit.note.refused(error.reason(), error);
            send_status(app, reply, error.status()).await
        }
        _ => Err(refused.error.into()),
    }
}

/// A token from the browser.
#[derive(Debug, Deserialize)]
pub(super) struct TokenForm {
    /// In a query.
    #[serde(default)]
    t: String,
    /// In a form.
    #[serde(default)]
    token: String,
}

impl TokenForm {
    pub(super) fn text(&self) -> &str {
        if self.t.is_empty() {
            &self.token
        } else {
            &self.t
        }
    }

    /// Reads a posted form of ours.
    pub(super) async fn read(body: Body) -> Result<Self, Failure> {
        login::read_form(body).await
    }
}

/// `GET /saml/sso/continue`: on our own origin, where the cookies are.
pub(super) async fn resume(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    let form: TokenForm = visit.parameters()?;
    go_on(&app, &visit, form.text()).await
}

/// `POST /saml/sso/continue`: the same, where the token is too long for an address.
pub(super) async fn resume_posted(
    State(app): State<App>,
    visit: Visit,
    body: Body,
) -> Result<Response, Failure> {
    let form = TokenForm::read(body).await?;
    go_on(&app, &visit, form.text()).await
}

async fn go_on(app: &App, visit: &Visit, token: &str) -> Result<Response, Failure> {
    let opened = app.sealer.open(token, Purpose::Hop, app.now());
    let Some((flow, sp)) = opened.and_then(|flow| flow.sp().map(|sp| (flow, sp))) else {
        return Ok(Redirect::to("/").into_response());
    };
    let session = visit.token_hash();
    let door = door::fetch(app, DoorName::Id(&sp), session.as_ref()).await?;
    let registered = door.registered.clone();
    let asked = flow.asked().cloned();
    let Some(asked) = asked.filter(|_| flow.is_prompt(app.now())) else {
        // The hop was taken too late, by a bookmark or the back button: the app asks anew.
        return Ok(Redirect::to(&launcher::start_url(&registered.sp)).into_response());
    };
    let request = AuthnRequest::resumed(&registered.sp, asked)
        .map_err(|error| Failure::from(error).at(&registered.sp))?;
    if request.asked().id.is_none() && !is_meant(visit, &flow) {
        return ask_first(app, visit, &door, &flow);
    }
    answer(app, visit, door, &request, Some(flow)).await
}

/// Whether the person of this browser wants a sign-on that no SP requested: they come from a page
/// of ours, or, where the browser does not say, with the token of the page that asked them. A token
/// that another site has fetched for itself is as good as no answer.
fn is_meant(visit: &Visit, flow: &Flow) -> bool {
    match visit.site {
        FetchSite::Own => true,
        FetchSite::Unknown => flow.is_bound_to(visit.browser.as_deref()),
        FetchSite::Other => false,
    }
}

/// The page that asks before a sign-on that perhaps another site has started.
fn ask_first(app: &App, visit: &Visit, door: &Door, flow: &Flow) -> Result<Response, Failure> {
    let sp = &door.registered.sp;
    let mark = Mark::of(visit)?;
    let flow = flow.clone().bound_to(&mark.text);
    let page = headers::page(&IdpInitiatedConfirmPage {
        app_name: sp.title().to_owned(),
        app_host: sp.host(),
        user_name: door.facts.user().map(|user| user.name.as_str().to_owned()),
        came_from: None,
        action: "/saml/sso/continue".to_owned(),
        token: app.sealer.seal(&flow, Purpose::Hop, app.now())?,
    });
    Ok(mark.put_on(page, &app.site))
}

/// The query of `/saml/idp-initiated`.
#[derive(Debug, Deserialize)]
pub(super) struct Unsolicited {
    #[serde(default, alias = "spEntityID")]
    sp: String,
}

/// `GET /saml/idp-initiated`: sign-on that nobody requested, where the registration allows it. What
/// another site started asks the person first (decision 17).
pub(super) async fn idp_initiated(
    State(app): State<App>,
    visit: Visit,
) -> Result<Response, Failure> {
    let query: Unsolicited = visit.parameters()?;
    let relay_state = binding::relay_state(&visit.query)?;
    let found = app.store.sp_by_name(&query.sp).await?;
    let sp = found.ok_or_else(|| Failure::of(ReasonCode::UnknownIssuer))?;
    let session = visit.token_hash();
    let door = door::fetch(&app, DoorName::Id(&sp.id), session.as_ref()).await?;
    let registered = door.registered.clone();
    let sp = &registered.sp;
    let request = AuthnRequest::unsolicited(sp, relay_state, &app.receiver)
        .map_err(|error| Failure::from(error).at(sp))?;
    if visit.site == FetchSite::Own {
        return answer(&app, &visit, door, &request, None).await;
    }
    let flow = Flow::into_app(&sp.id, request.asked().clone(), app.now())?;
    ask_first(&app, &visit, &door, &flow)
}

/// A posted body as text, up to the limit.
pub(super) async fn form_text(body: Body) -> Result<String, Failure> {
    let read = tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, BODY_LIMIT)).await;
    let bytes = read
        .map_err(|_| Failure::of(ReasonCode::BadForm).because("the body came too slowly"))?
        .map_err(|error| Failure::of(ReasonCode::TooLarge).because(error))?;
    String::from_utf8(bytes.into()).map_err(|_| Failure::of(ReasonCode::BadEncoding))
}
