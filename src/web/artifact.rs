//! HTTP-Artifact: the browser gets a reference, and the service provider fetches the Response from
//! us (Bindings 3.6).
//!
//! An artifact stands for the request and the session that was there, never for an answer: the
//! decision falls when it is resolved, on what the database says then (decision 1).

use std::net::IpAddr;
use std::time::Duration;

use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::App;
use super::answer::{self, Asking, Decided, status_response};
use super::consent::{self, Standing};
use super::door::{self, Door, DoorName};
use super::failure::Failure;
use super::flow::{Flow, LOCATION_LIMIT};
use super::headers::post_page;
use super::pages::ArtifactFormPage;
use super::soap::{self, Refused};
use super::trace::Sent;
use super::visit::Visit;
use crate::access::{self, Freshness, Grant};
use crate::clock::random;
use crate::directory::facts::Facts;
use crate::directory::name::{MessageId, SessionId};
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::{AcsBinding, Pick, ServiceProvider};
use crate::saml::artifact::{Artifact, ArtifactResolve, ResolveRefused, Resolver};
use crate::saml::authn_request::{Asked, AuthnRequest, ReplyTo, RequestError};
use crate::saml::response::SignedResponse;
use crate::saml::soap::Envelope;
use crate::saml::status::Status;
use crate::saml::status_response::{Answer, StatusResponse};
use crate::storage::{NewArtifact, TokenHash, UsedArtifact};

/// How long an artifact may wait: as long as a service provider needs to turn round and ask.
const LIFETIME: Duration = Duration::from_mins(1);

/// What an artifact stands for.
#[derive(Serialize, Deserialize)]
enum Pending {
    /// A request, to be decided on when it is resolved.
    SignOn {
        asked: Box<Asked>,
        /// The flow that the sign-in was made for, where a fresh one is demanded.
        fresh_for: Option<String>,
        /// Where the person is, for the audit row.
        source: IpAddr,
    },
    /// A status for the endpoint with this address.
    Status {
        location: String,
        in_response_to: Option<String>,
        status: Status,
    },
}

/// The answer at an endpoint for artifacts. The decision that counts falls when the artifact is
/// resolved; this one decides what the person sees, and its grant is dropped.
pub(super) async fn answer(
    app: &App,
    asking: &Asking<'_>,
    request: &AuthnRequest<'_>,
    facts: Facts,
    flow: Option<Flow>,
) -> Result<Response, Failure> {
    let visit = asking.visit;
    let sign_on = request.sign_on(asking.freshness.clone())?;
    match access::authorize(sign_on, facts, app.site.limits, app.now()) {
        Ok(grant) => match consent::standing(app, request, &grant, asking.began).await? {
            Standing::Due(before) => consent::ask(app, visit, request, flow, grant, before).await,
            _ => hand_out(app, asking, request, grant).await,
        },
        Err(denial) => answer::refuse(app, visit, request, flow, *denial).await,
    }
}

/// Hands out an artifact for a request that would be granted now. The grant makes nothing.
async fn hand_out(
    app: &App,
    asking: &Asking<'_>,
    request: &AuthnRequest<'_>,
    grant: Grant<'_>,
) -> Result<Response, Failure> {
    let session = grant.session().map(|session| session.id.clone());
    drop(grant);
    let fresh_for = match &asking.freshness {
        Freshness::AnySession => None,
        Freshness::SignedInFor(flow) => Some(flow.clone()),
        Freshness::SignInAgain => {
            return Err(Failure::internal(
                "a sign-in that is still to be made counts",
            ));
        }
    };
    let pending = Pending::SignOn {
        // RelayState goes by the browser.
        asked: Box::new(Asked {
            relay_state: None,
            ..request.asked().clone()
        }),
        fresh_for,
        source: asking.visit.source,
    };
    let artifact = put(app, request.sp(), session, &pending).await?;
    let (trace, sp) = (&asking.visit.trace, request.sp().name.as_str());
    tracing::info!(%trace, sp, "artifact handed out");
    let relay_state = request.asked().relay_state.as_deref();
    let location = &request.acs().location;
    Ok(hand_over(request.sp(), location, artifact, relay_state))
}

