//! Doorward.
pub mod access;
pub mod clock;
pub mod directory;
pub mod keystore;
pub mod storage;
