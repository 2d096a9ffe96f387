//! Logout messages that leave with the browser: by a 303, or by a page that posts them (Bindings 3.4,
//! 3.5).

use axum::response::{IntoResponse, Redirect, Response};

use super::super::App;
use super::super::failure::Failure;
use super::super::headers;
use super::super::pages::{Base64, PostMessagePage};
use super::super::trace::Sent;
use crate::clock::random;
use crate::directory::logout::{Leg, Logout};
use crate::directory::name::MessageId;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::session::SentNameId;
use crate::directory::slo_endpoint::{SloBinding, SloEndpoint};
use crate::saml::encryption;
use crate::saml::logout::{LogoutStatus, NewLogoutRequest, NewLogoutResponse, Reason, Unsigned};

/// What an SP that asked is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) in_response_to: Option<&'a MessageId>,
    pub(super) relay_state: Option<&'a str>,
    pub(super) status: LogoutStatus,
}

/// A fresh ID for a message.
pub(super) fn fresh_id() -> Result<MessageId, Failure> {
    Ok(MessageId::from_random(random().map_err(Failure::internal)?))
}

/// A LogoutResponse at a registered endpoint.
pub(super) async fn answer(
    app: &App,
    sp: &ServiceProvider,
    endpoint: &SloEndpoint,
    answer: &Answer<'_>,
) -> Result<Response, Failure> {
    let location = endpoint.for_responses();
    let message = response(app, answer, Some(location))?;
    send(
        app,
        sp,
        (endpoint.binding, location),
        answer.relay_state,
        &message,
    )
    .await
}

/// A LogoutResponse, written and not signed.
pub(super) fn response(
    app: &App,
    answer: &Answer<'_>,
    destination: Option<&str>,
) -> Result<Unsigned, Failure> {
    NewLogoutResponse {
        id: &fresh_id()?,
        now: app.now(),
        issuer: &app.site.entity_id,
        destination,
        in_response_to: answer.in_response_to.map(MessageId::as_str),
        status: answer.status,
    }
    .write()
    .map_err(Failure::internal)
}

/// A LogoutRequest, written and not signed. A NameID that has to be encrypted and cannot be does not
/// leave.
pub(super) fn request(
    app: &App,
    sp: &ServiceProvider,
    logout: &Logout,
    (leg, name_id): (&Leg, &SentNameId),
    id: &MessageId,
    destination: &str,
) -> Result<Unsigned, Failure> {
    let recipient = encryption::logout_recipient(sp, name_id, &app.site.denied_algorithms);
    let recipient = recipient.map_err(|error| {
        Failure::of(ReasonCode::EncryptionImpossible)
            .because(error)
            .at(sp)
    })?;
    let reason = if logout.by_admin {
        Reason::Admin
    } else {
        Reason::User
    };
    NewLogoutRequest {
        id,
        now: app.now(),
        issuer: &app.site.entity_id,
        destination,
        name_id,
        recipient: recipient.as_ref(),
        session_indexes: &leg.session_indexes,
        reason,
    }
    .write()
    .map_err(Failure::internal)
}

/// Hands a message to the browser.
pub(super) async fn send(
    app: &App,
    sp: &ServiceProvider,
    (binding, location): (SloBinding, &str),
    relay_state: Option<&str>,
    message: &Unsigned,
) -> Result<Response, Failure> {
    app.signing_keys().await?;
    let key = app.signing_key_for(sp)?;
    let to_be_returned = relay_state.map(str::len);
    if binding == SloBinding::HttpRedirect {
        let address = message
            .redirect(location, relay_state, &key)
            .map_err(Failure::internal)?;
        let mut response = Redirect::to(&address).into_response();
        let sent = Sent::to(sp, message.xml(), to_be_returned);
        response.extensions_mut().insert(sent);
        return Ok(response);
    }
    let xml = message.enveloped(&key).map_err(Failure::internal)?;
    let mut response = headers::post_page(&PostMessagePage {
        app_name: sp.title().to_owned(),
        action: location.to_owned(),
        parameter: message.carried().parameter(),
        message: Base64::of(&xml),
        relay_state: relay_state.map(str::to_owned),
    });
    response
        .extensions_mut()
        .insert(Sent::to(sp, xml, to_be_returned));
    Ok(response)
}
