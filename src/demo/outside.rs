//! The two things that come from outside: the time, and randomness.
//!
//! The product takes both from its own `clock.rs`; the demo apps are foreign service providers and
//! share nothing with it, so they have this file.

use std::time::{SystemTime, UNIX_EPOCH};

use openssl::error::ErrorStack;

/// Seconds since 1970, UTC. A clock before 1970 reads as 0, where every assertion is too young.
#[expect(
    clippy::disallowed_methods,
    reason = "the demo apps' only reading of the clock"
)]
pub(super) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// 160 random bits in hex (Core 1.3.4 demands at least 128 of an identifier).
#[expect(
    clippy::disallowed_methods,
    reason = "the demo apps' only source of randomness"
)]
pub(super) fn random_hex() -> Result<String, ErrorStack> {
    let mut bytes = [0_u8; 20];
    openssl::rand::rand_bytes(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// SHA-256 of a text in hex: what is kept of a secret that a browser holds.
pub(super) fn fingerprint(text: &str) -> String {
    hex(&openssl::sha::sha256(text.as_bytes()))
}
