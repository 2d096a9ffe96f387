//! The answer to a request: decide, write down, sign, hand over; or refuse.
//!
//! Every way to an assertion comes through [`decide`].

use axum::response::Response as HttpResponse;

use super::App;
use super::artifact;
use super::consent::{self, Standing};
use super::denied;
use super::door::{self, Door, DoorName};
use super::failure::Failure;
use super::flow::{Flow, Purpose, to_login};
use super::headers;
use super::pages::{Base64, PostFormPage};
use super::protection::warn_about_weak_encryption;
use super::trace::Sent;
use super::visit::Visit;
use crate::access::{self, Denial, Freshness, Grant, Refusal};
use crate::directory::audit::{AuditEvent, AuditKind, Outcome};
use crate::directory::consent::Consent;
use crate::directory::facts::Facts;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::{AcsBinding, Denied, NameIdFormat, ServiceProvider};
use crate::directory::session::SentNameId;
use crate::directory::time::UnixTime;
use crate::directory::user::User;
use crate::saml::authn_request::{AuthnRequest, ReplyTo};
use crate::saml::consent::ConsentClaim;
use crate::saml::response::{Response, ResponseError, SignedResponse};
use crate::saml::status::Status;
use crate::storage::{Recorded, TokenHash};

/// How often a decision is taken again that grew too old, or whose session changed under it.
const TRIES: usize = 3;

/// What a try at an answer came to.
enum Try {
    Released(SignedResponse),
    /// The person may enter, but what the SP asks for cannot be said about them; what is written
    /// down about that.
    Unsayable(Box<AuditEvent>, ResponseError),
    /// The decision cannot be acted on any more; it has to fall again on new facts.
    Again,
}

/// Who asks: the session, and how fresh its sign-in has to be.
pub(super) struct Asking<'a> {
    /// The browser, or the service provider that resolves for it.
    pub(super) visit: &'a Visit,
    /// The session.
    pub(super) session: Option<TokenHash>,
    /// What the request demands of it.
    pub(super) freshness: Freshness,
    /// When the request arrived, where that is known: a consent that is younger was given for it.
    pub(super) began: Option<UnixTime>,
}

/// What was decided on a request.
pub(super) enum Decided<'sp> {
    /// The Response may leave: its audit row is committed.
    Released(SignedResponse),
    /// The person may enter, but what the SP asks for cannot be said about them; what is written
    /// down about that.
    Unsayable(Box<AuditEvent>, ResponseError),
    /// The person may enter, and has to be asked first; what they agreed to before.
    ConsentDue(Box<Grant<'sp>>, Option<Consent>),
    /// Nobody enters.
    Denied(Box<Denial<'sp>>),
}

/// Decides on a request; every way to an assertion comes through here.
pub(super) async fn decide<'sp>(
    app: &App,
    asking: &Asking<'_>,
    facts: Facts,
    request: &AuthnRequest<'sp>,
) -> Result<Decided<'sp>, Failure> {
    let mut facts = Some(facts);
    for _ in 0..TRIES {
        let facts = match facts.take() {
            Some(facts) => facts,
            None => Box::pin(again(app, asking, request.sp())).await?,
        };
        let sign_on = request.sign_on(asking.freshness.clone())?;
        match access::authorize(sign_on, facts, app.site.limits, app.now()) {
            Ok(grant) => {
                let claim = match consent::standing(app, request, &grant, asking.began).await? {
                    Standing::NotAsked => None,
                    Standing::Given(claim) => Some(claim),
                    Standing::Due(before) => {
                        return Ok(Decided::ConsentDue(Box::new(grant), before));
                    }
                };
                match release(app, asking.visit, request, grant, claim).await? {
                    Try::Released(response) => return Ok(Decided::Released(response)),
                    Try::Unsayable(event, error) => return Ok(Decided::Unsayable(event, error)),
                    Try::Again => {}
                }
            }
            Err(denial) => return Ok(Decided::Denied(denial)),
        }
    }
    Err(Failure::of(ReasonCode::Overloaded)
        .because("no decision stayed current")
        .retry_after(1))
}

/// Decides on a request and answers it by the browser. `flow` is there where it came back from the
/// sign-in page.
pub(super) async fn answer(
    app: &App,
    visit: &Visit,
    door: Door,
    request: &AuthnRequest<'_>,
    flow: Option<Flow>,
) -> Result<HttpResponse, Failure> {
    let asking = Asking {
        visit,
        session: visit.token_hash(),
        freshness: freshness(request, flow.as_ref()),
        began: Some(flow.as_ref().map_or_else(|| app.now(), Flow::began)),
    };
    if request.acs().binding == AcsBinding::HttpArtifact {
        return Box::pin(artifact::answer(app, &asking, request, door.facts, flow)).await;
    }
    // What is rare has a future that is larger than that of a whole sign-on: it is made when needed.
    match decide(app, &asking, door.facts, request).await? {
        Decided::Released(response) => Ok(post(request.sp(), response)),
        Decided::Unsayable(event, error) => {
            let status = Box::pin(unsayable(app, visit, request, *event, &error)).await?;
            Box::pin(send_status(app, request.reply_to(), status)).await
        }
        Decided::ConsentDue(grant, before) => {
            Box::pin(consent::ask(app, visit, request, flow, *grant, before)).await
        }
        Decided::Denied(denial) => Box::pin(refuse(app, visit, request, flow, *denial)).await,
    }
}

