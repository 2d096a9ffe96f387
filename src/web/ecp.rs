//! `POST /saml/ecp`: sign-on for enhanced clients, which bring the request and the person's
//! credentials and take the Response on to the service provider (Profiles 4.2, ECP 2.0).
//!
//! There is no page here and no cookie. The password is tried before anything is said about the
//! service provider, and whoever may not enter gets a SAML status and nothing else.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::App;
use super::answer::{self, Asking, Decided, status_response};
use super::consent;
use super::cookies::fresh_secret;
use super::door::{self, Door, DoorName};
use super::failure::Failure;
use super::login::{Trial, seconds, try_password};
use super::signing::Address;
use super::soap::{self, Refused, text_xml};
use super::trace::Sent;
use super::visit::{FetchSite, Visit};
use crate::access::Freshness;
use crate::clock::random;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::{AcsEndpoint, ServiceProvider};
use crate::saml::authn_request::channel::{CHANNEL_BINDINGS, SESSION_KEY};
use crate::saml::authn_request::{
    Asked, AuthnRequest, ChannelBinding, RequestRefused, UnverifiedAuthnRequest,
};
use crate::saml::comparison::Comparison;
use crate::saml::response::SignedResponse;
use crate::saml::soap::{FaultCode, HeaderBlock};
use crate::saml::uri;
use crate::storage::{Credential, Ending, NewLogout, NewSession, StoreError, TokenHash};

/// The header blocks that we understand. Those between the SP and the client are not for us, and
/// the client takes them out (Profiles 4.2.3.3).
const UNDERSTOOD: &[(&str, &str)] = &[CHANNEL_BINDINGS, SESSION_KEY];

/// Who somebody says they are (RFC 7617).
struct Basic {
    name: String,
    password: String,
}

/// `POST /saml/ecp`.
pub(super) async fn post(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answered = receive(&app, &visit, &headers, body).await;
    answered.unwrap_or_else(|refused| soap::fault(&visit, refused))
}

async fn receive(
    app: &App,
    visit: &Visit,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let Some(basic) = credentials(headers) else {
        return unauthorized(visit);
    };
    if visit.site == FetchSite::Other {
        // A browser that remembers the credentials sends them along for every site that asks.
        return Err(Failure::of(ReasonCode::BadForm)
            .because("another site's page asks for a sign-on")
            .into());
    }
    let envelope = soap::read(visit, headers, body, UNDERSTOOD).await?;
    let unverified = UnverifiedAuthnRequest::enveloped(envelope).map_err(Failure::from)?;
    match try_password(app, visit, &basic.name, &basic.password).await? {
        Trial::Right(credential, rehash) => {
            answer(app, visit, unverified, credential, rehash).await
        }
        Trial::Wrong => unauthorized(visit),
        Trial::Wait(wait) => Err(later(ReasonCode::Throttled, seconds(wait))),
        Trial::Busy(wait) => Err(later(ReasonCode::HashingBusy, seconds(wait))),
    }
}

fn later(reason: ReasonCode, seconds: u64) -> Refused {
    Failure::of(reason).retry_after(seconds).into()
}

/// Name and password of an `Authorization` header.
fn credentials(headers: &HeaderMap) -> Option<Basic> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some(Basic {
        name: name.to_owned(),
        password: password.to_owned(),
    })
}

/// Asks for credentials; says nothing else, whatever was sent along.
fn unauthorized(visit: &Visit) -> Result<Response, Refused> {
    let text = crate::saml::soap::fault(FaultCode::Client, visit.trace.as_str());
    let text = text.map_err(Failure::internal)?;
    let mut response = text_xml(StatusCode::UNAUTHORIZED, text);
    let challenge = HeaderValue::from_static("Basic realm=\"Doorward\", charset=\"UTF-8\"");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    Ok(response)
}

/// Whoever asks is who they say: the request is held against its sender's registration, and then
/// decided on.
async fn answer(
    app: &App,
    visit: &Visit,
    unverified: UnverifiedAuthnRequest,
    credential: Credential,
    rehash: Option<String>,
) -> Result<Response, Refused> {
    let issuer = unverified.claimed_issuer().clone();
    visit.note.claimed_by(issuer.as_str());
    let door = door::fetch(app, DoorName::EntityId(&issuer), None).await?;
    let registered = door.registered.clone();
    let sp = &registered.sp;
    visit.note.registered(sp);
    if !sp.enabled {
        return Err(Failure::of(ReasonCode::SpDisabled).into());
    }
    let session_key = if unverified.wants_session_key() {
        Some(STANDARD.encode(random::<32>().map_err(Failure::internal)?))
    } else {
        None
    };
    let keys = app.current_keys();
    let receiver = keys.receiver_at(Address::Own);
    let verified = unverified.verify(sp, &registered.keys, receiver, app.now());
    let request = match verified {
        Ok(request) => request.with_session_key(session_key),
        Err(refused) => {
            let compared = Comparison::of(&refused.error, sp, receiver, app.now());
            visit.note.compared(compared);
            return tell(app, visit, *refused);
        }
    };
    let fresh_for = TokenHash::of(&fresh_secret().map_err(Failure::internal)?);
    let freshness = Freshness::SignedInFor(fresh_for.as_str().to_owned());
    let Some(session) = sign_in(app, visit, credential, rehash, &fresh_for).await? else {
        return unauthorized(visit);
    };
    let asking = Asking {
        visit,
        session: Some(session),
        freshness,
        began: Some(app.now()),
    };
    let answered = decide(app, &asking, &request).await;
    if !matches!(answered, Ok((_, true))) {
        // Nothing was released: the session was for this and is of no use to anybody.
        sign_out(app, &asking).await?;
    }
    let (response, _) = answered?;
    respond(request.sp(), request.acs(), request.asked(), &response)
}

