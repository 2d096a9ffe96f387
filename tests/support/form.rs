//! Reads the forms of a page: enough of HTML for what the product and its demo apps write, and
//! strict, so that a page which breaks the rules fails a test instead of being guessed at.

/// A `form` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) id: Option<String>,
    pub(crate) method: String,
    /// As written; relative addresses are resolved by the browser.
    pub(crate) action: String,
    /// The named inputs in order, with their values.
    pub(crate) fields: Vec<(String, String)>,
    /// The names of the `type="password"` inputs.
    pub(crate) passwords: Vec<String>,
    /// What its buttons say.
    pub(crate) buttons: Vec<String>,
}

impl Form {
    /// The value of a field.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut named = self.fields.iter().filter(|(field, _)| field == name);
        let (_, value) = named.next()?;
        assert!(named.next().is_none(), "two fields are called {name}");
        Some(value)
    }

    /// The same form with a field filled in.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(field, _)| field == name);
        let (_, slot) = field.unwrap_or_else(|| panic!("the form has no field {name}"));
        value.clone_into(slot);
        self
    }
}

/// All forms of a page, in order.
pub(crate) fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut inside = false;
    for tag in tags(html) {
        match tag.name.as_str() {
            "form" => {
                inside = true;
                forms.push(Form {
                    id: tag.attribute("id"),
                    method: tag.attribute("method").unwrap_or_default().to_lowercase(),
                    action: tag.attribute("action").unwrap_or_default(),
                    fields: Vec::new(),
                    passwords: Vec::new(),
                    buttons: Vec::new(),
                });
            }
            "/form" => inside = false,
            "button" if inside => {
                let says = unescaped(tag.text.trim());
                if let Some(form) = forms.last_mut() {
                    form.buttons.push(says);
                }
            }
            "input" | "textarea" | "select" if inside => {
                if let (Some(form), Some(name)) = (forms.last_mut(), tag.attribute("name")) {
                    if tag.attribute("type").as_deref() == Some("password") {
                        form.passwords.push(name.clone());
                    }
                    let value = tag.attribute("value").unwrap_or_default();
                    form.fields.push((name, value));
                }
            }
            _ => {}
        }
    }
    forms
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    /// What follows it up to the next tag.
    text: String,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    }
}

fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/') {
            let (mut tag, after) = tag(rest);
            rest = after;
            tag.text = rest.split('<').next().unwrap_or_default().to_owned();
            tags.push(tag);
        }
    }
    tags
}

/// One tag from behind its `<`, and what follows it.
fn tag(text: &str) -> (Tag, &str) {
    let end = text
        .find(|c: char| c.is_ascii_whitespace() || c == '>')
        .unwrap_or(text.len());
    let mut tag = Tag {
        name: text[..end].to_lowercase(),
        attributes: Vec::new(),
        text: String::new(),
    };
    let mut rest = text[end..].trim_start();
    loop {
        if let Some(after) = rest.strip_prefix("/>").or_else(|| rest.strip_prefix('>')) {
            return (tag, after);
        }
        assert!(!rest.is_empty(), "the tag {} does not end", tag.name);
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))
            .unwrap_or(rest.len());
        let name = rest[..end].to_lowercase();
        assert!(!name.is_empty(), "no attribute name at {rest:.40}");
        rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix('=') {
            let (read, after) = attribute_value(quoted.trim_start());
            value = read;
            rest = after.trim_start();
        }
        tag.attributes.push((name, value));
    }
}

fn attribute_value(text: &str) -> (String, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (value, after) = quoted.split_once(quote).expect("the quote is closed");
            return (unescaped(value), after);
        }
    }
    let end = text
        .find(|c: char| c.is_ascii_whitespace() || c == '>')
        .unwrap_or(text.len());
    (unescaped(&text[..end]), &text[end..])
}

/// Character references of HTML, as askama writes them (`&#34;`) and as others do (`&quot;`).
pub(crate) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(';').unwrap_or(0);
        let named = character(rest.get(1..end.max(1)).unwrap_or_default());
        plain.push(named.unwrap_or('&'));
        rest = &rest[if named.is_some() { end + 1 } else { 1 }..];
    }
    plain.push_str(rest);
    plain
}

fn character(reference: &str) -> Option<char> {
    let number = match reference.strip_prefix('#') {
        Some(hex) if hex.starts_with(['x', 'X']) => u32::from_str_radix(&hex[1..], 16).ok()?,
        Some(decimal) => decimal.parse().ok()?,
        None => {
            let named = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"')];
            let others = [("apos", '\''), ("nbsp", '\u{a0}')];
            let mut all = named.into_iter().chain(others);
            return all.find(|(name, _)| *name == reference).map(|(_, c)| c);
        }
    };
    char::from_u32(number)
}