/// New facts; on another registration the request has to be checked anew by whoever asks again.
async fn again(app: &App, asking: &Asking<'_>, sp: &ServiceProvider) -> Result<Facts, Failure> {
    let door = door::fetch(app, DoorName::Id(&sp.id), asking.session.as_ref()).await?;
    Ok(door.facts)
}

fn freshness(request: &AuthnRequest<'_>, flow: Option<&Flow>) -> Freshness {
    match flow {
        Some(flow) => flow.freshness(),
        None if request.asked().force_authn => Freshness::SignInAgain,
        None => Freshness::AnySession,
    }
}

/// Turns a grant into a Response that leaves only after its audit row is committed (decision 14).
async fn release(
    app: &App,
    visit: &Visit,
    request: &AuthnRequest<'_>,
    grant: Grant<'_>,
    consent: Option<ConsentClaim>,
) -> Result<Try, Failure> {
    let asked = request.asked();
    let announced = app.store.announce()?;
    let (stamp, index) = app.stamp_with_index()?;
    let released = grant.release(|| index.as_str().to_owned());
    let mut released =
        released.ok_or_else(|| Failure::internal("a dry run cannot make an assertion"))?;
    let mut event = event(app, visit, request.sp(), grant.user());
    let (user, decided_at) = (grant.user().name.clone(), grant.decided_at());
    let response = match Response::success(grant, asked, &released, &app.issuer, &stamp) {
        Ok(response) => {
            let key = app.signing_key_for(request.sp())?;
            let response = response.with_consent(consent);
            response.sign(&key).map_err(Failure::internal)?
        }
        Err(ResponseError::NotCurrent) => return Ok(Try::Again),
        Err(error) => {
            drop(announced);
            return Ok(Try::Unsayable(Box::new(event), error));
        }
    };
    let (idp, sp_id) = (&app.site.entity_id, request.sp().entity_id.as_str());
    released.name_id = response
        .name_id()
        .map(|name_id| (name_id.clone(), name_id.comparable(idp, sp_id)));
    event.detail = Some(stamp.assertion_id.as_str().to_owned());
    let sp = request.sp();
    match announced
        .release(released, &sp.id, is_persistent(response.name_id()), event)
        .await?
    {
        Recorded::SessionGone | Recorded::FlowUsedUp | Recorded::VisitedMeanwhile => {
            return Ok(Try::Again);
        }
        Recorded::Done => {}
    }
    if app.now().since(decided_at) > access::GRANT_LIFETIME {
        return Ok(Try::Again);
    }
    let (trace, name) = (&visit.trace, sp.name.as_str());
    tracing::info!(%trace, sp = name, user = user.as_str(), "assertion issued");
    warn_about_weak_encryption(trace, sp);
    Ok(Try::Released(response))
}

/// Whether the person is known to the SP by a persistent id from now on (AllowCreate).
fn is_persistent(sent: Option<&SentNameId>) -> bool {
    sent.is_some_and(|name_id| name_id.format == NameIdFormat::Persistent.uri())
}

/// What is written down about this person at this SP.
pub(super) fn event(app: &App, visit: &Visit, sp: &ServiceProvider, user: &User) -> AuditEvent {
    AuditEvent {
        user: Some(user.name.clone()),
        actor: Some(user.name.as_str().to_owned()),
        sp: Some(sp.name.clone()),
        ..visit.event(app, AuditKind::Assertion)
    }
}

/// Writes down that what the SP asks for cannot be said about the person; gives what it is told.
pub(super) async fn unsayable(
    app: &App,
    visit: &Visit,
    request: &AuthnRequest<'_>,
    event: AuditEvent,
    error: &ResponseError,
) -> Result<Status, Failure> {
    // A passive request learns nothing about the person (decision 17).
    let told = if request.asked().is_passive {
        Some(Status::NoPassive)
    } else {
        error.status()
    };
    let Some(status) = told.filter(|_| error.status().is_some()) else {
        return Err(Failure::internal(error));
    };
    write_refusal(app, event, error.reason()).await?;
    let (trace, reason, sp) = (
        &visit.trace,
        error.reason().word(),
        request.sp().name.as_str(),
    );
    tracing::warn!(%trace, reason, sp, cause = %error, "status sent");
    visit.note.refused(error.reason(), error);
    Ok(status)
}

