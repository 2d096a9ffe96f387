//! What one of our keys is for, and where it stands between its making and its end.

/// What a key is for: one use each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    /// To sign with.
    Signing,
    /// To be encrypted to.
    Encryption,
}

impl KeyUse {
    /// The word that is stored and shown; that of a KeyDescriptor (Metadata 2.4.1.1).
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
        }
    }

    /// The use of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Signing, Self::Encryption]
            .into_iter()
            .find(|key_use| key_use.word() == word)
    }
}

/// The state of a key. Our metadata publishes all signing keys, so that whoever reads it verifies
/// what any of them signed (IIP-MD07, SDP-IDP32), and of the encryption keys the active one alone:
/// all of these decrypt (C-E9, decision 51).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Signing: published before its first use; signs only for SPs that were moved to it by name.
    /// Encryption: known to every node, and to nobody else yet.
    Next,
    /// Signing: signs for every SP that is not held at another key. Encryption: published. There is
    /// exactly one of each.
    Active,
    /// Was active. Signing: published until every SP has let go of it. Encryption: decrypts what SPs
    /// still encrypt to it.
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
