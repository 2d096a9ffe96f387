//! The protocol: bytes in, verified message; grant in, signed bytes out. One file per message.
//!
//! This room is pure: no I/O, no async, no clock, no randomness but OpenSSL's own inside signing.
//! It knows no database and no HTTP.

pub mod aggregate;
pub mod artifact;
pub mod attributes;
pub mod authn_context;
pub mod authn_request;
pub mod binding;
pub mod certificate;
pub mod comparison;
pub mod consent;
pub mod encryption;
pub mod logout;
pub mod metadata;
pub mod name_id;
pub mod redact;
pub mod response;
pub mod signature;
pub mod soap;
pub mod sp_metadata;
pub mod status;
pub mod status_response;
pub mod uri;
pub mod xml;

mod assertion;
mod requested;
