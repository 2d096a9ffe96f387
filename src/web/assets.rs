//! The style sheet, the pictures and the one script of our pages, out of the binary.
//!
//! Their address holds a hash over all of them, so that browsers may keep them for ever and a new
//! release is seen at once. The style sheet names its pictures relatively, hence within the hash.

use std::fmt::Write as _;
use std::future::{Ready, ready};
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

/// The mark itself.
pub(super) const MARK_SVG: &[u8] = include_bytes!("../../static/mark.svg");

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
        content: MARK_SVG,
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
pub fn asset(Path((version, name)): Path<(String, String)>) -> Ready<Response> {
    ready(answer(&version, &name))
}

fn answer(version: &str, name: &str) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, NOSNIFF).into_response();
    };
    let caching = if version == VERSION.as_str() {
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

    #[test]
    fn the_style_sheet_of_this_release_may_be_kept_for_ever() {
        let response = answer(&VERSION, "doorward.css");
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

    #[test]
    fn another_releases_address_gives_todays_content_uncached() {
        let response = answer("0123456789abcdef", "submit.js");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-cache");
    }

    #[test]
    fn what_is_no_asset_is_not_found() {
        for name in ["doorward.rs", "../Cargo.toml", "", "DOORWARD.CSS"] {
            assert_eq!(
                answer(&VERSION, name).status(),
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

    /// The value of `--name` in a block of the style sheet, as linear red, green and blue.
    fn colour(block: &str, name: &str) -> Option<[f64; 3]> {
        let hex = block
            .split(&format!("--{name}: #"))
            .nth(1)?
            .split(';')
            .next()?;
        let wide: String = if hex.len() == 3 {
            hex.chars().flat_map(|digit| [digit, digit]).collect()
        } else {
            hex.to_owned()
        };
        Some([0, 2, 4].map(|at| {
            let part = f64::from(u8::from_str_radix(&wide[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        }))
    }

    /// WCAG 2.2, relative luminance and contrast ratio.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let light = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
        let (one, other) = (light(one), light(other));
        one.max(other) / one.min(other)
    }

    #[test]
    fn texts_and_edges_stand_out_as_wcag_aa_asks_in_light_and_in_dark() {
        let style = std::str::from_utf8(ASSETS[0].content).unwrap();
        let mut blocks = style
            .split(":root {")
            .skip(1)
            .map(|b| b.split('}').next().unwrap());
        let (light, dark) = (blocks.next().unwrap(), blocks.next().unwrap());
        let pairs = "ink/ground ink/surface ink/danger-ground ink/note-ground ink/good-ground \
                     quiet/ground quiet/surface accent/ground accent/surface accent-strong/ground \
                     on-accent/accent on-accent/accent-strong danger/danger-ground on-wall/wall \
                     on-wall/wall-raised lamp/wall";
        for (scheme, block) in [("light", light), ("dark", dark)] {
            let of = |name: &str| colour(block, name).or_else(|| colour(light, name)).unwrap();
            for pair in pairs.split_whitespace() {
                let (text, ground) = pair.split_once('/').unwrap();
                let ratio = contrast(of(text), of(ground));
                assert!(ratio >= 4.5, "{scheme}: {pair} is {ratio:.2}");
            }
            for ground in ["surface", "ground"] {
                let ratio = contrast(of("field-line"), of(ground));
                assert!(ratio >= 3.0, "{scheme}: field-line/{ground} is {ratio:.2}");
            }
        }
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
