//! What SAML demands of an identity provider, asked of a running `doorward serve` over HTTP. Each test
//! bears the id of the requirement that it shows; docs/conformance.md is made of these names.
//!
//! Every Response is checked by others: the OASIS schemas, xmlsec1 for each signature, Python's
//! cryptography for what is encrypted (`tests/support`).

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod algorithms;
#[cfg(test)]
mod encryption;
#[cfg(test)]
mod installation;
#[cfg(test)]
mod name_id;
#[cfg(test)]
mod requests;
