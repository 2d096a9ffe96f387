//! What storage promises, on whichever engine: every test asks `Home` for a fresh database and
//! says nothing of what is behind it. A second engine is a second way to make a `Home`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod artifacts;
mod audit;
mod concurrency;
mod consents;
mod decisions;
mod directory;
mod home;
mod secrets;
mod sessions;
mod signing_keys;
