//! Authentication contexts: how somebody signed in, told truthfully.

use std::sync::Arc;

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

    /// The class to assert for a sign-in of the kind `done`, where a request asks for these classes;
    /// `None` is NoAuthnContext (Core 3.3.2.2.1).
    #[must_use]
    pub fn fitting(
        done: Self,
        comparison: Comparison,
        asked: &[&str],
        order: &ContextOrder,
    ) -> Option<Self> {
        let truthful = done.truthful();
        if comparison == Comparison::Exact {
            // The order of the request is its preference; no order of ours is needed.
            let named = |asked: &&str| truthful.iter().copied().find(|one| one.uri() == *asked);
            return asked.iter().find_map(named);
        }
        let known: Vec<usize> = asked.iter().filter_map(|uri| order.rank(uri)).collect();
        let (weakest, strongest) = (*known.iter().min()?, *known.iter().max()?);
        let fits = |rank: usize| match comparison {
            Comparison::Exact => false,
            Comparison::Minimum => rank >= weakest,
            // Stronger than each of them: what has no place in the order cannot be compared.
            Comparison::Better => known.len() == asked.len() && rank > strongest,
            Comparison::Maximum => rank <= strongest,
        };
        let ranked = truthful
            .iter()
            .filter_map(|one| Some((order.rank(one.uri())?, *one)));
        let best = ranked
            .filter(|(rank, _)| fits(*rank))
            .max_by_key(|(rank, _)| *rank);
        best.map(|(_, context)| context)
    }

    /// What a sign-in may truthfully be called: a protected password is a password too, and every
    /// sign-in is unspecified.
    const fn truthful(self) -> &'static [Self] {
        match self {
            Self::PasswordProtectedTransport => &[
                Self::PasswordProtectedTransport,
                Self::Password,
                Self::Unspecified,
            ],
            Self::Password => &[Self::Password, Self::Unspecified],
            Self::Unspecified => &[Self::Unspecified],
        }
    }
}

/// How a request compares contexts (Core 3.3.2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// One of those asked for, the default.
    Exact,
    /// At least as strong as one of them.
    Minimum,
    /// Stronger than each of them.
    Better,
    /// As strong as possible, and not stronger than the strongest of them.
    Maximum,
}

impl Comparison {
    /// From the attribute's value; `None` is none of the four.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "exact" => Self::Exact,
            "minimum" => Self::Minimum,
            "better" => Self::Better,
            "maximum" => Self::Maximum,
            _ => return None,
        })
    }
}

/// The classes in the order of their strength, the weakest first, as the site sees it. Classes that
/// are not asserted here may stand in it: they are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextOrder(Arc<[String]>);

impl ContextOrder {
    /// This order, the weakest first.
    #[must_use]
    pub fn new(uris: impl IntoIterator<Item = String>) -> Self {
        Self(uris.into_iter().collect())
    }

    fn rank(&self, uri: &str) -> Option<usize> {
        self.0.iter().position(|known| known == uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MFA: &str = "https://refeds.org/profile/mfa";
    const KERBEROS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos";

    fn fitting(done: AuthnContext, comparison: &str, asked: &[&str]) -> Option<AuthnContext> {
        let order = [
            AuthnContext::Unspecified.uri(),
            AuthnContext::Password.uri(),
            AuthnContext::PasswordProtectedTransport.uri(),
            MFA,
        ];
        let order = ContextOrder::new(order.map(str::to_owned));
        AuthnContext::fitting(done, Comparison::parse(comparison)?, asked, &order)
    }

    #[test]
    fn c_n11_each_comparison_is_met_by_what_is_true_and_by_nothing_else() {
        use AuthnContext::{Password, PasswordProtectedTransport as Protected, Unspecified};
        let (pw, protected) = (Password.uri(), Protected.uri());
        for (comparison, asked, expected) in [
            ("exact", &[protected][..], Some(Protected)),
            ("exact", &[pw, protected], Some(Password)),
            ("exact", &[MFA], None),
            ("minimum", &[pw], Some(Protected)),
            ("minimum", &[MFA, pw], Some(Protected)),
            ("minimum", &[MFA], None),
            ("minimum", &[KERBEROS], None),
            ("minimum", &[KERBEROS, protected], Some(Protected)),
            ("better", &[pw], Some(Protected)),
            ("better", &[protected], None),
            ("better", &[pw, MFA], None),
            ("better", &[pw, KERBEROS], None),
            ("maximum", &[MFA], Some(Protected)),
            ("maximum", &[pw], Some(Password)),
            ("maximum", &[pw, protected], Some(Protected)),
            ("maximum", &[Unspecified.uri()], Some(Unspecified)),
            ("maximum", &[KERBEROS], None),
            ("about", &[pw], None),
        ] {
            assert_eq!(
                fitting(Protected, comparison, asked),
                expected,
                "{comparison} {asked:?}"
            );
        }
        // C-N12: an unprotected password is never called a protected one.
        assert_eq!(fitting(Password, "minimum", &[protected]), None);
        assert_eq!(fitting(Password, "exact", &[protected]), None);
        assert_eq!(fitting(Password, "maximum", &[MFA]), Some(Password));
    }
}
