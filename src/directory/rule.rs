//! Who may enter a door: a non-empty set of roles, any of them or all of them (decision 2).

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use super::name::RoleName;

/// The rule of one service provider. It cannot be empty: open to all is the role `everyone`,
/// chosen by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    quantifier: Quantifier,
    roles: BTreeSet<RoleName>,
}

/// How many of the rule's roles a person has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// One of them is enough.
    AnyOf,
    /// Every one of them (`--require-all`).
    AllOf,
}

/// A rule without a role would be vacuously true or false; neither may be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a rule names at least one role; open to all is the role `everyone`")]
pub struct EmptyRule;

impl Rule {
    /// The one way to write down a rule.
    pub fn new(
        quantifier: Quantifier,
        roles: impl IntoIterator<Item = RoleName>,
    ) -> Result<Self, EmptyRule> {
        let roles: BTreeSet<_> = roles.into_iter().collect();
        if roles.is_empty() {
            Err(EmptyRule)
        } else {
            Ok(Self { quantifier, roles })
        }
    }

    /// Any of or all of.
    #[must_use]
    pub fn quantifier(&self) -> Quantifier {
        self.quantifier
    }

    /// The roles that the rule names, in order.
    pub fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.roles.iter()
    }

    /// Whether it names this role.
    #[must_use]
    pub fn names(&self, role: &RoleName) -> bool {
        self.roles.contains(role)
    }

    /// Whether somebody with these roles may enter. Everybody holds `everyone`.
    #[must_use]
    pub fn admits(&self, held: &BTreeSet<RoleName>) -> bool {
        let holds = |role: &RoleName| role.as_str() == RoleName::EVERYONE || held.contains(role);
        match self.quantifier {
            Quantifier::AnyOf => self.roles.iter().any(holds),
            Quantifier::AllOf => self.roles.iter().all(holds),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<_> = self.roles.iter().map(RoleName::as_str).collect();
        match (self.quantifier, roles.as_slice()) {
            (_, [only]) => f.write_str(only),
            (Quantifier::AnyOf, _) => write!(f, "any of {}", roles.join(", ")),
            (Quantifier::AllOf, _) => write!(f, "all of {}", roles.join(", ")),
        }
    }
}
