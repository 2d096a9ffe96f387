//! What people agreed to let an SP know about them.

use super::time::UnixTime;

/// One thing that an SP is told: an attribute by Name and NameFormat, or the identifier by its
/// format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosed {
    /// Name; `NameID` for the identifier.
    pub name: String,
    /// NameFormat, or the format of the identifier.
    pub format: String,
    /// What it was called when somebody was asked.
    pub label: String,
}

impl Disclosed {
    /// Whether it is the same thing, whatever it is called.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (&self.name, &self.format) == (&other.name, &other.format)
    }
}

/// A consent: when it was given, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// When it was given, or last grew.
    pub agreed_at: UnixTime,
    /// To what, in the order in which it was shown.
    pub disclosed: Vec<Disclosed>,
}

impl Consent {
    /// Whether all of this was agreed to. A set that grew was not.
    #[must_use]
    pub fn covers(&self, asked: &[Disclosed]) -> bool {
        asked
            .iter()
            .all(|one| self.disclosed.iter().any(|agreed| agreed.is(one)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disclosed(name: &str, format: &str) -> Disclosed {
        Disclosed {
            name: name.to_owned(),
            format: format.to_owned(),
            label: String::new(),
        }
    }

    #[test]
    fn a_consent_covers_less_and_never_more() {
        let consent = Consent {
            agreed_at: UnixTime::from_millis(0),
            disclosed: vec![disclosed("a", "uri"), disclosed("b", "uri")],
        };
        assert!(consent.covers(&[]));
        assert!(consent.covers(&[disclosed("b", "uri")]));
        assert!(!consent.covers(&[disclosed("b", "basic")]));
        assert!(!consent.covers(&[disclosed("a", "uri"), disclosed("c", "uri")]));
    }
}
