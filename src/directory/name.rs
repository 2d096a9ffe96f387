//! Names and identifiers, each a type of its own, made only by parsing.

use std::fmt;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

/// Why a text is not the name that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing but blanks.
    #[error("is empty")]
    Empty,
    /// Longer than the limit, in bytes.
    #[error("is longer than {0} bytes")]
    TooLong(usize),
    /// Holds a control character, a line end or something else that no name holds.
    #[error("holds a character that is not allowed there: {0:?}")]
    Character(char),
    /// An entityID has to be an absolute URI (Core 1.3.2, 8.3.6).
    #[error("is not an absolute URI")]
    NotAUri,
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text as it is stored and compared.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type! {
    /// The name that a person signs in with, as it was given, without outer blanks. Two names are
    /// the same when their [`UserName::key`]s are.
    UserName
}
text_type! {
    /// The name of a role. Compared byte for byte (`Internal/publisher`).
    RoleName
}
text_type! {
    /// The short unique name of a service provider, as a person types it (`store`).
    SpName
}
text_type! {
    /// The entityID of a SAML entity. Compared byte for byte (Core 1.3.1).
    EntityId
}
text_type! {
    /// The immutable random id of a user; never used again for somebody else.
    UserId
}
text_type! {
    /// The immutable random id of a registration.
    SpId
}
text_type! {
    /// The short unique name of a source of metadata, as a person types it (`incommon`).
    SourceName
}
text_type! {
    /// The immutable random id of a source of metadata.
    SourceId
}
text_type! {
    /// The random id of a session row. It is not the secret that the browser holds.
    SessionId
}
text_type! {
    /// The random id of a signing key.
    KeyId
}
text_type! {
    /// An `xs:ID` of a SAML message (Core 1.3.4).
    MessageId
}
text_type! {
    /// The reference under which the log tells what happened to one request. Ours, never taken
    /// from a header.
    TraceId
}

macro_rules! stored_id {
    ($($name:ident),*) => { $(
        impl $name {
            /// Takes over an id that this program made: fresh from randomness, or read back.
            #[must_use]
            pub fn from_stored(id: impl Into<String>) -> Self {
                Self(id.into())
            }
        }
    )* };
}
stored_id!(UserId, SpId, SourceId, SessionId, KeyId, TraceId);

impl UserName {
    /// Trims outer blanks; 1 to 190 bytes, no control characters, and none that nobody sees.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = checked(text.trim(), 190)?;
        match name.chars().find(|c| is_unseen(*c)) {
            Some(unseen) => Err(NameError::Character(unseen)),
            None => Ok(Self(name)),
        }
    }

    /// What is compared: without case, and in one of the forms in which Unicode writes the same
    /// letters (decision 59).
    #[must_use]
    pub fn key(&self) -> String {
        if self.0.is_ascii() {
            return self.0.to_ascii_lowercase();
        }
        // A sigma at the end of a word is the same letter as one within.
        let lower = self.0.nfc().flat_map(char::to_lowercase);
        lower
            .map(|c| if c == 'ς' { 'σ' } else { c })
            .nfc()
            .collect()
    }
}

impl RoleName {
    /// The built-in role that everybody holds: the one explicit way to open a door to all.
    pub const EVERYONE: &'static str = "everyone";

    /// 1 to 190 bytes, no control characters, no outer blanks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if let Some(blank) = text.chars().find(|c| c.is_whitespace() && *c != ' ') {
            return Err(NameError::Character(blank));
        }
        if text != text.trim() {
            return Err(NameError::Character(' '));
        }
        checked(text, 190).map(Self)
    }

    /// The role `everyone`.
    #[must_use]
    pub fn everyone() -> Self {
        Self(Self::EVERYONE.to_owned())
    }
}

impl SpName {
    /// 1 to 64 of `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = checked(text, 64)?;
        match name
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
        {
            Some(other) => Err(NameError::Character(other)),
            None => Ok(Self(name)),
        }
    }
}

impl SourceName {
    /// Of the same form as an [`SpName`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        SpName::parse(text).map(|name| Self(name.0))
    }
}

impl EntityId {
    /// An absolute URI of at most 1,024 characters (Core 8.3.6), taken byte for byte.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if let Some(blank) = text.chars().find(|c| c.is_whitespace()) {
            return Err(NameError::Character(blank));
        }
        let id = checked(text, 1024)?;
        url::Url::parse(&id).map_err(|_| NameError::NotAUri)?;
        Ok(Self(id))
    }

    /// Takes an entityID of the old kind that is no URI (`localhost`, as WSO2's SPs use). The
    /// administrator gave it in so many words, so it is compared like any other.
    pub fn parse_lenient(text: &str) -> Result<Self, NameError> {
        if let Some(blank) = text.chars().find(|c| c.is_whitespace()) {
            return Err(NameError::Character(blank));
        }
        checked(text, 1024).map(Self)
    }
}

