//! Where one of our signing keys stands between its making and its end.

/// The state of a signing key. All three are published in our metadata, so that whoever reads it
/// verifies what any of them signed (IIP-MD07, SDP-IDP32).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Published before its first use; signs only for SPs that were moved to it by name.
    Next,
    /// Signs for every SP that is not held at another key. There is exactly one.
    Active,
    /// Was active; published until every SP has let go of it.
    Retiring,
}

impl KeyState {
    /// All of them, in the order of a key's life.
    pub const ALL: [Self; 3] = [Self::Next, Self::Active, Self::Retiring];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}
