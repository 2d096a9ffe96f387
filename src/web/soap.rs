//! `POST /saml/soap`: what service providers ask without a browser (Bindings 3.2).
//!
//! The element in the Body says what is asked. Whatever cannot be answered is a Fault, which says
//! the same about everybody; a SAML status comes with HTTP 200 (Bindings 3.2.3.3).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::artifact;
use super::failure::Failure;
use super::slo;
use super::sso::form_text;
use super::visit::Visit;
use crate::directory::name::MessageId;
use crate::directory::reason::ReasonCode;
use crate::saml::soap::{self, Envelope, FaultCode, SoapError};
use crate::saml::status::Status;
use crate::saml::status_response::{Answer, StatusResponse};
use crate::saml::uri;
use crate::saml::xml::Element;

/// What a SOAP client gets instead of an answer.
pub(super) struct Refused {
    failure: Box<Failure>,
    /// What the envelope itself was refused for; else it follows from the failure.
    code: Option<FaultCode>,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Box::new(failure),
            code: None,
        }
    }
}

impl From<SoapError> for Refused {
    fn from(error: SoapError) -> Self {
        let reason = match error {
            SoapError::Xml(_) => ReasonCode::MalformedXml,
            _ => ReasonCode::MalformedSoap,
        };
        Self {
            failure: Box::new(Failure::of(reason).because(error)),
            code: Some(error.fault()),
        }
    }
}

/// `POST /saml/soap`.
pub(super) async fn post(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answered = match read(&visit, &headers, body, &[]).await {
        Ok(envelope) if is_logout(&envelope) => slo::log_out_by_soap(&app, &visit, envelope).await,
        Ok(envelope) => dispatch(&app, &visit, &envelope).await,
        Err(refused) => Err(refused),
    };
    answered.unwrap_or_else(|refused| fault(&visit, refused))
}

/// Reads the envelope of a request. `SOAPAction` says nothing that is looked at (Bindings 3.2.3.1).
pub(super) async fn read(
    visit: &Visit,
    headers: &HeaderMap,
    body: Body,
    understood: &[(&str, &str)],
) -> Result<Envelope, Refused> {
    // No page of another site can make a browser send this type by itself.
    if !is_xml(headers) {
        return Err(Failure::of(ReasonCode::MalformedSoap)
            .because("the Content-Type is not that of an envelope")
            .into());
    }
    let text = form_text(body).await?;
    visit.note.received(text.as_bytes(), None);
    Ok(Envelope::read(text.as_bytes(), understood)?)
}

/// `text/xml` is the type of SOAP 1.1 (6.1.1); others send the one of SOAP 1.2 or of PAOS.
fn is_xml(headers: &HeaderMap) -> bool {
    const TYPES: [&str; 4] = [
        "text/xml",
        "application/xml",
        "application/soap+xml",
        "application/vnd.paos+xml",
    ];
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let media = content_type.and_then(|value| value.split(';').next());
    media.is_some_and(|media| {
        TYPES
            .iter()
            .any(|known| media.trim().eq_ignore_ascii_case(known))
    })
}

/// The address itself, as metadata names it.
pub(super) fn location(app: &App) -> String {
    format!("{}/saml/soap", app.site.base_url)
}

/// Whether the one message is about single logout, which has an answer of its own.
fn is_logout(envelope: &Envelope) -> bool {
    let message = envelope.message();
    message.is_ok_and(|message| message.is(uri::SAMLP.uri, "LogoutRequest"))
}

/// Who answers to what.
async fn dispatch(app: &App, visit: &Visit, envelope: &Envelope) -> Result<Response, Refused> {
    let message = envelope.message()?;
    if message.is(uri::SAMLP.uri, "ArtifactResolve") {
        return artifact::resolve(app, visit, envelope).await;
    }
    if message.namespace() == uri::SAMLP.uri
        && let Some(answer) = Answer::to_unsupported(message.local_name())
    {
        return unsupported(app, visit, message, answer);
    }
    let what: String = format!("{message:?}").chars().take(200).collect();
    Err(Failure::of(ReasonCode::UnsupportedRequest)
        .because(format!("{what} in a SOAP body"))
        .into())
}

/// What SAML knows and we do not offer. Nobody was asked who they are, so nothing is signed.
fn unsupported(
    app: &App,
    visit: &Visit,
    message: &Element,
    answer: Answer,
) -> Result<Response, Refused> {
    let (trace, reason) = (&visit.trace, ReasonCode::UnsupportedRequest.word());
    tracing::warn!(%trace, reason, cause = message.local_name(), "refused, status sent");
    let kind = message.local_name();
    visit.note.refused(ReasonCode::UnsupportedRequest, &kind);
    let id = message
        .attribute("ID")
        .and_then(|id| MessageId::parse(id).ok());
    let stamp = app.stamp()?;
    let text = StatusResponse {
        answer,
        id: &stamp.response_id,
        now: stamp.now,
        issuer: &app.site.entity_id,
        in_response_to: id.as_ref().map(MessageId::as_str),
        status: Some(Status::RequestUnsupported),
        message: None,
    }
    .unsigned()
    .map_err(Failure::internal)?;
    enveloped(&text)
}

/// The answer: one message in an envelope.
pub(super) fn enveloped(message: &str) -> Result<Response, Refused> {
    let text = soap::write(&[], message).map_err(Failure::internal)?;
    Ok(text_xml(StatusCode::OK, text))
}

pub(super) fn text_xml(status: StatusCode, text: String) -> Response {
    let media_type = HeaderValue::from_static("text/xml; charset=utf-8");
    (status, [(header::CONTENT_TYPE, media_type)], text).into_response()
}

/// A Fault with the one log line. Its HTTP status is 500 (SOAP 1.1, 6.2), except where the client
/// is to wait or to send less.
pub(super) fn fault(visit: &Visit, refused: Refused) -> Response {
    let Refused { failure, code } = refused;
    let why = failure.cause().unwrap_or("-");
    visit.note.refused(failure.reason(), &why);
    let (cause, retry) = (failure.log(&visit.trace), failure.retry());
    let why = failure.cause().unwrap_or("-");
    visit.note.refused(failure.reason(), &why);
    let of_failure = if cause.is_server_error() {
        FaultCode::Server
    } else {
        FaultCode::Client
    };
    let status = match cause {
        StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::TOO_MANY_REQUESTS
        | StatusCode::PAYLOAD_TOO_LARGE => cause,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = match soap::fault(code.unwrap_or(of_failure), visit.trace.as_str()) {
        Ok(text) => text_xml(status, text),
        Err(error) => return Failure::internal(error).into_response(),
    };
    retry.map(|after| response.headers_mut().insert(header::RETRY_AFTER, after));
    response
}
