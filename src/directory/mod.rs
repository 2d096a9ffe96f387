//! The nouns: user, role, service provider, session, time, audit event, reason code.
//!
//! This room knows no protocol, no database and no clock: its types say what exists and what may
//! be written down, and everything else depends on it.

pub mod acs;
pub mod algorithms;
pub mod attribute;
pub mod attribute_sets;
pub mod audit;
pub mod consent;
pub mod duration;
pub mod ending;
pub mod facts;
pub mod failures;
pub mod logout;
pub mod metadata_source;
pub mod name;
pub mod protection;
pub mod reason;
pub mod release;
pub mod rule;
pub mod service_provider;
pub mod session;
pub mod signing_key;
pub mod slo_endpoint;
pub mod template;
pub mod time;
pub mod told;
pub mod user;
