//! What goes wrong, told to its three readers (decision 17): a page for the person, a line in the
//! log for the administrator, a reason code for both. What the SP is told is decided elsewhere.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::pages::{ErrorPage, Link, Reference};
use crate::authn::password::PasswordError;
use crate::directory::name::TraceId;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::time::UnixTime;
use crate::saml::authn_request::RequestError;
use crate::saml::binding::BindingError;
use crate::saml::logout::LogoutError;
use crate::storage::StoreError;

/// A refusal or failure that becomes a page of ours. The middleware renders it, since that alone
/// knows the trace id.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    reason: ReasonCode,
    cause: Option<String>,
    app: Option<AppLink>,
    retry_after: Option<u64>,
}

#[derive(Debug, Clone)]
struct AppLink {
    title: String,
    start: String,
    contact: Option<String>,
}

impl Failure {
    /// Why.
    pub(super) fn reason(&self) -> ReasonCode {
        self.reason
    }

    /// A failure with nothing more to say.
    pub(super) fn of(reason: ReasonCode) -> Self {
        Self {
            reason,
            cause: None,
            app: None,
            retry_after: None,
        }
    }

    /// Something on our side; the log gets the cause, the browser a reference.
    pub(super) fn internal(cause: impl std::fmt::Display) -> Self {
        Self::of(ReasonCode::Internal).because(cause)
    }

    /// Says what exactly, for the log.
    pub(super) fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Names the app that it happened on the way to, so that the page leads back there.
    pub(super) fn at(mut self, sp: &ServiceProvider) -> Self {
        self.app = Some(AppLink {
            title: sp.title().to_owned(),
            start: super::launcher::start_url(sp),
            contact: sp.policy.contact.clone(),
        });
        self
    }

    /// Asks to try again after so many seconds.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What exactly, for the log.
    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Writes the one log line; says what it is as an HTTP status.
    pub(super) fn log(&self, trace: &TraceId) -> StatusCode {
        let (status, cause) = (status(self.reason), self.cause.as_deref().unwrap_or("-"));
        let (reason, app) = (
            self.reason.word(),
            self.app.as_ref().map(|app| app.title.as_str()),
        );
        if status.is_server_error() {
            tracing::error!(%trace, reason, cause, app, status = status.as_u16(), "failed");
        } else {
            tracing::warn!(%trace, reason, cause, app, status = status.as_u16(), "refused");
        }
        status
    }

    /// When it is worth trying again, as a header; nothing where that does not help.
    pub(super) fn retry(&self) -> Option<HeaderValue> {
        self.retry_after.map(HeaderValue::from)
    }

