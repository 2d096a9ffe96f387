//! Doorward, a SAML 2.0 identity provider that is closed by default.

pub mod access;
pub mod authn;
pub mod clock;
pub mod config;
pub mod directory;
pub mod saml;
pub mod storage;
pub mod web;
