//! Doorward, a SAML 2.0 identity provider that is closed by default.

pub mod access;
pub mod authn;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod directory;
mod hmac;
pub mod keystore;
pub mod saml;
pub mod storage;
pub mod web;
