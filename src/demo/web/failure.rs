//! What goes wrong, as pages that say what happened and lead on.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::super::DemoError;
use super::super::catalogue::ChangeError;
use super::super::pages::{Frame, ProblemPage};
use super::super::response::Refusal;

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no such page")]
    NotFound,
    #[error("nobody is signed in")]
    SignInFirst(String),
    #[error("the session is over")]
    SessionOver,
    #[error("a form without this session's token")]
    Forged,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Inner(#[from] DemoError),
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        Self::Inner(error.into())
    }
}

impl From<openssl::error::ErrorStack> for Failure {
    fn from(error: openssl::error::ErrorStack) -> Self {
        Self::Inner(error.into())
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Inner(error.into())
    }
}

impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Inner(error.into())
    }
}

/// A page about a failure, on its way to `dress`, which knows the app.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    text: String,
    detail: Option<String>,
    sign_in: bool,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, text: &str) -> Self {
        Self {
            status,
            title,
            text: text.to_owned(),
            detail: None,
            sign_in: false,
        }
    }

    /// For the framework's own refusals.
    pub(super) fn bare(status: StatusCode) -> Self {
        let text = match status {
            StatusCode::METHOD_NOT_ALLOWED => "This address is not asked that way.",
            StatusCode::PAYLOAD_TOO_LARGE => "What was sent is larger than this app takes.",
            _ => "This app could not read what was sent.",
        };
        Self::new(status, "That did not work", text)
    }

    fn with_sign_in(mut self) -> Self {
        self.sign_in = true;
        self
    }

    pub(super) fn page(&self, frame: Frame) -> Response {
        let page = ProblemPage {
            frame,
            title: self.title,
            text: &self.text,
            detail: self.detail.as_deref(),
            sign_in: self.sign_in,
        };
        match askama::Template::render(&page) {
            Ok(text) => (self.status, Html(text)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl Failure {
    fn problem(&self) -> Problem {
        match self {
            Self::NotFound | Self::Change(ChangeError::Unknown) => not_found(),
            Self::SignInFirst(_) | Self::SessionOver => Problem::new(
                StatusCode::UNAUTHORIZED,
                "Your session is over",
                "Nothing was changed. Sign in again and repeat what you were doing.",
            )
            .with_sign_in(),
            Self::Forged => Problem::new(
                StatusCode::FORBIDDEN,
                "This form is out of date",
                "It belongs to an earlier session, or did not come from this app. Nothing was \
                 changed. Go back, reload the page and try again.",
            ),
            Self::Refused(refusal) => refused(refusal),
            Self::Change(ChangeError::Taken | ChangeError::WrongState) => Problem::new(
                StatusCode::CONFLICT,
                "Somebody was faster",
                "The asset has changed since you opened the page. Nothing was done. Reload the \
                 page to see how it is now.",
            ),
            Self::Change(ChangeError::Database(_)) | Self::Inner(_) => ours(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Self::SignInFirst(path) = &self {
            let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
            return Redirect::to(&format!("/saml/login?return={path}")).into_response();
        }
        let problem = self.problem();
        if problem.status.is_server_error() {
            tracing::error!(error = %self, "the demo app failed");
        } else {
            tracing::info!(reason = %self, "the demo app refused a request");
        }
        let mut response = problem.status.into_response();
        response.extensions_mut().insert(problem);
        response
    }
}

fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "Nothing here",
        "There is no page at this address. The asset may have been retired.",
    )
}

fn ours() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something broke on our side",
        "It is not your doing. Try again in a moment; the log has the cause.",
    )
}

fn refused(refusal: &Refusal) -> Problem {
    let problem = match refusal {
        Refusal::Database(_) | Refusal::Stored(_) => return ours(),
        Refusal::Status(codes) => return said_no(codes),
        Refusal::Undecodable | Refusal::Malformed(_) => Problem::new(
            StatusCode::BAD_REQUEST,
            "This sign-in could not be read",
            "What arrived from the identity provider is no answer that this app can read. You \
             have not been signed in.",
        ),
        _ => Problem::new(
            StatusCode::FORBIDDEN,
            "This sign-in was not accepted",
            "What your browser brought from the identity provider did not pass this app's \
             checks. You have not been signed in.",
        ),
    };
    Problem {
        detail: Some(refusal.to_string()),
        ..problem
    }
    .with_sign_in()
}

/// What the identity provider said, in this app's own words: its message is not ours to repeat.
fn said_no(codes: &[String]) -> Problem {
    let last = codes.last().map_or("", String::as_str);
    let text = match last.rsplit(':').next().unwrap_or_default() {
        "RequestDenied" => {
            "The identity provider knows you, and says that your account may not enter this app. \
             If you think it should, ask whoever gives out access in your organisation."
        }
        "NoPassive" => {
            "You are not signed in at the identity provider yet, and this time it was asked not \
             to bother you with a form."
        }
        "AuthnFailed" => "The identity provider could not make sure who you are.",
        _ => "The identity provider could not answer this app's request.",
    };
    let title = if last.ends_with(":RequestDenied") {
        "The identity provider says no"
    } else {
        "You are not signed in"
    };
    let detail = codes
        .iter()
        .map(|code| code.rsplit(':').next().unwrap_or(code));
    let detail = format!("status {}", detail.collect::<Vec<_>>().join(" / "));
    let problem = Problem::new(StatusCode::FORBIDDEN, title, text);
    Problem {
        detail: Some(detail),
        ..problem
    }
    .with_sign_in()
}
