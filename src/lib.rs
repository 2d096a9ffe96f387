//! **The application never sees a user who may not enter it.**
//!
//! Doorward is a SAML 2.0 identity provider that is closed by default. Several applications sign in
//! through it with one user database, and each is a door with a rule of its own. An assertion of
//! success leaves only after a decision, made then, on what the database says then: the user is
//! active and holds the role(s) that this very application requires. Having a session, having
//! entered another application, having been allowed a minute ago: none of these counts.
//!
//! # The rooms, in reading order
//!
//! Inner rooms are pure: no I/O, no async, no SQL, no clock, no randomness. Arrows point inwards
//! only, and `tests/architecture.rs` fails on any other.
//!
//! 1. [`access`] – the promise. [`access::authorize`] is the only maker of a [`access::Grant`], and
//!    only a grant makes an assertion. Read it first; `tests/promise.rs` shows it over HTTP.
//! 2. [`directory`] – the nouns: user, role, rule, service provider, session, facts, time, reason.
//! 3. [`saml`] – the protocol: bytes become a verified message, a grant becomes signed bytes. Below
//!    it one strict XML reader, one tree, one canonicaliser, one writer.
//! 4. [`authn`] – proving who somebody is: passwords, the bounded hashing pool, throttling.
//! 5. [`storage`] – the database, and the only room that knows SQL. It alone makes facts.
//! 6. [`clock`], [`config`], [`keystore`] – where time, settings and keys come from; `digest`, how
//!    every request is hashed.
//! 7. [`sources`] – the metadata that we consume from others: fetching, comparing, refreshing.
//! 8. [`web`] – HTTP: one file per address; handlers extract, fetch, decide by asking, and answer.
//! 9. [`cli`] – one file per command.
//! 10. `demo` – the store and the publisher of `doorward demo`: real service providers that know no
//!     other room (feature `demo`; a production build leaves it out).
//!
//! `docs/architecture.md` walks through a sign-in, a refusal and the POST binding;
//! `docs/decisions` says why things are as they are ("decision 9" in a comment is `0009-…` there).

pub mod access;
pub mod authn;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
mod digest;
pub mod directory;
pub mod keystore;
pub mod saml;
pub mod sources;
pub mod storage;
pub mod web;
