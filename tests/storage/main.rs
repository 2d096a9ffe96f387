//! What storage promises, on whichever engine: every test asks `Home` for a fresh database and
//! says nothing of what is behind it; `DOORWARD_TEST_DATABASE` does. What is about files is asked of
//! SQLite alone.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that cannot be set up has failed, and a race is told in one piece"
)]

mod artifacts;
mod audit;
mod audit_age;
mod concurrency;
mod conformance;
mod consents;
mod contention;
mod decisions;
mod directory;
mod filling;
mod home;
mod secrets;
mod servers;
mod sessions;
mod signing_keys;

#[path = "../support/database.rs"]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod database;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod server;