impl MessageId {
    /// An NCName of at most 256 characters: what an `xs:ID` is (Core 1.3.4).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let id = checked(text, 256)?;
        let mut characters = id.chars();
        let starts_well = characters
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_');
        let wrong = characters.find(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')));
        match (starts_well, wrong) {
            (true, None) => Ok(Self(id)),
            (_, Some(other)) => Err(NameError::Character(other)),
            (false, None) => Err(NameError::Character(id.chars().next().unwrap_or(' '))),
        }
    }

    /// `_` and 160 random bits in hex (Core 1.3.4).
    #[must_use]
    pub fn from_random(random: [u8; 20]) -> Self {
        let mut id = String::with_capacity(41);
        id.push('_');
        let digits = random.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        id.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
        Self(id)
    }
}

fn checked(text: &str, limit: usize) -> Result<String, NameError> {
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > limit {
        return Err(NameError::TooLong(limit));
    }
    let odd = |c: &char| c.is_control() || is_bidi_control(*c) || is_beyond_xml(*c);
    match text.chars().find(odd) {
        Some(other) => Err(NameError::Character(other)),
        None => Ok(text.to_owned()),
    }
}

/// The two that are no control characters and that XML 1.0 cannot carry all the same (2.2): a name
/// with one of them could not be told to any SP.
#[must_use]
pub fn is_beyond_xml(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Characters that reorder the text around them, and so can make one name look like another.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that take no room: two names would look the same that are not. Those that join letters or
/// keep them apart (U+200C, U+200D) are seen, in the scripts that need them.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_g1_entity_ids_are_compared_byte_for_byte() {
        let one = EntityId::parse("https://sp.example").unwrap();
        assert_ne!(one, EntityId::parse("https://SP.example").unwrap());
        assert_eq!(
            EntityId::parse("https://sp.example "),
            Err(NameError::Character(' '))
        );
        assert_eq!(EntityId::parse("store"), Err(NameError::NotAUri));
    }

    #[test]
    fn sign_in_names_are_the_same_without_case_and_outer_blanks() {
        let one = UserName::parse("  Ada ").unwrap();
        assert_eq!(one.as_str(), "Ada");
        assert_eq!(one.key(), UserName::parse("aDA").unwrap().key());
    }

    #[test]
    fn sign_in_names_are_the_same_in_every_form_that_unicode_has_for_their_letters() {
        let key = |text: &str| UserName::parse(text).unwrap().key();
        assert_eq!(key("Jos\u{e9}"), key("jOSE\u{301}"));
        assert_eq!(key("\u{c5}sa"), key("A\u{30a}SA"));
        assert_eq!(
            key("\u{212b}sa"),
            key("\u{e5}sa"),
            "the sign for \u{e5}ngstr\u{f6}m"
        );
        assert_eq!(key("\u{ac00}"), key("\u{1100}\u{1161}"), "Hangul");
        assert_eq!(
            key("\u{3a3}\u{39f}\u{3a3}"),
            key("\u{3c3}\u{3bf}\u{3c2}"),
            "sigma"
        );
        assert_ne!(key("ada"), key("\u{430}da"), "other letters are others");
        let once = key("\u{130}\u{307}\u{1e9e}\u{3a3}");
        assert_eq!(key(&once), once, "a key is its own key");
    }

    #[test]
    fn sign_in_names_hold_nothing_that_is_not_seen() {
        for unseen in [
            "\u{200b}",
            "\u{ad}",
            "\u{2060}",
            "\u{feff}",
            "\u{fe0f}",
            "\u{e0041}",
            "\u{3164}",
        ] {
            assert!(
                UserName::parse(&format!("a{unseen}da")).is_err(),
                "{unseen:?}"
            );
        }
        assert!(
            UserName::parse("\u{646}\u{200c}\u{647}").is_ok(),
            "Persian writes it"
        );
    }

    #[test]
    fn no_name_holds_what_xml_cannot_carry() {
        for text in ["a\u{1}", "a\u{fffe}", "a\u{ffff}"] {
            assert!(UserName::parse(text).is_err(), "{text:?}");
            assert!(RoleName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn c_g5_ids_that_we_make_are_legal_ncnames_of_160_bits() {
        let id = MessageId::from_random([0xab; 20]);
        assert_eq!(id.as_str().len(), 41);
        assert_eq!(MessageId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn t_emptystr_ids_that_are_no_ncname_are_refused() {
        for id in ["", " ", "a b", "1a", "xpointer(/)", "a:b", "a\u{0}", "<"] {
            assert!(MessageId::parse(id).is_err(), "{id:?}");
        }
        assert_eq!(
            MessageId::parse(&"a".repeat(10_000)),
            Err(NameError::TooLong(256))
        );
    }
}
