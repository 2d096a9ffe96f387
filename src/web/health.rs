//! `/healthz` and `/readyz`, for load balancers.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::clock::is_too_far;

/// The process serves.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// It can decide and sign: the database answers and the key works. A node that is told to stop says
/// so here first.
pub(super) async fn readyz(State(app): State<App>) -> Response {
    if app.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    if is_too_far(app.clock.correction()) {
        let ahead_ms = app.clock.correction();
        tracing::error!(
            ahead_ms,
            "not ready: this machine's clock is not the database's"
        );
        return (StatusCode::SERVICE_UNAVAILABLE, "clock\n").into_response();
    }
    let version = match app.store.signing_key_version().await {
        Ok(version) => version,
        Err(error) => {
            tracing::error!(%error, "not ready: database");
            return (StatusCode::SERVICE_UNAVAILABLE, "database\n").into_response();
        }
    };
    if let Err(error) = app.use_keys_of(version).await {
        tracing::error!(%error, "not ready: signing keys");
        return (StatusCode::SERVICE_UNAVAILABLE, "signing keys\n").into_response();
    }
    if let Err(error) = app.prove_signing() {
        tracing::error!(%error, "not ready: signing key");
        return (StatusCode::SERVICE_UNAVAILABLE, "signing key\n").into_response();
    }
    "ready\n".into_response()
}
