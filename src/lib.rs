//! Doorward.
pub mod access;
pub mod clock;
pub mod config;
pub mod directory;
