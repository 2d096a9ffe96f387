//! The command line, driven as a person or a script drives it: the program itself, in a folder of
//! its own.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "in a test a panic is the report, and a list of options is long"
)]

mod access;
mod endings;
mod https;
mod import_key;
mod installation;
mod keys;
mod many;
mod presets;
mod registrations;
mod snippets;
mod support;
#[path = "../support/tls.rs"]
mod tls;
mod users;

#[cfg(test)]
#[path = "../support/database.rs"]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod database;
#[cfg(test)]
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod server;
