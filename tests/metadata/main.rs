//! The metadata that we consume: aggregates, their signatures and lifetimes, where they are fetched
//! from, and what a source's registrations are worth (C-MC, T-MD, T-SSRF-MD).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

mod aggregates;
mod federation;
