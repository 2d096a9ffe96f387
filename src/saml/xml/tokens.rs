//! The tokeniser, with all of its own checks on, and what its objections mean.

use quick_xml::errors::{Error as TokenError, IllFormedError};

use super::chars::all_legal;
use super::{Limits, XmlError};

pub(super) fn checked_text<'b>(bytes: &'b [u8], limits: &Limits) -> Result<&'b str, XmlError> {
    if bytes.len() > limits.bytes {
        return Err(XmlError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| XmlError::NotUtf8)?;
    if all_legal(text) {
        Ok(text)
    } else {
        Err(XmlError::IllegalCharacter)
    }
}

pub(super) fn tokens(text: &str) -> quick_xml::Reader<&[u8]> {
    let mut tokens = quick_xml::Reader::from_str(text);
    tokens.config_mut().enable_all_checks(true);
    tokens
}

pub(super) const fn rule_of(error: &TokenError) -> XmlError {
    match error {
        TokenError::IllFormed(fault) => match fault {
            IllFormedError::MismatchedEndTag { .. }
            | IllFormedError::UnmatchedEndTag(_)
            | IllFormedError::MissingEndTag(_) => XmlError::Tags,
            IllFormedError::DoubleHyphenInComment => XmlError::Comment,
            IllFormedError::UnclosedReference => XmlError::Entity,
            IllFormedError::MissingDoctypeName => XmlError::DocumentType,
            _ => XmlError::Markup,
        },
        TokenError::Encoding(_) => XmlError::NotUtf8,
        _ => XmlError::Markup,
    }
}
