//! The protocol: bytes in, verified message; grant in, signed bytes out.
//!
//! This room is pure: no I/O, no async, no clock. It knows no database and no HTTP.

pub mod signature;
pub mod xml;
