//! HTTP: one file per door. Handlers are prose: extract, fetch, decide, answer.
//!
//! This room knows neither SQL nor the rules of SAML nor who may enter: it asks the rooms that do.

pub mod assets;
pub mod pages;

mod account;
mod answer;
mod app;
mod artifact;
pub(crate) mod browser;
mod consent;
mod cookies;
mod denied;
mod discovery;
mod door;
mod ecp;
mod failure;
mod flow;
mod headers;
mod health;
mod launcher;
mod login;
mod logout;
mod metadata;
mod metrics;
mod protection;
mod reasons;
mod routes;
mod samlsso;
mod signing;
pub(crate) mod slo;
mod soap;
mod sso;
mod trace;
mod visit;

pub use app::{App, Site};
pub use metadata::metadata_document;
pub use metrics::metrics_router;
pub use routes::router;
pub use trace::{TraceSocket, sockets as trace_sockets};
