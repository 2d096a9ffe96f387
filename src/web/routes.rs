//! Every address, in one screenful.

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

use super::{
    App, account, assets, consent, ecp, failure, headers, health, launcher, login, logout,
    metadata, metrics, reasons, samlsso, slo, soap, sso,
};

/// The whole of Doorward's HTTP surface.
pub fn router(app: App) -> Router {
    Router::new()
        // for service providers
        .route("/saml/metadata", get(metadata::show))
        // What makes an assertion is no GET without its body: HEAD is refused there.
        .route(
            "/saml/sso",
            get(sso::redirect)
                .post(sso::post)
                .head(failure::method_not_allowed),
        )
        .route(
            "/saml/sso/continue",
            get(sso::resume)
                .post(sso::resume_posted)
                .head(failure::method_not_allowed),
        )
        .route(
            "/saml/idp-initiated",
            get(sso::idp_initiated).head(failure::method_not_allowed),
        )
        .route(
            "/saml/slo",
            get(slo::redirect)
                .post(slo::post)
                .head(failure::method_not_allowed),
        )
        .route("/saml/slo/continue", get(slo::show))
        .route(
            "/saml/slo/next",
            get(slo::next).head(failure::method_not_allowed),
        )
        .route(
            "/samlsso",
            get(samlsso::redirect)
                .post(samlsso::post)
                .head(failure::method_not_allowed),
        )
        .route("/saml/soap", post(soap::post))
        .route("/saml/ecp", post(ecp::post))
        // for people
        .route("/", get(launcher::show))
        .route("/login", get(login::show).post(login::submit))
        .route("/login/someone-else", post(login::someone_else))
        .route("/logout", get(logout::ask).post(logout::submit))
        .route("/account", get(account::show))
        .route(
            "/account/password",
            get(account::ask_password).post(account::change_password),
        )
        .route("/account/sessions/revoke", post(account::revoke_session))
        .route("/account/consents/withdraw", post(consent::withdraw))
        .route("/consent", post(consent::submit))
        .route("/reasons", get(reasons::index))
        .route("/reasons/{code}", get(reasons::show))
        .route(assets::ROUTE, get(assets::asset))
        // for load balancers
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::show))
        .fallback(failure::not_found)
        .method_not_allowed_fallback(failure::method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), headers::around))
        .with_state(app)
}
