//! `/healthz` and `/readyz`, for load balancers.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::App;

/// The process serves.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// It can decide and sign: the database answers and the key works.
pub(super) async fn readyz(State(app): State<App>) -> Response {
    if let Err(error) = app.store.ping().await {
        tracing::error!(%error, "not ready: database");
        return (StatusCode::SERVICE_UNAVAILABLE, "database\n").into_response();
    }
    if let Err(error) = app.signing_key.sign_octets(b"ready?") {
        tracing::error!(%error, "not ready: signing key");
        return (StatusCode::SERVICE_UNAVAILABLE, "signing key\n").into_response();
    }
    "ready\n".into_response()
}