/// Hands out an artifact for a status.
pub(super) async fn hand_out_status(
    app: &App,
    reply: ReplyTo<'_>,
    status: Status,
) -> Result<Response, Failure> {
    let pending = Pending::Status {
        location: reply.acs.location.clone(),
        in_response_to: reply.id.map(|id| id.as_str().to_owned()),
        status,
    };
    let artifact = put(app, reply.sp, None, &pending).await?;
    let relay_state = reply.relay_state.as_deref();
    Ok(hand_over(
        reply.sp,
        &reply.acs.location,
        artifact,
        relay_state,
    ))
}

/// Stores what it stands for under the hash of its handle; gives it as it travels.
async fn put(
    app: &App,
    sp: &ServiceProvider,
    session: Option<SessionId>,
    pending: &Pending,
) -> Result<String, Failure> {
    let artifact = Artifact::new(random().map_err(Failure::internal)?);
    let new = NewArtifact {
        handle: TokenHash::of(&artifact.secret()),
        sp: sp.id.clone(),
        session,
        pending: serde_json::to_string(pending).map_err(Failure::internal)?,
        expires_at: app.now().plus(LIFETIME),
    };
    app.store.put_artifact(&new).await?;
    Ok(artifact.encode(&app.site.entity_id))
}

/// What a value in a query may hold as it is (RFC 3986, 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Sends the browser to the endpoint by a redirect (Bindings 3.6.3.1), or, where the address would
/// be too long for proxies, by a form (3.6.3.2).
fn hand_over(
    sp: &ServiceProvider,
    acs: &str,
    artifact: String,
    relay_state: Option<&str>,
) -> Response {
    let joint = if acs.contains('?') { '&' } else { '?' };
    let encoded = utf8_percent_encode(&artifact, UNRESERVED);
    let mut location = format!("{acs}{joint}SAMLart={encoded}");
    if let Some(relay_state) = relay_state {
        location.push_str("&RelayState=");
        location.extend(utf8_percent_encode(relay_state, UNRESERVED));
    }
    if location.len() <= LOCATION_LIMIT {
        return Redirect::to(&location).into_response();
    }
    post_page(&ArtifactFormPage {
        app_name: sp.title().to_owned(),
        acs: acs.to_owned(),
        artifact,
        relay_state: relay_state.map(str::to_owned),
    })
}

/// An ArtifactResolve in a SOAP body (Core 3.5). Whoever is not the SP that the artifact was handed
/// out to gets the same answer as for none at all.
pub(super) async fn resolve(
    app: &App,
    visit: &Visit,
    envelope: &Envelope,
) -> Result<Response, Refused> {
    let message = envelope.message()?;
    let issuer = ArtifactResolve::claimed_issuer(message).map_err(Failure::from)?;
    visit.note.claimed_by(issuer.as_str());
    let door = door::fetch(app, DoorName::EntityId(&issuer), None).await?;
    let registered = door.registered.clone();
    let sp = &registered.sp;
    visit.note.registered(sp);
    let location = soap::location(app);
    let resolver = Resolver {
        entity_id: &app.site.entity_id,
        location: &location,
        clock_skew: app.site.clock_skew,
        now: app.now(),
    };
    let resolve = match ArtifactResolve::verify(message, sp, &registered.keys, &resolver) {
        Ok(resolve) => resolve,
        Err(ResolveRefused::Unauthenticated(error)) => return Err(Failure::from(error).into()),
        Err(ResolveRefused::Wrong(error, id)) => return wrong(app, visit, sp, &error, id.as_ref()),
    };
    if !sp.enabled {
        return Err(Failure::of(ReasonCode::SpDisabled).into());
    }
    let used = match resolve.artifact() {
        Some(artifact) => {
            let handle = TokenHash::of(&artifact.secret());
            app.store
                .use_up_artifact(&handle, &sp.id, app.now())
                .await
                .map_err(Failure::from)?
        }
        None => None,
    };
    let Some(used) = used else {
        let (trace, reason) = (&visit.trace, ReasonCode::UnknownArtifact.word());
        tracing::warn!(%trace, reason, sp = sp.name.as_str(), "answered without a message");
        let why = "unknown, used, expired, or another's";
        visit.note.refused(ReasonCode::UnknownArtifact, &why);
        return respond(app, sp, Some(resolve.id()), None, None);
    };
    match redeem(app, visit, sp, used).await? {
        Some(response) => respond(app, sp, Some(resolve.id()), None, Some(response.xml())),
        None => respond(app, sp, Some(resolve.id()), None, None),
    }
}