/// Writes down that nobody enters, where no person sees a page of ours; gives what the SP is told.
pub(super) async fn denied(
    app: &App,
    visit: &Visit,
    request: &AuthnRequest<'_>,
    denial: &Denial<'_>,
) -> Result<Status, Failure> {
    let (refusal, sp) = (denial.refusal, request.sp());
    let (trace, reason, name) = (&visit.trace, refusal.reason().word(), sp.name.as_str());
    match refusal {
        Refusal::RegistrationChanged => {
            return Err(Failure::of(ReasonCode::Overloaded)
                .because(refusal)
                .retry_after(1));
        }
        Refusal::SpDisabled => return Err(Failure::of(ReasonCode::SpDisabled)),
        _ => {}
    }
    let user = denial.user.as_ref();
    tracing::warn!(%trace, reason, sp = name, user = user.map(|user| user.name.as_str()), "refused");
    visit.note.refused(refusal.reason(), &refusal);
    if let Some(user) = user {
        write_refusal(app, event(app, visit, sp, user), refusal.reason()).await?;
    }
    Ok(if request.asked().is_passive {
        Status::NoPassive
    } else if refusal.is_cured_by_signing_in() {
        Status::AuthnFailed
    } else {
        Status::RequestDenied
    })
}

/// Nobody enters: to the sign-in page where that can help, else to the page or status that the
/// registration asks for.
pub(super) async fn refuse(
    app: &App,
    visit: &Visit,
    request: &AuthnRequest<'_>,
    flow: Option<Flow>,
    denial: Denial<'_>,
) -> Result<HttpResponse, Failure> {
    let (refusal, sp) = (denial.refusal, request.sp());
    let (trace, reason, name) = (&visit.trace, refusal.reason().word(), sp.name.as_str());
    if refusal == Refusal::RegistrationChanged {
        return Err(Failure::of(ReasonCode::Overloaded)
            .because(refusal)
            .at(sp)
            .retry_after(1));
    }
    if refusal.shuts_the_door() {
        return Err(Failure::of(refusal.reason()).at(sp));
    }
    if request.asked().is_passive {
        tracing::info!(%trace, reason, sp = name, "NoPassive sent");
        visit.note.refused(refusal.reason(), &refusal);
        if let Some(user) = denial.user.filter(|_| !refusal.is_cured_by_signing_in()) {
            write_refusal(app, event(app, visit, sp, &user), refusal.reason()).await?;
        }
        return send_status(app, request.reply_to(), Status::NoPassive).await;
    }
    let flow = match flow {
        Some(flow) => flow,
        None => Flow::into_app(&sp.id, request.asked().clone(), app.now())?,
    };
    if refusal.is_cured_by_signing_in() {
        return to_login(app, &flow);
    }
    if refusal == Refusal::PasswordChangeDue {
        let token = app.sealer.seal(&flow, Purpose::Form, app.now())?;
        return Ok(super::flow::hand_on(app, "/account/password", token));
    }
    let Some(user) = denial.user else {
        return Err(Failure::of(refusal.reason()).because(refusal).at(sp));
    };
    tracing::warn!(%trace, reason, sp = name, user = user.name.as_str(), "refused");
    visit.note.registered(sp);
    visit.note.refused(refusal.reason(), &refusal);
    write_refusal(app, event(app, visit, sp, &user), refusal.reason()).await?;
    match sp.policy.denied {
        Denied::Status => send_status(app, request.reply_to(), Status::RequestDenied).await,
        Denied::Page => denied::page(app, visit, sp, &user, refusal, flow).await,
    }
}

/// Writes down that somebody was refused, and why.
pub(super) async fn write_refusal(
    app: &App,
    event: AuditEvent,
    reason: ReasonCode,
) -> Result<(), Failure> {
    let event = AuditEvent {
        outcome: Outcome::Refused,
        reason: Some(reason),
        ..event
    };
    Ok(app.store.record(event).await?)
}

/// A status at a registered endpoint. By artifact only where the SP has no other endpoint for a
/// browser: an artifact is a row in the database, and a status may be for anybody (decision 9).
pub(super) async fn send_status(
    app: &App,
    reply: ReplyTo<'_>,
    status: Status,
) -> Result<HttpResponse, Failure> {
    let reply = reply.by_post();
    if reply.acs.binding == AcsBinding::HttpArtifact {
        return artifact::hand_out_status(app, reply, status).await;
    }
    let sp = reply.sp;
    Ok(post(sp, status_response(app, reply, status)?))
}

/// A Response that carries a status, signed.
pub(super) fn status_response(
    app: &App,
    reply: ReplyTo<'_>,
    status: Status,
) -> Result<SignedResponse, Failure> {
    let sp = reply.sp;
    let response = Response::failure(reply, status, &app.issuer, &app.stamp()?);
    let key = app.signing_key_for(sp)?;
    response.sign(&key).map_err(Failure::internal)
}

/// The page that posts a Response to its endpoint (Bindings 3.5.4).
fn post(sp: &ServiceProvider, response: SignedResponse) -> HttpResponse {
    let mut page = headers::post_page(&PostFormPage {
        app_name: sp.title(),
        acs: response.destination(),
        saml_response: Base64::of(response.xml()),
        relay_state: response.relay_state(),
    });
    let relay_state = response.relay_state().map(str::len);
    let sent = Sent::to(sp, response.into_xml(), relay_state);
    page.extensions_mut().insert(sent);
    page
}
