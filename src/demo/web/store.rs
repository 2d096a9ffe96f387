//! The store's pages: the catalogue, an asset, its document.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;

use super::super::Shared;
use super::super::assets::{Asset, AssetKind, Version};
use super::super::pages::{Landing, StoreAsset, StoreHome};
use super::failure::Failure;
use super::{Answer, App, html};

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(home))
        .route("/assets/{id}", get(asset))
        .route("/assets/{id}/{version}/document", get(document))
}

#[derive(Debug, Deserialize)]
struct HomeQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
}

async fn home(State(app): App, headers: HeaderMap, Query(query): Query<HomeQuery>) -> Answer {
    let Some(session) = app.session(&headers).await? else {
        return html(&Landing {
            frame: app.frame(None),
            signed_out: false,
        });
    };
    let kind = AssetKind::from_word(&query.kind);
    let words = query.q.trim().to_owned();
    let found: Vec<(Asset, Version)> = app
        .catalogue
        .all()
        .await?
        .into_iter()
        .filter(|asset| asset.matches(&words))
        .filter_map(|asset| {
            asset
                .store_version()
                .cloned()
                .map(|version| (asset, version))
        })
        .collect();
    let count = |kind: AssetKind| {
        found
            .iter()
            .filter(|(asset, _)| asset.about.kind == kind)
            .count()
    };
    let counts = AssetKind::ALL.map(|kind| (kind, count(kind))).to_vec();
    let total = found.len();
    let wanted = |asset: &Asset| kind.is_none_or(|kind| asset.about.kind == kind);
    let assets = found
        .into_iter()
        .filter(|(asset, _)| wanted(asset))
        .collect();
    let frame = app.frame(Some(&session));
    let chosen = kind.map_or("", AssetKind::word);
    html(&StoreHome {
        frame,
        query: words,
        chosen,
        counts,
        total,
        assets,
    })
}

#[derive(Debug, Deserialize)]
struct AssetQuery {
    version: Option<String>,
}

async fn asset(
    State(app): App,
    headers: HeaderMap,
    uri: Uri,
    Path(id): Path<String>,
    Query(query): Query<AssetQuery>,
) -> Answer {
    let session = app.signed_in(&headers, &uri.to_string()).await?;
    let mut asset = app.catalogue.one(&id).await?.ok_or(Failure::NotFound)?;
    asset.versions.retain(|version| version.state.is_in_store());
    let newest = asset.store_version().ok_or(Failure::NotFound)?.clone();
    let shown = match &query.version {
        None => newest.clone(),
        Some(number) => asset.version(number).ok_or(Failure::NotFound)?.clone(),
    };
    let frame = app.frame(Some(&session));
    html(&StoreAsset {
        frame,
        asset,
        shown,
        newest: newest.number,
    })
}

/// The document alone, to be saved.
async fn document(
    State(app): App,
    headers: HeaderMap,
    uri: Uri,
    Path((id, number)): Path<(String, String)>,
) -> Answer {
    app.signed_in(&headers, &uri.to_string()).await?;
    let asset = app.catalogue.one(&id).await?.ok_or(Failure::NotFound)?;
    let version = asset
        .version(&number)
        .filter(|version| version.state.is_in_store())
        .ok_or(Failure::NotFound)?;
    let ending = match asset.about.kind {
        AssetKind::Service => "md",
        AssetKind::Api => "yaml",
        AssetKind::Wsdl => "wsdl",
    };
    // Both names are made of letters, digits, dots and hyphens (checked where they are written).
    let name = format!(
        "attachment; filename=\"{}-{}.{ending}\"",
        asset.id, version.number
    );
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, version.document.clone()).into_response())
}