/// The SP's own message breaks a rule: it is told by a status.
fn wrong(
    app: &App,
    visit: &Visit,
    sp: &ServiceProvider,
    error: &RequestError,
    id: Option<&MessageId>,
) -> Result<Response, Refused> {
    let (trace, reason) = (&visit.trace, error.reason().word());
    tracing::warn!(%trace, reason, sp = sp.name.as_str(), cause = %error, "refused, status sent");
    visit.note.refused(error.reason(), error);
    respond(app, sp, id, Some(error.status()), None)
}

/// Makes the Response that an artifact stands for; nothing where the registration has lost the
/// endpoint that it was for.
async fn redeem(
    app: &App,
    visit: &Visit,
    sp: &ServiceProvider,
    used: UsedArtifact,
) -> Result<Option<SignedResponse>, Failure> {
    let pending = serde_json::from_str(&used.pending).map_err(Failure::internal)?;
    match pending {
        Pending::SignOn {
            asked,
            fresh_for,
            source,
        } => {
            let asking = Asking {
                visit: &Visit {
                    source,
                    ..visit.clone()
                },
                session: used.session,
                freshness: fresh_for.map_or(Freshness::AnySession, Freshness::SignedInFor),
                began: None,
            };
            sign_on(app, &asking, sp, *asked).await
        }
        Pending::Status {
            location,
            in_response_to,
            status,
        } => {
            let location = Pick::Location(&location);
            let Some(acs) = sp.acs.pick(&[AcsBinding::HttpArtifact], location) else {
                return Ok(None);
            };
            let id = in_response_to.and_then(|id| MessageId::parse(&id).ok());
            let reply = ReplyTo {
                sp,
                acs,
                id,
                relay_state: None,
            };
            status_response(app, reply, status).map(Some)
        }
    }
}

/// The decision, on fresh facts: what was found when the artifact was handed out counts for
/// nothing.
async fn sign_on(
    app: &App,
    asking: &Asking<'_>,
    sp: &ServiceProvider,
    asked: Asked,
) -> Result<Option<SignedResponse>, Failure> {
    let Door { registered, facts } =
        door::fetch(app, DoorName::Id(&sp.id), asking.session.as_ref()).await?;
    let request = match AuthnRequest::resumed(&registered.sp, asked) {
        Ok(request) if request.acs().binding == AcsBinding::HttpArtifact => request,
        _ => return Ok(None),
    };
    let status = match answer::decide(app, asking, facts, &request).await? {
        Decided::Released(response) => return Ok(Some(response)),
        Decided::Unsayable(event, error) => {
            answer::unsayable(app, asking.visit, &request, *event, &error).await?
        }
        Decided::ConsentDue(grant, _) => {
            consent::missing(app, asking.visit, &request, &grant).await?
        }
        Decided::Denied(denial) => answer::denied(app, asking.visit, &request, &denial).await?,
    };
    status_response(app, request.reply_to(), status).map(Some)
}

/// The ArtifactResponse, signed.
fn respond(
    app: &App,
    sp: &ServiceProvider,
    in_response_to: Option<&MessageId>,
    status: Option<Status>,
    message: Option<&str>,
) -> Result<Response, Refused> {
    let (stamp, key) = (app.stamp()?, app.signing_key_for(sp)?);
    let text = StatusResponse {
        answer: Answer::Artifact,
        id: &stamp.response_id,
        now: stamp.now,
        issuer: &app.site.entity_id,
        in_response_to: in_response_to.map(MessageId::as_str),
        status,
        message,
    }
    .sign(&key)
    .map_err(Failure::internal)?;
    let mut answer = soap::enveloped(&text)?;
    answer.extensions_mut().insert(Sent::to(sp, text, None));
    Ok(answer)
}
