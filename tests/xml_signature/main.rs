//! XML and signatures from outside: what the reader refuses, C14N and signatures against the
//! xmlsec1 and xmllint of the machine on generated documents, and the attacks of docs/threat-model.md.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod canonical;
mod interop;
mod reader;
mod shapes;
mod soap;
mod support;
mod wrapping;
