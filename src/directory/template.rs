//! Templates for attribute values: text with placeholders such as `${givenName} ${sn}`.
//!
//! There is no logic beyond a fallback and two letter cases: what needs more belongs into the
//! directory, where everybody can see it.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// The most bytes of a template.
const LONGEST: usize = 2000;
/// The most placeholders in one template.
const MOST_PLACEHOLDERS: usize = 8;
/// The most values that one template makes for one person.
pub const MOST_VALUES: usize = 1000;

/// A template that has been read, and its text.
#[derive(Debug, Clone)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// `${NAME}`, with what is to be done with each value.
#[derive(Debug, Clone)]
struct Placeholder {
    name: String,
    case: Case,
    fallback: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Case {
    AsItIs,
    Lower,
    Upper,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// Nothing to say.
    #[error("the template is empty")]
    Empty,
    /// Over 2,000 bytes.
    #[error("the template is longer than {LONGEST} bytes")]
    TooLong,
    /// Over eight placeholders.
    #[error("the template has more than {MOST_PLACEHOLDERS} placeholders")]
    TooMany,
    /// A control character, or one that XML cannot carry.
    #[error("the template has a control character")]
    ControlCharacter,
    /// `${` without `}`.
    #[error("the placeholder that begins at {0:?} has no closing brace")]
    Unclosed(String),
    /// `${}`, or a name with outer blanks.
    #[error("a placeholder has no name, or one with outer blanks: {0:?}")]
    Name(String),
    /// Something after `|` that is none of `lower`, `upper`, `or:TEXT`.
    #[error("{0:?} is unknown after a placeholder's name; known are lower, upper and or:TEXT")]
    Filter(String),
}

/// A template that would make more than [`MOST_VALUES`] values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a template makes more than {MOST_VALUES} values")]
pub struct TooManyValues;

impl Template {
    /// Reads a template. `$$` is a dollar sign; a `$` before anything but `{` stands for itself.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.len() > LONGEST {
            return Err(TemplateError::TooLong);
        }
        if text.contains(|c: char| c.is_control() || super::name::is_beyond_xml(c)) {
            return Err(TemplateError::ControlCharacter);
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from_dollar) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from_dollar.strip_prefix("${") {
                let Some((inside, after)) = after.split_once('}') else {
                    let shown = from_dollar.chars().take(40).collect();
                    return Err(TemplateError::Unclosed(shown));
                };
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Placeholder(Placeholder::parse(inside)?));
                rest = after;
            } else {
                plain.push('$');
                rest = from_dollar
                    .strip_prefix("$$")
                    .or_else(|| from_dollar.strip_prefix('$'))
                    .unwrap_or_default();
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        let template = Self {
            text: text.to_owned(),
            parts,
        };
        if template.names().count() > MOST_PLACEHOLDERS {
            return Err(TemplateError::TooMany);
        }
        Ok(template)
    }

    /// The template that is nothing but this placeholder.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let placeholder = Placeholder {
            name: name.to_owned(),
            case: Case::AsItIs,
            fallback: None,
        };
        Self {
            text: format!("${{{name}}}"),
            parts: vec![Part::Placeholder(placeholder)],
        }
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its placeholders, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(placeholder) => Some(placeholder.name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The name of the placeholder, where the template is that and nothing else.
    #[must_use]
    pub fn single(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [
                Part::Placeholder(Placeholder {
                    name,
                    case: Case::AsItIs,
                    fallback: None,
                }),
            ] => Some(name),
            _ => None,
        }
    }

    /// Fills the placeholders in. One with several values makes several: every combination, in the
    /// order of the template. One without a value and without a fallback makes none at all.
    pub fn fill<'v>(
        &self,
        values_of: impl Fn(&str) -> Vec<Cow<'v, str>>,
    ) -> Result<Vec<Cow<'v, str>>, TooManyValues> {
        if let Some(name) = self.single() {
            let values = values_of(name);
            return if values.len() > MOST_VALUES {
                Err(TooManyValues)
            } else {
                Ok(values)
            };
        }
        let mut filled = vec![String::new()];
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.iter_mut().for_each(|value| value.push_str(text)),
                Part::Placeholder(placeholder) => {
                    let values = placeholder.apply(values_of(&placeholder.name));
                    if filled.len().saturating_mul(values.len()) > MOST_VALUES {
                        return Err(TooManyValues);
                    }
                    filled = filled
                        .iter()
                        .flat_map(|begun| values.iter().map(move |value| begun.clone() + value))
                        .collect();
                }
            }
        }
        Ok(filled.into_iter().map(Cow::Owned).collect())
    }
}

