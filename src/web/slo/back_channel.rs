//! LogoutRequests from server to server: SOAP over HTTP (Bindings 3.2.3), bounded in time. Only a
//! registered endpoint is called, no redirect is followed, and TLS is verified by the system's roots.
//! An endpoint that no administrator has seen, but a source of metadata or an address that is read again
//! brought, is called only where these themselves might be (decision 53).

use std::time::Duration;

use super::super::App;
use super::super::app::Registered;
use super::super::failure::Failure;
use super::super::visit::Visit;
use super::{chain, note, reply};
use crate::directory::logout::{Leg, LegState, Logout};
use crate::directory::name::MessageId;
use crate::directory::service_provider::{ServiceProvider, is_loopback};
use crate::saml::logout::{LogoutResponse, UnverifiedLogoutResponse};
use crate::saml::soap::{self, Envelope};
use crate::sources::{FetchError, FetchPolicy, Post, Queries};
use crate::storage::StoreError;

/// How long one SP may take: less than a proxy waits for our own answer, which waits for this one.
const PATIENCE: Duration = Duration::from_secs(3);

/// The largest answer that is read.
const LARGEST: u64 = 256 * 1024;

/// What one app said, or that it was not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its short name.
    pub(crate) sp: String,
    /// What came of it.
    pub(crate) state: LegState,
}

/// Tells whom a logout without a browser can tell: after an administrator's change. Those that an
/// SP with sessions that live on confirms are forgotten as its participants.
pub(crate) async fn tell(app: &App, logout: Logout, lives_on: bool) -> Result<Vec<Told>, String> {
    let logout = chain::tell_directly(app, None, logout).await;
    let logout = logout.map_err(|failure| failure.to_string())?;
    let mut told = Vec::new();
    for leg in &logout.legs {
        if lives_on && leg.state == LegState::Confirmed {
            let forgotten = app.store.forget_participant(leg).await;
            forgotten.map_err(|error| error.to_string())?;
        }
        let sp = app.store.sp_by_id(&leg.sp).await;
        if let Some(sp) = sp.map_err(|error| error.to_string())? {
            told.push(Told {
                sp: sp.name.as_str().to_owned(),
                state: leg.state,
            });
        }
    }
    Ok(told)
}

/// Tells one SP, once, and writes down what it says.
pub(super) async fn tell_one(
    app: &App,
    visit: Option<&Visit>,
    logout: &Logout,
    leg: &Leg,
    registered: &Registered,
) -> Result<LegState, Failure> {
    let id = reply::fresh_id()?;
    let claimed = if leg.state == LegState::Asked {
        app.store
            .claim_leg_again(&logout.id, leg.position, &id)
            .await?
    } else {
        app.store.claim_leg(&logout.id, leg.position, &id).await?
    };
    if !claimed {
        return Ok(LegState::Asked);
    }
    let (state, said) = match ask(app, logout, leg, registered, &id).await {
        Ok(response) if response.confirms() => (LegState::Confirmed, response.status()),
        Ok(response) => (LegState::Failed, response.status()),
        Err(why) => (LegState::Failed, why),
    };
    let sp = &registered.sp;
    app.store.settle_leg(&id, &sp.id, state).await?;
    note(app, visit, sp, state == LegState::Confirmed, &said).await?;
    Ok(state)
}

async fn ask(
    app: &App,
    logout: &Logout,
    leg: &Leg,
    registered: &Registered,
    id: &MessageId,
) -> Result<LogoutResponse, String> {
    let sp = &registered.sp;
    let (Some(endpoint), Some(name_id)) = (sp.slo.back_channel(), &leg.name_id) else {
        return Err("there is no SOAP endpoint".to_owned());
    };
    let location = endpoint.location.clone();
    let told = |failure: Failure| failure.to_string();
    app.signing_keys().await.map_err(told)?;
    let key = app.signing_key_for(sp).map_err(told)?;
    let request = reply::request(app, sp, logout, (leg, name_id), id, &location).map_err(told)?;
    let request = request.enveloped(&key).map_err(|e| e.to_string())?;
    let envelope = soap::write(&[], &request).map_err(|e| e.to_string())?;
    let trusted =
        url::Url::parse(&location).is_ok_and(|url| url.scheme() == "https" || is_loopback(&url));
    let answer = send(app, sp, &location, envelope).await?;
    let envelope = Envelope::read(&answer, &[]).map_err(|error| error.to_string())?;
    let response = UnverifiedLogoutResponse::parse_envelope(envelope)
        .and_then(|unverified| unverified.verify_direct(sp, &registered.keys, trusted))
        .map_err(|error| error.to_string())?;
    if response.in_response_to() == id {
        Ok(response)
    } else {
        Err("the answer is to another request".to_owned())
    }
}

/// One POST to where this SP may be reached.
async fn send(
    app: &App,
    sp: &ServiceProvider,
    location: &str,
    envelope: String,
) -> Result<Vec<u8>, String> {
    let queries = app.site.queries.as_ref();
    let usual = queries.map(Queries::policy).cloned().unwrap_or_default();
    match post(usual, location, envelope.clone()).await {
        Err(FetchError::NotPublic(_) | FetchError::Scheme(_)) if is_typed(app, sp).await? => {
            post(FetchPolicy::anywhere(), location, envelope).await
        }
        sent => sent,
    }
    .map_err(|error| error.to_string())
}

/// Whether an administrator has registered it, and knows where it is: what is read again by itself may
/// say something else by now.
async fn is_typed(app: &App, sp: &ServiceProvider) -> Result<bool, String> {
    let told = |error: StoreError| error.to_string();
    let origin = app.store.origin(&sp.id).await.map_err(told)?;
    let followed = app.store.followed_sp(&sp.id).await.map_err(told)?;
    Ok(origin.is_none() && followed.is_none())
}

/// `SOAPAction` as the OASIS requires nobody to look at it (Bindings 3.2.3.1).
async fn post(
    policy: FetchPolicy,
    location: &str,
    envelope: String,
) -> Result<Vec<u8>, FetchError> {
    const HEADERS: [(&str, &str); 2] = [
        ("Content-Type", "text/xml; charset=utf-8"),
        (
            "SOAPAction",
            "\"http://www.oasis-open.org/committees/security\"",
        ),
    ];
    let location = location.to_owned();
    let sent = tokio::task::spawn_blocking(move || {
        policy.post(&Post {
            url: &location,
            headers: &HEADERS,
            body: &envelope,
            largest: LARGEST,
            patience: PATIENCE,
        })
    });
    sent.await
        .map_err(|error| FetchError::Connection(error.to_string()))?
}
