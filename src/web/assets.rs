//! The style sheet, the pictures and the one script of our pages, out of the binary.
//!
//! Their address holds a hash over all of them, so that browsers may keep them for ever and a new
//! release is seen at once. The style sheet names its pictures relatively, hence within the hash.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The path under which [`asset`] is to be routed.
pub const ROUTE: &str = "/static/{version}/{name}";

/// Address of the style sheet.
pub static STYLE: LazyLock<String> = LazyLock::new(|| address("doorward.css"));
/// Address of the mark, which is the icon too.
pub static MARK: LazyLock<String> = LazyLock::new(|| address("mark.svg"));
/// Address of the script that sends the form `auto-submit` on.
pub static SUBMIT: LazyLock<String> = LazyLock::new(|| address("submit.js"));

/// The hash in the addresses: 64 bits of SHA-256 over all names and contents.
pub static VERSION: LazyLock<String> = LazyLock::new(version);

struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

const SVG: &str = "image/svg+xml";

const ASSETS: [Asset; 6] = [
    Asset {
        name: "doorward.css",
        content_type: "text/css; charset=utf-8",
        content: include_bytes!("../../static/doorward.css"),
    },
    Asset {
        name: "submit.js",
        content_type: "text/javascript; charset=utf-8",
        content: include_bytes!("../../static/submit.js"),
    },
    Asset {
        name: "mark.svg",
        content_type: SVG,
        content: include_bytes!("../../static/mark.svg"),
    },
    Asset {
        name: "door-ajar.svg",
        content_type: SVG,
        content: include_bytes!("../../static/door-ajar.svg"),
    },
    Asset {
        name: "door-closed.svg",
        content_type: SVG,
        content: include_bytes!("../../static/door-closed.svg"),
    },
    Asset {
        name: "door-open.svg",
        content_type: SVG,
        content: include_bytes!("../../static/door-open.svg"),
    },
];

/// `GET /static/{version}/{name}`. Another release's version gets today's content, uncached: while
/// nodes are being replaced, a page of the one may ask the other for its style.
pub async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, NOSNIFF).into_response();
    };
    let caching = if version == *VERSION {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, caching),
        // An SVG opened by itself is a document: it may load and run nothing.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ];
    (NOSNIFF, headers, asset.content).into_response()
}

const NOSNIFF: [(HeaderName, &str); 1] = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];

fn address(name: &str) -> String {
    format!("/static/{}/{name}", *VERSION)
}

fn version() -> String {
    let mut hash = openssl::sha::Sha256::new();
    for asset in &ASSETS {
        hash.update(asset.name.as_bytes());
        hash.update(&(asset.content.len() as u64).to_be_bytes());
        hash.update(asset.content);
    }
    hash.finish()
        .iter()
        .take(8)
        .fold(String::new(), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
pub(crate) fn names_and_contents() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    ASSETS.iter().map(|asset| (asset.name, asset.content))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(version: &str, name: &str) -> Response {
        asset(Path((version.to_owned(), name.to_owned()))).await
    }

    #[tokio::test]
    async fn the_style_sheet_of_this_release_may_be_kept_for_ever() {
        let response = get(&VERSION, "doorward.css").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()["content-type"],
            "text/css; charset=utf-8"
        );
        assert_eq!(
            response.headers()["cache-control"],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }

    #[tokio::test]
    async fn another_releases_address_gives_todays_content_uncached() {
        let response = get("0123456789abcdef", "submit.js").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-cache");
    }

    #[tokio::test]
    async fn what_is_no_asset_is_not_found() {
        for name in ["doorward.rs", "../Cargo.toml", "", "DOORWARD.CSS"] {
            assert_eq!(
                get(&VERSION, name).await.status(),
                StatusCode::NOT_FOUND,
                "{name}"
            );
        }
    }

    #[test]
    fn every_picture_that_the_style_sheet_names_is_an_asset() {
        let style = std::str::from_utf8(ASSETS[0].content).unwrap();
        let mut named = 0;
        for url in style.split("url(\"").skip(1) {
            let name = url.split('"').next().unwrap();
            assert!(ASSETS.iter().any(|asset| asset.name == name), "{name}");
            named += 1;
        }
        assert!(named > 0);
    }

    #[test]
    fn no_picture_holds_a_script_or_loads_anything() {
        for asset in ASSETS.iter().filter(|asset| asset.content_type == SVG) {
            let text = std::str::from_utf8(asset.content).unwrap();
            let body = text.replace("http://www.w3.org/2000/svg", "");
            for unwanted in ["<script", "http", "href", "<style", "style=", " on"] {
                assert!(!body.contains(unwanted), "{}: {unwanted}", asset.name);
            }
        }
    }
}
