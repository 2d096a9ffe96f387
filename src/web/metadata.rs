//! `GET /saml/metadata`: who we are, signed, with an `ETag` (Metadata 4.1).

use std::sync::PoisonError;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::App;
use super::failure::Failure;
use crate::clock::random;
use crate::directory::name::MessageId;
use crate::directory::time::UnixTime;
use crate::saml::metadata::IdpMetadata;

/// How long a copy may be used after the day on which it was fetched.
const VALIDITY: Duration = Duration::from_hours(336);

/// The document of one day and one state of our keys: the same bytes until either changes, so that
/// its `ETag` means something.
#[derive(Debug, Clone)]
pub(super) struct Published {
    day: i64,
    key_version: i64,
    xml: String,
    etag: String,
}

/// The document.
pub(super) async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    let published = publish(&app).await?;
    let etag = HeaderValue::from_str(&published.etag).map_err(Failure::internal)?;
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == published.etag)
        })
    });
    let caching = (
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    if known {
        return Ok((StatusCode::NOT_MODIFIED, [caching, (header::ETAG, etag)]).into_response());
    }
    let media_type = HeaderValue::from_static("application/samlmetadata+xml");
    let headers = [
        caching,
        (header::ETAG, etag),
        (header::CONTENT_TYPE, media_type),
    ];
    Ok((headers, published.xml).into_response())
}

/// The document as text, for whoever runs in the same process: the demo's apps.
///
/// # Errors
/// Says why there is none: a name that XML cannot carry, or OpenSSL.
pub async fn metadata_document(app: &App) -> Result<String, String> {
    publish(app)
        .await
        .map(|published| published.xml)
        .map_err(|failure| failure.to_string())
}

async fn publish(app: &App) -> Result<Published, Failure> {
    let keys = app.signing_keys().await?;
    let today = app.now().day();
    let mut published = app.metadata.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(current) = published
        .as_ref()
        .filter(|published| published.day == today && published.key_version == keys.version())
    {
        return Ok(current.clone());
    }
    let id = MessageId::from_random(random().map_err(Failure::internal)?);
    let midnight = UnixTime::from_millis(today.saturating_mul(86_400_000));
    let document = IdpMetadata {
        entity_id: &app.site.entity_id,
        display_name: "Doorward",
        sso_location: &app.receiver.sso_location,
        valid_until: midnight.plus(VALIDITY),
        certificates: keys
            .all()
            .iter()
            .map(|key| key.key.certificate_base64())
            .collect(),
        id: &id,
    };
    let xml = document.sign(keys.active()).map_err(Failure::internal)?;
    let etag = format!("\"{}\"", id.as_str().trim_start_matches('_'));
    let new = Published {
        day: today,
        key_version: keys.version(),
        xml,
        etag,
    };
    *published = Some(new.clone());
    Ok(new)
}
