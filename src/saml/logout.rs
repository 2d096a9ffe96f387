//! Single logout: LogoutRequest and LogoutResponse, in and out (Core 3.7, Profiles 4.4).
//!
//! What comes in is an unverified message, which says only whose registration to fetch, and becomes
//! a verified one that is bound to that registration (decision 3). Unlike an AuthnRequest, a logout
//! message is always signed (Profiles 4.4.3.1, 4.4.4.1).

mod error;
mod message;
mod request;
mod response;
mod send;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::encryption::DecryptionKeys;
pub use error::LogoutError;
pub use request::{LogoutRefused, LogoutRequest, UnverifiedLogoutRequest};
pub use response::{LogoutResponse, UnverifiedLogoutResponse};
pub use send::{LogoutStatus, NewLogoutRequest, NewLogoutResponse, Reason, Unsigned};

/// What logout messages are held against.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The address that the message came to.
    pub location: String,
    /// Tolerance for others' clocks.
    pub clock_skew: Duration,
    /// The keys that identifiers are encrypted to us for.
    pub decryption: DecryptionKeys,
}
