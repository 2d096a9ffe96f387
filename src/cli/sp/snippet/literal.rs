//! Values as each language writes them down. What people chose (an entityID, an address) must
//! neither break a configuration nor become part of its program.

use std::fmt::Write as _;

/// A string of JSON; Python, JavaScript and Go read the same.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of such strings.
pub(super) fn list(texts: &[String]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", quoted.join(", "))
}

/// A string of PHP in single quotes, where only the quote and the backslash mean something.
pub(super) fn php(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Text of XML, also within an attribute in double quotes.
pub(super) fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// An argument of Apache's configuration in double quotes.
pub(super) fn apache(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A value of a Java properties file, which is read as Latin-1.
pub(super) fn properties(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some('\\') => escaped.push_str("\\\\"),
            Some(plain) if plain.is_ascii_graphic() => escaped.push(plain),
            // Writing to a String cannot fail.
            _ => drop(write!(escaped, "\\u{unit:04X}")),
        }
    }
    escaped
}

/// Base64 in the lines of 64 characters that PEM has.
pub(super) fn pem(base64: &str) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = base64;
    while !rest.is_empty() {
        // Base64 is ASCII: every offset is a boundary.
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_own_quotes() {
        let hostile = "a'b\"c\\d<e>&é\u{1f600}";
        assert_eq!(quoted(hostile), "\"a'b\\\"c\\\\d<e>&é\u{1f600}\"");
        assert_eq!(php(hostile), "'a\\'b\"c\\\\d<e>&é\u{1f600}'");
        assert_eq!(xml(hostile), "a'b&quot;c\\d&lt;e&gt;&amp;é\u{1f600}");
        assert_eq!(apache(hostile), "\"a'b\\\"c\\\\d<e>&é\u{1f600}\"");
        assert_eq!(properties(hostile), "a'b\"c\\\\d<e>&\\u00E9\\uD83D\\uDE00");
        assert_eq!(properties(" x"), "\\u0020x");
    }

    #[test]
    fn pem_has_short_lines() {
        let text = pem(&"A".repeat(130));
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [27, 64, 64, 2, 25]);
    }
}
