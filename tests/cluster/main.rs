//! Several nodes behind nginx: the files of `deploy/`, held true, and the topology that they describe,
//! started for real.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::assigning_clones,
    reason = "in a test a panic is the report"
)]

mod access_log;
mod cluster;
mod crowd;
mod cutter;
#[path = "../support/database.rs"]
#[expect(dead_code, reason = "each test binary uses its part of the support")]
mod database;
mod database_faults;
mod disk_full;
mod engine;
mod files;
#[path = "../support/form.rs"]
mod form;
mod nginx;
mod node_faults;
mod person;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "each test binary uses its part of the support")]
mod server;
mod sign_ins;
mod skew;
#[path = "../support/tls.rs"]
#[expect(dead_code, reason = "each test binary uses its part of the support")]
mod tls;
mod unavailable;
mod versions;
mod wire;
