//! A LogoutRequest by SOAP (Profiles 4.4.3.1): no browser, hence the answer at once.

use super::super::App;
use super::super::failure::Failure;
use super::super::soap::{Refused, enveloped};
use super::super::trace::Sent;
use super::super::visit::Visit;
use super::{Wish, chain, end_sessions, registration, reply};
use crate::directory::name::MessageId;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::ServiceProvider;
use crate::saml::comparison::Comparison;
use crate::saml::logout::{LogoutStatus, UnverifiedLogoutRequest};
use crate::saml::soap::Envelope;
use crate::saml::status::Status;
use axum::response::Response;

/// Where SOAP comes to.
const PATH: &str = "/saml/soap";

/// Ends the sessions, tells those who can be told without a browser, and answers.
pub(in super::super) async fn log_out(
    app: &App,
    visit: &Visit,
    envelope: Envelope,
) -> Result<Response, Refused> {
    let unverified = UnverifiedLogoutRequest::parse_envelope(envelope).map_err(Failure::from)?;
    let registered = registration(app, visit, unverified.claimed_issuer()).await?;
    let (sp, receiver) = (&registered.sp, app.logout_receiver(PATH));
    let request = match unverified.verify(sp, &registered.keys, &receiver, app.now()) {
        Ok(_) if !sp.enabled => return Err(Failure::of(ReasonCode::SpDisabled).into()),
        Ok(request) => request,
        Err(refused) if !refused.is_genuine || !sp.enabled => {
            let compared = Comparison::of_logout(&refused.error, sp, &receiver, app.now());
            visit.note.compared(compared);
            return Err(Failure::from(refused.error).into());
        }
        Err(refused) => {
            let (reason, error) = (refused.error.reason().word(), &refused.error);
            let (trace, name) = (&visit.trace, sp.name.as_str());
            tracing::warn!(%trace, reason, sp = name, cause = %error, "refused, status sent");
            let compared = Comparison::of_logout(error, sp, &receiver, app.now());
            visit.note.compared(compared);
            visit.note.refused(error.reason(), error);
            let status = LogoutStatus::Refused(error.status());
            return answer(app, sp, refused.id.as_ref(), status).await;
        }
    };
    let status = match end_sessions(app, visit, &request, None).await? {
        Wish::Ended(logout) => {
            let logout = chain::tell_directly(app, None, *logout).await?;
            if logout.is_complete() {
                LogoutStatus::Success
            } else {
                LogoutStatus::Partial
            }
        }
        Wish::EndedBefore => LogoutStatus::Success,
        Wish::Unknown => LogoutStatus::Refused(Status::UnknownPrincipal),
    };
    answer(app, sp, Some(request.id()), status).await
}

async fn answer(
    app: &App,
    sp: &ServiceProvider,
    in_response_to: Option<&MessageId>,
    status: LogoutStatus,
) -> Result<Response, Refused> {
    let answer = reply::Answer {
        in_response_to,
        relay_state: None,
        status,
    };
    let message = reply::response(app, &answer, None)?;
    app.signing_keys().await?;
    let key = app.signing_key_for(sp)?;
    let signed = message.enveloped(&key).map_err(Failure::internal)?;
    let mut response = enveloped(&signed)?;
    response
        .extensions_mut()
        .insert(Sent::to(sp, &signed, None));
    Ok(response)
}
