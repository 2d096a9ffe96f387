//! `GET /saml/metadata`: who we are, signed, with an `ETag` (Metadata 4.1).

use std::sync::{LazyLock, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::App;
use super::assets::MARK_SVG;
use super::failure::Failure;
use crate::config::mail_address;
use crate::directory::time::UnixTime;
use crate::saml::metadata::{Endpoint, IdpMetadata, Logo, OrganizationName, Profile, Service};
use crate::saml::uri;

/// How long a copy may be used after the day on which it was fetched.
const VALIDITY: Duration = Duration::from_hours(336);

/// How long a copy may be used without asking again: a new signing key is known to all within a
/// day, whatever hour they ask at.
const CACHE_DURATION: &str = "PT6H";

/// Every endpoint that metadata names: what for, by which binding, at which path.
const ENDPOINTS: &[(Service, &str, &str)] = &[
    (Service::ArtifactResolution, uri::SOAP_BINDING, "/saml/soap"),
    (Service::SingleLogout, uri::HTTP_REDIRECT, "/saml/slo"),
    (Service::SingleLogout, uri::HTTP_POST, "/saml/slo"),
    (Service::SingleLogout, uri::SOAP_BINDING, "/saml/soap"),
    (Service::SingleSignOn, uri::HTTP_REDIRECT, "/saml/sso"),
    (Service::SingleSignOn, uri::HTTP_POST, "/saml/sso"),
    (Service::SingleSignOn, uri::SOAP_BINDING, "/saml/ecp"),
];

/// The mark as a data URI: metadata takes no picture over plain http (MDUI 2.1.5), and so nobody
/// who shows it has to fetch it from us.
static MARK: LazyLock<String> =
    LazyLock::new(|| format!("data:image/svg+xml;base64,{}", STANDARD.encode(MARK_SVG)));

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
                .map(|tag| tag.trim().trim_start_matches("W/"))
                .any(|tag| tag == "*" || tag == published.etag)
        })
    });
    // Whoever keeps a copy asks whether it still holds: a new key shows at once.
    let caching = (
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, no-cache"),
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
    let midnight = UnixTime::from_millis(today.saturating_mul(86_400_000));
    let certificates = keys.all().iter().map(|key| key.key.certificate_base64());
    let (site, base) = (&app.site, &app.site.base_url);
    let error_url = format!("{base}/reasons");
    let document = IdpMetadata {
        entity_id: &site.entity_id,
        decryption: keys.decryption(),
        valid_until: midnight.plus(VALIDITY),
        cache_duration: CACHE_DURATION,
        profile: profile(app, &error_url),
        wants_requests_signed: site.require_signed_requests,
        certificates: certificates.collect(),
        endpoints: endpoints(base),
    };
    let key = keys.active().avoiding(&site.denied_algorithms);
    let key = key.map_err(Failure::internal)?;
    let signed = document.sign(&key).map_err(Failure::internal)?;
    let new = Published {
        day: today,
        key_version: keys.version(),
        xml: signed.xml,
        etag: format!("\"{}\"", signed.id.as_str().trim_start_matches('_')),
    };
    *published = Some(new.clone());
    Ok(new)
}

fn endpoints(base_url: &str) -> Vec<Endpoint<'static>> {
    let endpoint = |&(service, binding, path): &(Service, &'static str, &str)| Endpoint {
        service,
        binding,
        location: format!("{base_url}{path}"),
    };
    ENDPOINTS.iter().map(endpoint).collect()
}

fn profile<'a>(app: &'a App, error_url: &'a str) -> Profile<'a> {
    let about = &app.site.about;
    Profile {
        display_name: &about.display_name,
        logo: Some(Logo {
            url: &MARK,
            width: "64",
            height: "64",
        }),
        error_url,
        scope: about.scope.as_deref(),
        categories: &app.site.release.categories,
        organization: about
            .organization
            .as_ref()
            .map(|organization| OrganizationName {
                name: &organization.name,
                url: &organization.url,
            }),
        technical_contact: app.site.contact.as_deref().and_then(mail_address),
    }
}
