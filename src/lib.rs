//! Doorward: a SAML 2.0 identity provider that is closed by default.

#[cfg(feature = "demo")]
pub mod demo;