impl Placeholder {
    fn parse(inside: &str) -> Result<Self, TemplateError> {
        let mut words = inside.split('|');
        let name = words.next().unwrap_or_default();
        if name.is_empty() || name.trim() != name {
            return Err(TemplateError::Name(name.to_owned()));
        }
        let mut placeholder = Self {
            name: name.to_owned(),
            case: Case::AsItIs,
            fallback: None,
        };
        for word in words {
            match word {
                "lower" => placeholder.case = Case::Lower,
                "upper" => placeholder.case = Case::Upper,
                _ => match word.strip_prefix("or:") {
                    Some(text) => placeholder.fallback = Some(text.to_owned()),
                    None => return Err(TemplateError::Filter(word.to_owned())),
                },
            }
        }
        Ok(placeholder)
    }

    fn apply(&self, values: Vec<Cow<'_, str>>) -> Vec<String> {
        if values.is_empty() {
            return self.fallback.iter().cloned().collect();
        }
        let cased = |value: Cow<'_, str>| match self.case {
            Case::AsItIs => value.into_owned(),
            Case::Lower => value.to_lowercase(),
            Case::Upper => value.to_uppercase(),
        };
        values.into_iter().map(cased).collect()
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        // The parts follow from the text.
        self.text == other.text
    }
}

impl Eq for Template {}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(template: &str) -> Vec<String> {
        let values = |name: &str| -> Vec<Cow<'static, str>> {
            match name {
                "given" => vec!["Ada".into()],
                "sn" => vec!["Lovelace".into()],
                "role" => vec!["store".into(), "shop, small".into()],
                "team" => vec!["a".into(), "b".into()],
                "empty" => vec!["".into()],
                _ => vec![],
            }
        };
        let template = Template::parse(template).unwrap();
        let values = template.fill(values).unwrap();
        values.into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(filled("${given} ${sn}"), ["Ada Lovelace"]);
        assert_eq!(filled("constant"), ["constant"]);
        assert_eq!(filled("${given|upper}-${sn|lower}"), ["ADA-lovelace"]);
        assert_eq!(filled("$$5 and $6, ${given}$"), ["$5 and $6, Ada$"]);
    }

    #[test]
    fn several_values_make_several_and_stay_whole() {
        assert_eq!(filled("${role}"), ["store", "shop, small"]);
        assert_eq!(
            filled("Internal/${role}"),
            ["Internal/store", "Internal/shop, small"]
        );
        assert_eq!(
            filled("${team}:${role}"),
            ["a:store", "a:shop, small", "b:store", "b:shop, small"]
        );
    }

    #[test]
    fn a_missing_value_makes_nothing_unless_there_is_a_fallback() {
        assert_eq!(filled("${given} ${nickname}"), [""; 0]);
        assert_eq!(filled("${nickname|or:none}"), ["none"]);
        assert_eq!(filled("${nickname|or:}"), [""]);
        assert_eq!(filled("${empty}"), [""], "an empty value is one");
    }

    #[test]
    fn what_is_no_template_says_why() {
        let error = |text: &str| Template::parse(text).unwrap_err();
        assert_eq!(error(""), TemplateError::Empty);
        assert_eq!(error("a ${sn"), TemplateError::Unclosed("${sn".to_owned()));
        assert_eq!(error("${}"), TemplateError::Name(String::new()));
        assert_eq!(error("${ sn}"), TemplateError::Name(" sn".to_owned()));
        assert_eq!(
            error("${sn|title}"),
            TemplateError::Filter("title".to_owned())
        );
        assert_eq!(error("a\nb"), TemplateError::ControlCharacter);
        assert_eq!(error(&"${a}".repeat(9)), TemplateError::TooMany);
        assert_eq!(error(&"a".repeat(2001)), TemplateError::TooLong);
    }

    #[test]
    fn no_template_makes_values_without_end() {
        let many = |_: &str| (0..32).map(|n| Cow::Owned(n.to_string())).collect();
        let template = Template::parse("${a}${b}").unwrap();
        assert_eq!(template.fill(many), Err(TooManyValues));
    }

    proptest! {
        /// Text without a dollar sign stands for itself, and values are never read as templates.
        #[test]
        fn what_was_filled_in_is_not_read_again(
            before in "[^\\p{Cc}$]{0,20}",
            value in ".{0,30}",
            after in "[^\\p{Cc}$]{0,20}",
        ) {
            let template = Template::parse(&format!("{before}${{x}}{after}")).unwrap();
            let values = |_: &str| vec![Cow::Owned(value.clone())];
            prop_assert_eq!(template.fill(values).unwrap(), vec![format!("{before}{value}{after}")]);
        }

        /// Whatever is typed, it is a template or has a reason why not; nothing panics.
        #[test]
        fn every_text_is_a_template_or_says_why(text in "(\\$|\\{|\\}|\\||or:|lower|[a-zé ]){0,24}") {
            if let Ok(template) = Template::parse(&text) {
                prop_assert_eq!(template.as_str(), &text);
                prop_assert!(template.fill(|_| vec!["v".into()]).unwrap().len() == 1);
            }
        }
    }
}
