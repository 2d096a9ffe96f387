//! Everything that HTTP brings, against every address of the product: paths, queries, cookies,
//! forms, tokens, messages. An answer is never a failure on our side.
#![no_main]

use std::sync::OnceLock;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use doorward::cli::{app, boot};
use doorward::clock::Clock;
use doorward::config::Config;
use doorward::web::router;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// Cheap hashing and no waiting, so that sign-ins are tried often.
const SETTINGS: &str = "throttle = \"off\"\nsigning_algorithm = \"p256\"\n\
                        [argon2]\nmemory_kib = 64\niterations = 1\n";

fn product() -> &'static (Runtime, Router) {
    static PRODUCT: OnceLock<(Runtime, Router)> = OnceLock::new();
    PRODUCT.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        // One folder for all runs: what ends a fuzzer does not let it tidy up.
        let folder = std::env::temp_dir().join("doorward-fuzz-http");
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("doorward.toml");
        let nothing = std::iter::empty();
        let config = Config::check(SETTINGS, &file, nothing).expect("a configuration");
        let booted = runtime.block_on(boot(config, Clock::System, "fuzz"));
        let booted = booted.expect("a database");
        let app = app(&booted).expect("an app");
        (runtime, router(app))
    })
}

/// A request as it stands on the wire: a line, headers, an empty line, a body.
fn request(text: &[u8]) -> Option<Request<Body>> {
    let end = text.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = text.split_at(end.unwrap_or(text.len()));
    let mut lines = std::str::from_utf8(head).ok()?.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        request = request.header(name, value);
    }
    let body = body.get(2..).unwrap_or_default().to_vec();
    request.body(Body::from(body)).ok()
}

fuzz_target!(|data: &[u8]| {
    let Some(request) = request(data) else { return };
    let (runtime, router) = product();
    let answer = runtime.block_on(router.clone().oneshot(request));
    let answer = answer.expect("a router always answers");
    // A SOAP Fault has 500 by its own rules (SOAP 1.1, 6.2).
    let fault = answer.headers().get("content-type");
    let fault = fault.is_some_and(|kind| kind.as_bytes().starts_with(b"text/xml"));
    assert!(
        fault || answer.status() != StatusCode::INTERNAL_SERVER_ERROR,
        "a failure on our side"
    );
});
