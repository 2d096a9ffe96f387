//! Values as each language writes them down. What people chose (an entityID, an address) must
//! neither break a configuration nor become part of its program.

/// A string of JSON; Python, JavaScript and Go read the same.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of such strings.
pub(super) fn list(texts: &[String]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", quoted.join(", "))
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
    }

    #[test]
    fn pem_has_short_lines() {
        let text = pem(&"A".repeat(130));
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [27, 64, 64, 2, 25]);
    }
}
