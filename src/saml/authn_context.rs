//! Authentication contexts: how somebody signed in, told truthfully.

use serde::{Deserialize, Serialize};

/// A class of sign-in that a password can be asserted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthnContext {
    /// A password over TLS, or on the machine itself.
    PasswordProtectedTransport,
    /// A password.
    Password,
    /// Nothing said about how.
    Unspecified,
}

impl AuthnContext {
    /// What a password sign-in is asserted as where the request leaves it open.
    #[must_use]
    pub fn of_password(over_tls_or_loopback: bool) -> Self {
        if over_tls_or_loopback {
            Self::PasswordProtectedTransport
        } else {
            Self::Password
        }
    }

    /// The class URI.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::PasswordProtectedTransport => {
                "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
            }
            Self::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
            Self::Unspecified => "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
        }
    }

    /// The first of the classes asked for that a sign-in of the kind `done` may truthfully be
    /// called: a protected password is a password too, and every sign-in is unspecified.
    /// `Comparison="exact"` (Core 3.3.2.2.1).
    #[must_use]
    pub fn exact<'a>(done: Self, asked: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let truthful = match done {
            Self::PasswordProtectedTransport => &[
                Self::PasswordProtectedTransport,
                Self::Password,
                Self::Unspecified,
            ][..],
            Self::Password => &[Self::Password, Self::Unspecified],
            Self::Unspecified => &[Self::Unspecified],
        };
        asked.into_iter().find_map(|asked| {
            truthful
                .iter()
                .copied()
                .find(|context| context.uri() == asked)
        })
    }
}
