//! Text and attribute values as C14N writes them.

use super::chars::has_byte;

/// C14N 1.0, section 2.3, text nodes.
pub(super) fn escape_text(out: &mut String, text: &str) {
    if has_byte(text, |byte| matches!(byte, b'&' | b'<' | b'>' | b'\r')) {
        escape(out, text, |byte| match byte {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'>' => Some("&gt;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        });
    } else {
        out.push_str(text);
    }
}

/// C14N 1.0, section 2.3, attribute nodes.
pub(super) fn escape_attribute(out: &mut String, value: &str) {
    if has_byte(value, |byte| {
        matches!(byte, b'&' | b'<' | b'"' | b'\t' | b'\n' | b'\r')
    }) {
        escape(out, value, |byte| match byte {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'"' => Some("&quot;"),
            b'\t' => Some("&#x9;"),
            b'\n' => Some("&#xA;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        });
    } else {
        out.push_str(value);
    }
}

/// Copies runs that need no escape at once; what is escaped is ASCII, so every cut is a boundary.
fn escape(out: &mut String, text: &str, escaped: impl Fn(u8) -> Option<&'static str>) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(reference) = escaped(byte) {
            out.push_str(text.get(from..at).unwrap_or_default());
            out.push_str(reference);
            from = at + 1;
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
}
