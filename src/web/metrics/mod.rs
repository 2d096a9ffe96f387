//! `GET /metrics`: what this node does, for Prometheus. Nothing in it is about a person.
//!
//! To loopback peers only, unless `metrics_listen` names another address, which then is the only one.

mod process;
mod sources;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::App;
use super::failure::Failure;
use crate::directory::name::KeyId;
use crate::directory::reason::ReasonCode;
use crate::directory::signing_key::KeyState;
use crate::directory::time::UnixTime;
use crate::saml::certificate::{Certificate, short_fingerprint};
use crate::storage::StoreError;

/// What is counted while requests are answered.
pub(super) struct Metrics {
    requests: Family<Request, Histogram>,
    failures: Family<Label, Counter>,
    started_at: UnixTime,
    /// What takes long to look up, and when it was.
    slow: Mutex<Option<(UnixTime, Slow)>>,
}

/// One label with its value.
type Label = [(&'static str, &'static str); 1];
type Gauges = Family<Vec<(&'static str, String)>, Gauge>;

/// Which requests are measured together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: &'static str,
}

/// What is looked up now and then.
#[derive(Clone)]
struct Slow {
    sessions: i64,
    /// Service provider, fingerprint, end.
    certificates: Vec<(String, String, UnixTime)>,
}

/// How long that is good for.
const LOOKED_UP_EVERY: Duration = Duration::from_mins(10);

/// Upper bounds, in seconds: a warm sign-on is in the first few, a password hash in the middle.
const BUCKETS: [f64; 13] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

impl Metrics {
    pub(super) fn new(now: UnixTime) -> Self {
        Self {
            requests: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            failures: Family::default(),
            started_at: now,
            slow: Mutex::default(),
        }
    }

    /// Takes down one answer: by which route, how it ended, how long it took.
    pub(super) fn answered(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        began: Instant,
    ) {
        let labels = Request {
            method: known(method),
            // Only addresses that there are: nobody makes a series by asking for another.
            route: route.unwrap_or("none").to_owned(),
            status: class(status),
        };
        let seconds = began.elapsed().as_secs_f64();
        self.requests.get_or_create(&labels).observe(seconds);
    }

    /// Takes down a page that tells of a failure.
    pub(super) fn failed(&self, reason: ReasonCode) {
        self.failures
            .get_or_create(&[("reason", reason.word())])
            .inc();
    }
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// `/metrics` beside everything else: to whoever is on this machine, and not there on behalf of
/// somebody else, as a proxy is.
pub(super) async fn show(
    State(app): State<App>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let is_local = peer.is_some_and(|peer| peer.0.0.ip().to_canonical().is_loopback());
    if app.site.metrics_elsewhere || !is_local || is_forwarded(&headers) {
        return Err(Failure::of(ReasonCode::NotFound));
    }
    tell(&app).await
}

/// Whether a proxy has been at a request: it is on loopback as often as not, and its clients are
/// the whole world.
fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        name.starts_with("x-forwarded") || ["forwarded", "via", "x-real-ip"].contains(&name)
    })
}

/// What is served at `metrics_listen`, and there alone: `/metrics`, to whoever reaches it.
pub fn metrics_router(app: App) -> Router {
    let show = async |State(app): State<App>| tell(&app).await;
    Router::new().route("/metrics", get(show)).with_state(app)
}

async fn tell(app: &App) -> Result<Response, Failure> {
    let mut registry = Registry::with_prefix("doorward");
    counters(app, &mut registry);
    queues(app, &mut registry);
    keys(app, &mut registry).await?;
    slow(app, &mut registry).await?;
    sources::register(app, &mut registry).await?;
    process::register(&mut registry, app.metrics.started_at);
    let mut said = String::with_capacity(16 * 1024);
    text::encode(&mut said, &registry).map_err(Failure::internal)?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))];
    Ok((headers, said).into_response())
}

