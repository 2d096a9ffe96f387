//! Around every request: the trace id, the log line, the headers that every page has.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use askama::Template;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use futures_util::FutureExt as _;

use super::App;
use super::failure::Failure;
use super::trace::{self, Door, Note};
use crate::clock::random_id;
use crate::directory::name::TraceId;

/// What a page may do beyond showing itself.
#[derive(Debug, Clone, Copy)]
enum PageKind {
    /// Posts to ourselves, or leads to an app after it: no `form-action`, which would stop the
    /// redirect that may follow (decision 10).
    Plain,
    /// Posts to ourselves and stays here.
    OwnForms,
    /// Posts itself on with our script.
    HandsOn,
    /// Posts itself to an SP, which has to see where from: `Referrer-Policy: origin`.
    PostsToSp,
}

/// A page.
pub(super) fn page(template: &impl Template) -> Response {
    rendered(template, PageKind::Plain)
}

/// A page whose forms end here.
pub(super) fn own_page(template: &impl Template) -> Response {
    rendered(template, PageKind::OwnForms)
}

/// A page that posts itself to our own origin.
pub(super) fn hand_on_page(template: &impl Template) -> Response {
    rendered(template, PageKind::HandsOn)
}

/// A page that leads on by itself, without a script.
pub(super) fn leading_page(template: &impl Template) -> Response {
    rendered(template, PageKind::Plain)
}

/// A page that posts itself to an SP.
pub(super) fn post_page(template: &impl Template) -> Response {
    rendered(template, PageKind::PostsToSp)
}

/// More bytes than a page with a Response in it has, so that none is moved while it grows.
const ROOM: usize = 12 * 1024;

fn rendered(template: &impl Template, kind: PageKind) -> Response {
    let mut html = String::with_capacity(ROOM);
    match template.render_into(&mut html) {
        Ok(()) => {
            let mut response = Html(html).into_response();
            response.extensions_mut().insert(kind);
            response
        }
        Err(error) => Failure::internal(error).into_response(),
    }
}

/// The middleware around everything.
pub(super) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let trace = match random_id() {
        Ok(id) => TraceId::from_stored(id.get(..16).unwrap_or(&id)),
        Err(error) => {
            tracing::error!(%error, "no randomness");
            return axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let note = Note::default();
    request.extensions_mut().insert(trace.clone());
    request.extensions_mut().insert(note.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // Nothing panics on input; if something does all the same, one request fails and no other.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response =
        answered.unwrap_or_else(|_| Failure::internal("a handler panicked").into_response());
    let failure = response.extensions_mut().remove::<Failure>();
    let door = Door { method, path };
    trace::keep(
        &app,
        (&trace, &door, &note),
        failure.as_ref(),
        &mut response,
    );
    if let Some(failure) = failure {
        app.metrics.failed(failure.reason());
        response = failure.render(&trace, app.now(), app.site.contact.as_deref());
    }
    let Door { method, path } = door;
    let route = route.as_ref().map(MatchedPath::as_str);
    app.metrics
        .answered(&method, route, response.status(), began);
    tracing::debug!(%trace, %method, path, status = response.status().as_u16(), "answered");
    let kind = response.extensions().get::<PageKind>().copied();
    set_headers(&mut response, kind, app.site.is_https());
    if app.is_draining() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

const CSP_PLAIN: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";
const CSP_OWN_FORMS: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const CSP_SCRIPT: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     script-src 'self'; base-uri 'none'; frame-ancestors 'none'";

fn set_headers(response: &mut Response, kind: Option<PageKind>, https: bool) {
    let csp = match kind {
        None | Some(PageKind::Plain) => CSP_PLAIN,
        Some(PageKind::OwnForms) => CSP_OWN_FORMS,
        Some(PageKind::HandsOn | PageKind::PostsToSp) => CSP_SCRIPT,
    };
    let referrer = match kind {
        Some(PageKind::PostsToSp) => "origin",
        _ => "same-origin",
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, csp);
    set(header::REFERRER_POLICY, referrer);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::CACHE_CONTROL, "no-store");
    set(header::PRAGMA, "no-cache");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    );
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}
