//! Tokens that we seal: what was not sealed by us opens nothing, and whatever one says that is sealed
//! under our own key (an older version's, say), nothing fails on our side.
#![no_main]

use std::sync::OnceLock;

use axum::body::Body;
use axum::http::Request;
use doorward::keystore::sealed;
use doorward_fuzz::{Product, product};
use libfuzzer_sys::fuzz_target;

/// Purposes, and where such a token is brought to.
const PLACES: [(&str, &str); 4] = [
    ("flow-form", "/login?t="),
    ("flow-hop", "/saml/sso/continue?t="),
    ("flow-form", "/login"),
    ("flow-form", "/consent"),
];

fuzz_target!(|data: &[u8]| {
    static PRODUCT: OnceLock<Product> = OnceLock::new();
    let product = PRODUCT.get_or_init(|| product("sealed"));
    let now = product.app.now();
    let Some((first, payload)) = data.split_first() else { return };
    let (purpose, place) = PLACES[usize::from(first % 4)];
    let secrets = &product.booted.secrets;
    let token = if first & 4 == 0 {
        let key = secrets.flow_key(purpose, now.day()).expect("a key");
        let token = sealed::seal(&key, payload, purpose).expect("a token");
        let keys = secrets.flow_keys(purpose, now).expect("keys");
        let opened = sealed::open(&keys, &token, purpose);
        assert_eq!(opened.as_deref(), Some(payload), "what was sealed opens");
        assert_eq!(sealed::open(&keys, &token, "another"), None);
        token
    } else {
        let Ok(text) = std::str::from_utf8(payload) else { return };
        let keys = secrets.flow_keys(purpose, now).expect("keys");
        assert_eq!(sealed::open(&keys, text, purpose), None, "a forged token opens");
        text.to_owned()
    };
    let request = if place.ends_with('=') {
        Request::get(format!("{place}{token}"))
            .header("Cookie", format!("doorward_session={}", "0".repeat(64)))
            .header("Sec-Fetch-Site", "same-origin")
            .body(Body::empty())
    } else {
        let token = token.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_', "+");
        let body = format!("token={token}&username=ada&password=correct+horse&answer=yes&shown=a&csrf=a");
        Request::post(place)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Cookie", format!("doorward_browser={}", "1".repeat(64)))
            .header("Origin", "http://127.0.0.1:8080")
            .body(Body::from(body))
    };
    if let Ok(request) = request {
        product.ask(request);
    }
});
