//! Everything that HTTP brings, against every address of the product: paths, queries, cookies,
//! forms, tokens, messages. An answer is never a failure on our side.
#![no_main]

use std::sync::OnceLock;

use axum::body::Body;
use axum::http::Request;
use doorward_fuzz::{Product, product};
use libfuzzer_sys::fuzz_target;

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
    static PRODUCT: OnceLock<Product> = OnceLock::new();
    let Some(request) = request(data) else { return };
    PRODUCT.get_or_init(|| product("http")).ask(request);
});
