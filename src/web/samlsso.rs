//! `/samlsso`: the addresses of single sign-on and single logout in one, for service providers that
//! are configured for a WSO2 server. The message says which of the two it is about.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;

use super::failure::Failure;
use super::signing::Address;
use super::visit::Visit;
use super::{App, slo, sso};
use crate::directory::reason::ReasonCode;
use crate::saml::binding::{self, Carried, Inbound};

/// Where a logout comes to.
const PATH: &str = "/samlsso";

/// `GET /samlsso`. Without a message, `spEntityID` starts a sign-on here, where the registration
/// allows it; nothing at all is no request for a logout.
pub(super) async fn redirect(State(app): State<App>, visit: Visit) -> Result<Response, Failure> {
    if !binding::carries_a_message(&visit.query) {
        return sso::idp_initiated(State(app), visit).await;
    }
    let (carried, inbound) = binding::decode_redirect_either(&visit.query)?;
    receive(&app, &visit, carried, inbound, sso::Arrival::WithCookies).await
}

/// `POST /samlsso`.
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
    let body = sso::form_text(body).await?;
    let (carried, inbound) = binding::decode_post_either(&body)?;
    receive(&app, &visit, carried, inbound, sso::Arrival::MaybeWithout).await
}

async fn receive(
    app: &App,
    visit: &Visit,
    carried: Carried,
    inbound: Inbound,
    arrival: sso::Arrival,
) -> Result<Response, Failure> {
    let is_authn_request = || inbound.message_name().as_deref() == Some("AuthnRequest");
    if carried == Carried::Request && is_authn_request() {
        return sso::receive(app, visit, inbound, arrival, Address::Samlsso).await;
    }
    slo::receive(app, visit, carried, inbound, PATH).await
}
