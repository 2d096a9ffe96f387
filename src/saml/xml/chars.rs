//! What characters and names XML 1.0 (fifth edition) allows.

/// White space in the sense of XML: nothing but these four (XML 1.0, production 3).
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether `text` is empty or nothing but XML white space.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.bytes().all(is_space)
}

/// XML 1.0, production 2. A `char` cannot be a surrogate.
pub(super) const fn is_legal(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether any byte is such. Without an early exit, so that it compiles to vector instructions:
/// nearly every text has none.
pub(super) fn has_byte(text: &str, such: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, byte| found | such(byte))
}

/// Whether XML can carry every character of `text`.
pub(super) fn all_legal(text: &str) -> bool {
    // Illegal are the control characters, and U+FFFE and U+FFFF, which begin with this byte.
    let suspicious = |byte: u8| byte < b' ' && !is_space(byte) || byte == 0xEF;
    !has_byte(text, suspicious) || text.chars().all(is_legal)
}

/// Whether `name` is an `NCName`: a name without colon (Namespaces in XML 1.0, production 4).
#[must_use]
pub fn is_nc_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(starts_name) && characters.all(continues_name)
}

/// XML 1.0, production 4, without the colon.
const fn starts_name(character: char) -> bool {
    matches!(character,
        'a'..='z' | 'A'..='Z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// XML 1.0, production 4a, without the colon.
const fn continues_name(character: char) -> bool {
    starts_name(character)
        || matches!(character,
            '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Whether a namespace name is an absolute URI, as far as C14N depends on it: a scheme, then
/// something, in the characters of RFC 3986.
pub(super) fn is_absolute_uri(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && rest.bytes().all(|b| {
            b.is_ascii_graphic()
                && !matches!(
                    b,
                    b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
                )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_characters_of_xml_are_legal() {
        for legal in [
            "",
            "\t\n\r ~",
            "\u{7F}\u{85}",
            "\u{D7FF}\u{E000}\u{FFFD}\u{10FFFF}",
        ] {
            assert!(all_legal(legal), "{legal:?}");
        }
        for illegal in ["\0", "a\u{1}", "\u{B}", "\u{1F}", "\u{FFFE}", "x\u{FFFF}"] {
            assert!(!all_legal(illegal), "{illegal:?}");
        }
    }

    #[test]
    fn names_without_colon_are_nc_names() {
        for name in ["_", "a", "ID-1.2", "é", "a·b"] {
            assert!(is_nc_name(name), "{name:?}");
        }
        for name in [
            "",
            "1",
            "-a",
            ".a",
            "a b",
            "a:b",
            "·",
            "a×",
            "xpointer(/)",
            "a\u{FFFE}",
        ] {
            assert!(!is_nc_name(name), "{name:?}");
        }
    }

    #[test]
    fn namespace_names_are_absolute() {
        for uri in ["urn:a", "http://www.w3.org/2000/09/xmldsig#", "a+b-c.1:x"] {
            assert!(is_absolute_uri(uri), "{uri:?}");
        }
        for uri in [
            "1",
            "a/b",
            ":a",
            "urn:",
            "1a:b",
            "//host/x",
            "urn:a b",
            "urn:<",
            "u\u{e9}:a",
        ] {
            assert!(!is_absolute_uri(uri), "{uri:?}");
        }
    }
}
