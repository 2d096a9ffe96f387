//! The apps over HTTP: routes, sessions, headers. One file per group of pages.

mod failure;
mod fields;
mod publisher;
mod sign_in;
mod store;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::outside::{fingerprint, now};
use super::pages::Frame;
use super::response::SignedIn;
use super::{Kind, Shared};
use failure::{Failure, Problem};
pub(super) use fields::Fields;

/// A Response may be as large as this, form field and all; a document that is pasted, too.
const BODY_LIMIT: usize = 512 * 1024;
/// No `form-action`: it would stop the redirect to the identity provider that signing out ends in.
const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                   frame-ancestors 'none'";

type App = State<Arc<Shared>>;
type Answer = Result<Response, Failure>;

/// All routes of one app.
pub(super) fn router(shared: Arc<Shared>, metadata: String) -> Router {
    let pages = match shared.kind {
        Kind::Store => store::routes(),
        Kind::Publisher => publisher::routes(),
    };
    pages
        .merge(sign_in::routes(metadata))
        .merge(static_files(shared.kind))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { Failure::NotFound })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&shared),
            dress,
        ))
        .with_state(shared)
}

fn static_files(kind: Kind) -> Router<Arc<Shared>> {
    let own = match kind {
        Kind::Store => include_str!("../../../static/demo/store.css"),
        Kind::Publisher => include_str!("../../../static/demo/publisher.css"),
    };
    let icon = match kind {
        Kind::Store => include_str!("../../../static/demo/store.svg"),
        Kind::Publisher => include_str!("../../../static/demo/publisher.svg"),
    };
    let file = |media: &'static str, text: &'static str| {
        get(move || async move {
            (
                [
                    (CONTENT_TYPE, media),
                    (CACHE_CONTROL, "public, max-age=300"),
                ],
                text,
            )
        })
    };
    Router::new()
        .route(
            "/static/base.css",
            file("text/css", include_str!("../../../static/demo/base.css")),
        )
        .route("/static/app.css", file("text/css", own))
        .route("/static/icon.svg", file("image/svg+xml", icon))
        .route(
            "/static/post.js",
            file(
                "text/javascript",
                include_str!("../../../static/demo/post.js"),
            ),
        )
}

/// Renders failures as pages and gives every answer its headers.
async fn dress(State(shared): App, request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    let mut response = next.run(request).await;
    let own = response.extensions_mut().remove::<Problem>();
    // axum's own refusals (method, form, size) are bare sentences.
    let bare = response.status().is_client_error() && !has_own_body(&response);
    if let Some(problem) = own.or_else(|| bare.then(|| Problem::bare(response.status()))) {
        let session = shared.session(&asked).await.unwrap_or_else(|error| {
            tracing::error!(%error, "no session could be read for a page about a failure");
            None
        });
        response = problem.page(shared.frame(session.as_ref()));
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CSP),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Whether a handler of ours made the body; axum's own are plain text or nothing.
fn has_own_body(response: &Response) -> bool {
    let media = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|media| media.to_str().ok());
    media.is_some_and(|media| !media.starts_with("text/plain"))
}

/// Somebody's session in this app.
struct Session {
    token: String,
    name: String,
    signed_in: SignedIn,
}

impl Session {
    /// Bound to the session, and no use for making one.
    fn csrf(&self) -> String {
        fingerprint(&format!("csrf {}", self.token))
    }

    fn check_csrf(&self, given: &str) -> Result<(), Failure> {
        let expected = self.csrf();
        let equal = expected.len() == given.len()
            && openssl::memcmp::eq(expected.as_bytes(), given.as_bytes());
        if equal { Ok(()) } else { Err(Failure::Forged) }
    }
}

impl Shared {
    async fn session(&self, headers: &HeaderMap) -> Result<Option<Session>, Failure> {
        let Some(token) = cookie(headers, &self.session_cookie()) else {
            return Ok(None);
        };
        let found = self.sessions.find(&token, now()).await?;
        Ok(found.map(|(name, signed_in)| Session {
            token,
            name,
            signed_in,
        }))
    }

    /// The session, or the way to sign in and back to this page.
    async fn signed_in(&self, headers: &HeaderMap, path: &str) -> Result<Session, Failure> {
        self.session(headers)
            .await?
            .ok_or_else(|| Failure::SignInFirst(path.to_owned()))
    }

    /// The session behind a form, and that the form is ours.
    async fn posting(&self, headers: &HeaderMap, csrf: &str) -> Result<Session, Failure> {
        let session = self.session(headers).await?.ok_or(Failure::SessionOver)?;
        session.check_csrf(csrf)?;
        Ok(session)
    }

    fn frame(&self, session: Option<&Session>) -> Frame {
        Frame {
            app: self.kind,
            user: session.map(|session| session.name.clone()),
            csrf: session.map(Session::csrf).unwrap_or_default(),
            sibling_url: self.sibling_url.clone(),
        }
    }

    fn session_cookie(&self) -> String {
        format!("{}_session", self.kind.word())
    }

    /// Holds the secret that binds requests to this browser.
    fn browser_cookie(&self) -> String {
        format!("{}_browser", self.kind.word())
    }

    fn set_cookie(&self, name: &str, value: &str, seconds: u32) -> (HeaderName, String) {
        let secure = if self.base_url.starts_with("https://") {
            "; Secure"
        } else {
            ""
        };
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        (SET_COOKIE, cookie)
    }
}

/// The value of a cookie, where the browser sent exactly one of that name.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned());
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn html(page: &impl askama::Template) -> Answer {
    Ok(Html(page.render()?).into_response())
}