    /// Writes the one log line and makes the page.
    pub(super) fn render(self, trace: &TraceId, now: UnixTime, contact: Option<&str>) -> Response {
        let status = self.log(trace);
        let (explanation, retry) = (self.reason.explanation(), self.retry());
        let next = self.app.as_ref().map(|app| Link {
            text: format!("Back to {}", app.title),
            url: app.start.clone(),
        });
        let of_app = self.app.and_then(|app| app.contact);
        let page = ErrorPage {
            status: status.as_u16(),
            title: title(status).to_owned(),
            sentence: explanation.meaning.to_owned(),
            advice: Some(explanation.person.to_owned()),
            next: next.into_iter().collect(),
            contact: of_app.or_else(|| contact.map(str::to_owned)),
            reference: reference(self.reason, trace, now),
        };
        let mut response = (status, super::headers::page(&page)).into_response();
        retry.map(|after| response.headers_mut().insert(header::RETRY_AFTER, after));
        response
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {}",
            self.reason.word(),
            self.cause.as_deref().unwrap_or("-")
        )
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status(self.reason).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What a person quotes when asking for help.
pub(super) fn reference(reason: ReasonCode, trace: &TraceId, now: UnixTime) -> Reference {
    Reference {
        code: reason.word().to_owned(),
        trace_id: trace.as_str().to_owned(),
        time: readable(now),
    }
}

/// An instant as a person reads it: `2026-11-21 12:45:01 UTC`.
pub(super) fn readable(instant: UnixTime) -> String {
    let text = instant.to_string();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", time.get(..8).unwrap_or(time))
}

fn status(reason: ReasonCode) -> StatusCode {
    match reason {
        ReasonCode::MissingRole
        | ReasonCode::UserDisabled
        | ReasonCode::SpDisabled
        | ReasonCode::SpWithdrawn
        | ReasonCode::MetadataExpired
        | ReasonCode::ClosedRule
        | ReasonCode::NotSignedIn
        | ReasonCode::SignInTooOld
        | ReasonCode::WrongPassword
        | ReasonCode::IdpInitiatedNotAllowed
        | ReasonCode::ConsentNeeded
        | ReasonCode::ConsentRefused
        | ReasonCode::UnknownPrincipal => StatusCode::FORBIDDEN,
        ReasonCode::Throttled => StatusCode::TOO_MANY_REQUESTS,
        ReasonCode::HashingBusy
        | ReasonCode::Overloaded
        | ReasonCode::DatabaseUnreachable
        | ReasonCode::DatabaseUnwritable => StatusCode::SERVICE_UNAVAILABLE,
        ReasonCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ReasonCode::NotFound => StatusCode::NOT_FOUND,
        ReasonCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ReasonCode::Internal | ReasonCode::EncryptionImpossible | ReasonCode::NoCommonAlgorithm => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        ReasonCode::NoAuthnContext
        | ReasonCode::InvalidNameIdPolicy
        | ReasonCode::BadForm
        | ReasonCode::Undecryptable
        | ReasonCode::BadEncoding
        | ReasonCode::DuplicateParameter
        | ReasonCode::MissingParameter
        | ReasonCode::MalformedXml
        | ReasonCode::MalformedSoap
        | ReasonCode::NotAnAuthnRequest
        | ReasonCode::NotALogoutMessage
        | ReasonCode::UnsignedLogout
        | ReasonCode::UnexpectedLogoutResponse
        | ReasonCode::LogoutNotConfirmed
        | ReasonCode::WrongVersion
        | ReasonCode::UnknownIssuer
        | ReasonCode::UnregisteredAcs
        | ReasonCode::WrongDestination
        | ReasonCode::StaleRequest
        | ReasonCode::UnsignedRequest
        | ReasonCode::BadSignature
        | ReasonCode::ChannelMismatch
        | ReasonCode::UnknownArtifact
        | ReasonCode::UnsupportedRequest => StatusCode::BAD_REQUEST,
    }
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Page not found",
        StatusCode::FORBIDDEN => "This way is closed",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "Please wait a moment",
        status if status.is_server_error() => "Something went wrong on our side",
        _ => "This request could not be used",
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unreachable(_) => Self::of(ReasonCode::DatabaseUnreachable)
                .because(error)
                .retry_after(5),
            StoreError::Full(_) | StoreError::UnknownOutcome(_) => {
                Self::of(ReasonCode::DatabaseUnwritable)
                    .because(error)
                    .retry_after(5)
            }
            passing if passing.is_passing() => Self::of(ReasonCode::Overloaded)
                .because(passing)
                .retry_after(2),
            other => Self::internal(other),
        }
    }
}

impl From<BindingError> for Failure {
    fn from(error: BindingError) -> Self {
        Self::of(error.reason()).because(error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::of(error.reason()).because(error)
    }
}

impl From<LogoutError> for Failure {
    fn from(error: LogoutError) -> Self {
        Self::of(error.reason()).because(error)
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        Self::internal(error)
    }
}

/// Nothing is at this address.
pub(super) async fn not_found() -> Failure {
    Failure::of(ReasonCode::NotFound)
}

/// The address has no such method.
pub(super) async fn method_not_allowed() -> Failure {
    Failure::of(ReasonCode::MethodNotAllowed)
}
