//! What attackers send (docs/threat-model.md), against a running `doorward serve`: every vector
//! that can be written for a kind of message, on every kind that is read. Each gets a page with a 4xx
//! status or, where its sender's endpoint can be trusted, a SAML status there; never a 5xx, a sign-in
//! form, a redirect or a post to another address. One log line says why, nothing is written to the
//! database, nobody is connected to, and it takes little time and memory.
//!
//! Each table shows vector and answer, so that a change of any of them is seen in review. A new kind
//! of message is one entry in `kinds.rs`.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod database;
#[cfg(test)]
mod drafts;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod endurance;
#[cfg(test)]
mod files;
#[cfg(test)]
mod http;
#[cfg(test)]
mod injection;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod message;
#[cfg(test)]
mod redirect;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod signature;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod table;
#[cfg(test)]
mod target;
#[cfg(test)]
mod xml;
