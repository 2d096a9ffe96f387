//! What our metadata tells about us: names, organization, scope, whom to write to.

use url::Url;

use super::source::Source;
use super::value::{Wrong, wrong};

/// What is published about this identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What service providers and discovery pages call it.
    pub display_name: String,
    /// Who runs it.
    pub organization: Option<Organization>,
    /// The domain of scoped identifiers.
    pub scope: Option<String>,
}

/// Who runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its name.
    pub name: String,
    /// Its home page.
    pub url: String,
}

impl Default for About {
    fn default() -> Self {
        Self {
            display_name: "Doorward".to_owned(),
            organization: None,
            scope: None,
        }
    }
}

pub(super) fn read(source: &mut Source) -> Option<About> {
    let display_name = source.value("display_name", line);
    let scope = source.value("scope", scope);
    let name = source.value("organization.name", line);
    let url = source.value("organization.url", home_page);
    let organization = match (name, url) {
        (Some(name), Some(url)) => Some(Organization { name, url }),
        (None, None) => None,
        (name, _) => {
            let (has, lacks) = match name {
                Some(_) => ("organization.name", "organization.url"),
                None => ("organization.url", "organization.name"),
            };
            let fix = format!("write {lacks} too (Metadata 2.3.2.1), or neither");
            source.note(has, format!("stands without {lacks}"), fix);
            None
        }
    };
    Some(About {
        display_name: display_name?,
        organization,
        scope,
    })
}

/// The address in a line of text for people, if that line is one and nothing else: what metadata
/// may name as a `mailto:`.
#[must_use]
pub fn mail_address(text: &str) -> Option<&str> {
    let (local, domain) = text.split_once('@')?;
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(inner)
    };
    let dotted =
        |text: &str| !text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
    let is_address = !local.is_empty()
        && text.len() <= 254
        && local.chars().all(atom)
        && dotted(local)
        && domain.contains('.')
        && domain.split('.').all(label);
    is_address.then_some(text)
}

fn line(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
        return Err(wrong(
            "is empty, longer than 255 bytes or has control characters",
            "write one line",
        ));
    }
    Ok(text.to_owned())
}

/// The syntax of subject-id's scope (subject identifiers 3.3.1); in lower case, as it is compared without case.
fn scope(text: &str) -> Result<String, Wrong> {
    let first = text.chars().next();
    let rest = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let is_scope = first.is_some_and(|c| c.is_ascii_alphanumeric())
        && text.len() <= 127
        && text.chars().all(rest);
    if !is_scope {
        return Err(wrong(
            format!("{text:?} is no domain"),
            "write a domain of yours, for example \"example.org\"",
        ));
    }
    Ok(text.to_ascii_lowercase())
}

fn home_page(text: &str) -> Result<String, Wrong> {
    let fix = "write an address such as \"https://www.example.org/\"";
    let url = Url::parse(text).map_err(|error| wrong(format!("{text:?}: {error}"), fix))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(wrong(format!("{text:?} is no web address"), fix));
    }
    Ok(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_address_becomes_a_mailto() {
        for address in ["help@example.org", "a.b+c@mail.example.org"] {
            assert_eq!(mail_address(address), Some(address));
        }
        for text in [
            "",
            "ext. 4711",
            "the help desk (help@example.org)",
            "a@b",
            "@example.org",
            "a@@example.org",
            "a..b@example.org",
            "a@example..org",
            "a@example.org?subject=x",
        ] {
            assert_eq!(mail_address(text), None, "{text}");
        }
    }

    #[test]
    fn c_at1_a_scope_is_a_domain_in_lower_case() {
        assert_eq!(scope("Example.org").ok().as_deref(), Some("example.org"));
        for text in ["", ".example.org", "a_b", "exämple.org", &"a".repeat(128)] {
            assert!(scope(text).is_err(), "{text}");
        }
    }
}
