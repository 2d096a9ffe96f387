//! The page for whoever may not enter.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as HttpResponse};

use super::App;
use super::failure::{Failure, reference};
use super::flow::{Flow, Purpose};
use super::headers;
use super::launcher;
use super::pages::DeniedPage;
use super::visit::Visit;
use crate::access::Refusal;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::user::User;

/// The 403 page: which app, as whom, whom to ask, and the ways on (decision 17).
pub(super) async fn page(
    app: &App,
    visit: &Visit,
    sp: &ServiceProvider,
    user: &User,
    refusal: Refusal,
    flow: Flow,
) -> Result<HttpResponse, Failure> {
    let apps = match visit.token_hash() {
        Some(token) => launcher::tiles(app, &token).await?,
        None => vec![],
    };
    let token = app
        .sealer
        .seal(&flow.for_someone_else()?, Purpose::Form, app.now())?;
    let page = DeniedPage {
        app_name: sp.title().to_owned(),
        app_host: sp.host(),
        display_name: user.display_name.clone(),
        user_name: user.name.as_str().to_owned(),
        contact: sp
            .policy
            .contact
            .clone()
            .or_else(|| app.site.contact.clone()),
        switch_url: "/login/someone-else".to_owned(),
        token,
        apps,
        reference: reference(refusal.reason(), &visit.trace, app.now()),
    };
    Ok((StatusCode::FORBIDDEN, headers::page(&page)).into_response())
}
