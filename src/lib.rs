//! Doorward.
pub mod access;
pub mod authn;
pub mod clock;
pub mod config;
pub mod directory;