fn counters(app: &App, registry: &mut Registry) {
    registry.register(
        "http_request_duration_seconds",
        "Time from a request to its answer, by route",
        app.metrics.requests.clone(),
    );
    registry.register(
        "failure_pages",
        "Answers that told a person of a refusal or failure, by reason code",
        app.metrics.failures.clone(),
    );
    let events = Family::<[(&'static str, &'static str); 3], Counter>::default();
    let issued: Counter = Counter::default();
    for ((kind, outcome, reason), count) in app.store.tally() {
        let labels = [("kind", kind), ("outcome", outcome), ("reason", reason)];
        events.get_or_create(&labels).inc_by(count);
        if (kind, outcome) == ("assertion", "done") {
            issued.inc_by(count);
        }
    }
    registry.register(
        "audit_events",
        "Events of the audit log, by kind (sign-in, assertion), outcome and reason code",
        events,
    );
    registry.register("assertions_issued", "Assertions that left", issued);
}

fn queues(app: &App, registry: &mut Registry) {
    let gauge = |value: usize| {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        gauge
    };
    registry.register(
        "password_queue_waiting",
        "Sign-ins that wait for their password to be checked",
        gauge(app.passwords.waiting()),
    );
    registry.register(
        "audit_queue_waiting",
        "Audit rows that wait for the disk",
        gauge(app.store.queued()),
    );
}

async fn keys(app: &App, registry: &mut Registry) -> Result<(), Failure> {
    let ends = Gauges::default();
    let labels = |id: &KeyId, state: KeyState| {
        vec![
            ("key", id.as_str().to_owned()),
            ("state", state.word().to_owned()),
        ]
    };
    let keys = app.signing_keys().await?;
    for key in keys.all() {
        let labels = labels(&key.id, key.state);
        ends.get_or_create(&labels).set(seconds(key.not_after));
    }
    registry.register(
        "signing_key_not_after_timestamp_seconds",
        "When the certificate of a signing key of ours ends",
        ends,
    );
    let ends = Gauges::default();
    for key in keys.encryption() {
        let labels = labels(&key.id, key.state);
        ends.get_or_create(&labels).set(seconds(key.not_after));
    }
    registry.register(
        "encryption_key_not_after_timestamp_seconds",
        "When the certificate of a key ends that is encrypted to us with",
        ends,
    );
    Ok(())
}

async fn slow(app: &App, registry: &mut Registry) -> Result<(), Failure> {
    let Slow {
        sessions,
        certificates,
    } = looked_up(app).await?;
    let ends = Gauges::default();
    for (sp, certificate, at) in certificates {
        let labels = vec![("sp", sp), ("certificate", certificate)];
        ends.get_or_create(&labels).set(seconds(at));
    }
    registry.register(
        "sp_certificate_not_after_timestamp_seconds",
        "When a certificate of a service provider ends (its key is taken all the same)",
        ends,
    );
    let gauge: Gauge = Gauge::default();
    gauge.set(sessions);
    registry.register("sessions", "Sessions in the database", gauge);
    Ok(())
}

async fn looked_up(app: &App) -> Result<Slow, StoreError> {
    let now = app.now();
    let lock = || {
        let slow = app.metrics.slow.lock();
        slow.unwrap_or_else(PoisonError::into_inner)
    };
    let known = lock().clone();
    if let Some((at, slow)) = known.filter(|(at, _)| now.since(*at) < LOOKED_UP_EVERY) {
        // A clock that was set back makes it look old, never young.
        if at <= now {
            return Ok(slow);
        }
    }
    let mut certificates = Vec::new();
    for (sp, der) in app.store.sp_certificates().await? {
        if let Some(read) = Certificate::read(&der) {
            certificates.push((sp, short_fingerprint(&der), read.not_after));
        }
    }
    let slow = Slow {
        sessions: app.store.count_sessions().await?,
        certificates,
    };
    *lock() = Some((now, slow.clone()));
    Ok(slow)
}

fn seconds(at: UnixTime) -> i64 {
    at.millis().div_euclid(1000)
}

/// A gauge of a number that need not be whole.
type Real = Gauge<f64, AtomicU64>;
