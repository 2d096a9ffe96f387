//! The inside of a start tag, which the tokeniser hands over unchecked, and the values of
//! attributes and text: references resolved, line ends and white space normalised.

use super::XmlError;
use super::chars::{is_legal, is_nc_name, is_space};

/// A name as written: prefix (empty for none) and local part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RawName<'x> {
    pub(super) prefix: &'x str,
    pub(super) local: &'x str,
}

/// An attribute as written; the value stands without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawAttribute<'x> {
    pub(super) name: RawName<'x>,
    pub(super) value: &'x str,
}

/// Splits a qualified name (Namespaces in XML 1.0, production 7).
fn qualified_name(name: &str) -> Result<RawName<'_>, XmlError> {
    let (prefix, local) = match name.split_once(':') {
        Some((prefix, local)) if is_nc_name(prefix) => (prefix, local),
        Some(_) => return Err(XmlError::Name),
        None => ("", name),
    };
    if is_nc_name(local) {
        Ok(RawName { prefix, local })
    } else {
        Err(XmlError::Name)
    }
}

fn split_at_space(text: &str) -> (&str, &str) {
    let end = text.bytes().position(is_space).unwrap_or(text.len());
    text.split_at(end)
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// Reads what stands between `<` and `>` (or `/>`) of a start tag into its name and attributes.
pub(super) fn read_tag<'x>(
    tag: &'x str,
    limit: usize,
    attributes: &mut Vec<RawAttribute<'x>>,
) -> Result<RawName<'x>, XmlError> {
    attributes.clear();
    let (name, mut rest) = split_at_space(tag);
    let name = qualified_name(name)?;
    loop {
        let trimmed = skip_space(rest);
        if trimmed.is_empty() {
            return Ok(name);
        }
        if trimmed.len() == rest.len() {
            return Err(XmlError::MissingSpace);
        }
        if attributes.len() == limit {
            return Err(XmlError::TooManyAttributes);
        }
        let (attribute, after) = read_attribute(trimmed)?;
        attributes.push(attribute);
        rest = after;
    }
}

fn read_attribute(text: &str) -> Result<(RawAttribute<'_>, &str), XmlError> {
    let (name, value) = text.split_once('=').ok_or(XmlError::AttributeSyntax)?;
    let name = name.trim_end_matches([' ', '\t', '\n', '\r']);
    let value = skip_space(value);
    let quote = match value.as_bytes().first() {
        Some(b'"') => '"',
        Some(b'\'') => '\'',
        _ => return Err(XmlError::AttributeSyntax),
    };
    let (value, rest) = value
        .get(1..)
        .and_then(|v| v.split_once(quote))
        .ok_or(XmlError::AttributeSyntax)?;
    if value.contains('<') {
        return Err(XmlError::LessThanInAttribute);
    }
    Ok((
        RawAttribute {
            name: qualified_name(name)?,
            value,
        },
        rest,
    ))
}

/// Attribute-value normalisation (XML 1.0, section 3.3.3): each literal white-space character
/// becomes a blank, CR LF together one; characters given by reference stay what they are.
pub(super) fn attribute_value(raw: &str) -> Result<String, XmlError> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest
        .bytes()
        .position(|b| matches!(b, b'&' | b'\t' | b'\n' | b'\r'))
    {
        let (before, special) = rest.split_at(at);
        value.push_str(before);
        if let Some(reference) = special.strip_prefix('&') {
            let (name, after) = reference.split_once(';').ok_or(XmlError::Entity)?;
            value.push(resolve(name)?);
            rest = after;
        } else {
            value.push(' ');
            let whole = special.strip_prefix("\r\n");
            rest = whole.or_else(|| special.get(1..)).unwrap_or_default();
        }
    }
    value.push_str(rest);
    Ok(value)
}

/// Appends literal text with its line ends normalised (XML 1.0, section 2.11).
pub(super) fn push_text(value: &mut String, raw: &str) {
    let mut lines = raw.split('\r');
    value.push_str(lines.next().unwrap_or_default());
    for line in lines {
        value.push('\n');
        value.push_str(line.strip_prefix('\n').unwrap_or(line));
    }
}

/// What stands between `&` and `;`: one of the five entities, or a character's number.
pub(super) fn resolve(reference: &str) -> Result<char, XmlError> {
    match reference {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => reference
            .strip_prefix('#')
            .ok_or(XmlError::Entity)
            .and_then(character),
    }
}

fn character(number: &str) -> Result<char, XmlError> {
    let (digits, radix) = number
        .strip_prefix('x')
        .map_or((number, 10), |hex| (hex, 16));
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(XmlError::Entity);
    }
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .filter(|character| is_legal(*character))
        .ok_or(XmlError::IllegalCharacter)
}