/// A session that no browser holds (decision 32): it gives the SP a SessionIndex, is listed, and
/// ends like any other. `None`: disabled, or another password, since the trial.
async fn sign_in(
    app: &App,
    visit: &Visit,
    credential: Credential,
    rehash: Option<String>,
    fresh_for: &TokenHash,
) -> Result<Option<TokenHash>, Failure> {
    let token = TokenHash::of(&fresh_secret().map_err(Failure::internal)?);
    let new = NewSession {
        logout: NewLogout::default(),
        user: credential.user,
        token: token.clone(),
        replaces: None,
        fresh_for: Some(fresh_for.as_str().to_owned()),
        source: Some(visit.source.to_string()),
        user_agent: visit.user_agent.clone(),
        checked_hash: credential.password_hash.unwrap_or_default(),
        rehash,
        account_key: credential.name.key(),
    };
    let event = AuditEvent {
        actor: Some(credential.name.as_str().to_owned()),
        user: Some(credential.name.clone()),
        detail: Some("enhanced client".to_owned()),
        ..visit.event(app, AuditKind::SignIn)
    };
    match app.store.sign_in(new, event).await {
        Ok(_) => Ok(Some(token)),
        Err(StoreError::SignInRefused) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

async fn sign_out(app: &App, asking: &Asking<'_>) -> Result<(), Failure> {
    if let Some(token) = &asking.session {
        let event = asking.visit.event(app, AuditKind::SignOut);
        // No SP has heard of it: there is nobody to tell.
        let ending = Ending::Token(token);
        app.store
            .log_out(ending, &NewLogout::default(), event)
            .await?;
    }
    Ok(())
}

/// The decision, as everywhere; and whether an assertion was released.
async fn decide(
    app: &App,
    asking: &Asking<'_>,
    request: &AuthnRequest<'_>,
) -> Result<(SignedResponse, bool), Failure> {
    let sp = request.sp();
    let Door { facts, .. } =
        door::fetch(app, DoorName::Id(&sp.id), asking.session.as_ref()).await?;
    let status = match answer::decide(app, asking, facts, request).await? {
        Decided::Released(response) => return Ok((response, true)),
        Decided::Unsayable(event, error) => {
            answer::unsayable(app, asking.visit, request, *event, &error).await?
        }
        // There is no page here that could ask.
        Decided::ConsentDue(grant, _) => {
            consent::missing(app, asking.visit, request, &grant).await?
        }
        Decided::Denied(denial) => answer::denied(app, asking.visit, request, &denial).await?,
    };
    Ok((status_response(app, request.reply_to(), status)?, false))
}

/// A refused request: a status where the SP's endpoint can be trusted, else a fault that says the
/// same about everybody.
fn tell(app: &App, visit: &Visit, refused: RequestRefused<'_>) -> Result<Response, Refused> {
    let (trace, reason, error) = (&visit.trace, refused.error.reason().word(), &refused.error);
    let Some(reply) = refused.reply else {
        return Err(Failure::from(refused.error).into());
    };
    let (sp, acs) = (reply.sp, reply.acs);
    tracing::warn!(%trace, reason, sp = sp.name.as_str(), cause = %error, "refused, status sent");
    visit.note.refused(error.reason(), error);
    let response = status_response(app, reply, error.status())?;
    envelope(sp, acs, &response, &[])
}

/// The Response with what the client has to know beside it.
fn respond(
    sp: &ServiceProvider,
    acs: &AcsEndpoint,
    asked: &Asked,
    response: &SignedResponse,
) -> Result<Response, Refused> {
    let mut blocks = Vec::new();
    if asked.signed {
        blocks.push(HeaderBlock {
            namespace: uri::ECP,
            local: "RequestAuthenticated",
            must_understand: false,
            attributes: &[],
            text: "",
        });
    }
    let kind = asked
        .channel
        .as_ref()
        .map(|channel| [("Type", channel.kind.as_str())]);
    if let (Some(ChannelBinding { value, .. }), Some(kind)) = (&asked.channel, &kind) {
        blocks.push(HeaderBlock {
            namespace: uri::CB,
            local: CHANNEL_BINDINGS.1,
            must_understand: true,
            attributes: kind,
            text: value,
        });
    }
    if let Some(key) = response.session_key() {
        blocks.push(HeaderBlock {
            namespace: uri::SAMLEC,
            local: "GeneratedKey",
            must_understand: false,
            attributes: &[],
            text: key,
        });
    }
    envelope(sp, acs, response, &blocks)
}

/// The envelope, whose first header block tells the client where the Response may go: a registered
/// address, never one from the request alone (ECP 2.0, 2.3.10).
fn envelope(
    sp: &ServiceProvider,
    acs: &AcsEndpoint,
    response: &SignedResponse,
    more: &[HeaderBlock<'_>],
) -> Result<Response, Refused> {
    let location = [("AssertionConsumerServiceURL", acs.location.as_str())];
    let to = HeaderBlock {
        namespace: uri::ECP,
        local: "Response",
        must_understand: true,
        attributes: &location,
        text: "",
    };
    let blocks: Vec<HeaderBlock<'_>> = std::iter::once(to).chain(more.iter().copied()).collect();
    let text = crate::saml::soap::write(&blocks, response.xml()).map_err(Failure::internal)?;
    let mut answer = text_xml(StatusCode::OK, text);
    let sent = Sent::to(sp, response.xml(), None);
    answer.extensions_mut().insert(sent);
    Ok(answer.into_response())
}
