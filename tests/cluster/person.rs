//! A person at the store and at the publisher, through nginx.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::form::{Form, forms};
use crate::wire::{Answer, Browser, Wire, origin};

/// Redirects that one visit may take.
const HOPS: usize = 12;

/// Who comes, and what they may.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) may_publish: bool,
}

/// One visit at one app, as it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entered {
    /// In, with an assertion.
    In,
    /// Refused at the door, with our page that says so.
    Refused,
}

/// Somebody with a browser of their own.
pub(crate) struct Person {
    pub(crate) account: Account,
    browser: Browser,
    /// The ids of all assertions that this browser was given.
    pub(crate) assertions: Vec<String>,
    /// How often the identity provider asked for the password.
    pub(crate) passwords_asked: usize,
}

impl Person {
    pub(crate) fn new(account: &Account, wire: &Wire) -> Self {
        Self {
            account: account.clone(),
            browser: Browser::new(wire),
            assertions: Vec::new(),
            passwords_asked: 0,
        }
    }

    /// A browser that nobody has used.
    pub(crate) fn anew(&mut self, wire: &Wire) {
        self.browser = Browser::new(wire);
    }

    /// Goes to an app, signs in where that is asked for, and ends inside or at the closed door. What is
    /// neither is an error that says which step failed and how.
    pub(crate) fn enter(&mut self, app: &str) -> Result<Entered, String> {
        let mut page = self.visit(&format!("{app}/saml/login?return=/whoami"))?;
        for _ in 0..4 {
            let Page { url, answer } = &page;
            if url.starts_with(app) && answer.status == 200 {
                let me: serde_json::Value = serde_json::from_str(&answer.body)
                    .map_err(|error| format!("{url}: {error}: {:.200}", answer.body))?;
                let mail = me["attributes"].to_string();
                assert!(mail.contains(&self.account.name), "somebody else: {mail}");
                return Ok(Entered::In);
            }
            if answer.status == 403 {
                return Ok(Entered::Refused);
            }
            page = match form_of(&page)? {
                Step::SignIn(form) => self.sign_in(url, form)?,
                Step::Deliver(form) => self.deliver(url, &form)?,
            };
        }
        Err(format!("no end of it: {} {}", page.answer.status, page.url))
    }

    fn sign_in(&mut self, url: &str, form: Form) -> Result<Page, String> {
        self.passwords_asked += 1;
        let name = user_field(&form);
        let form = form.with(&name, &self.account.name);
        let word = form.passwords[0].clone();
        let form = form.with(&word, &self.account.password);
        let to = resolved(url, &form.action);
        let answer = self.browser.post(&to, &form.fields)?;
        self.follow(to, answer)
    }

    /// What the page's form does by itself in a browser with scripts.
    fn deliver(&mut self, url: &str, form: &Form) -> Result<Page, String> {
        let response = form.value("SAMLResponse").expect("it was looked for");
        let xml = String::from_utf8(STANDARD.decode(response).expect("base64")).expect("UTF-8");
        let id = assertion_id(&xml).ok_or_else(|| format!("no assertion in {xml:.300}"))?;
        self.assertions.push(id);
        let answer = self.browser.post_from(url, &form.action, &form.fields)?;
        self.follow(form.action.clone(), answer)
    }

    pub(crate) fn visit(&mut self, url: &str) -> Result<Page, String> {
        let answer = self.browser.get(url)?;
        self.follow(url.to_owned(), answer)
    }

    fn follow(&mut self, mut url: String, mut answer: Answer) -> Result<Page, String> {
        for _ in 0..HOPS {
            let Some(to) = answer.header("location").map(|to| resolved(&url, to)) else {
                break;
            };
            answer = self.browser.get(&to)?;
            url = to;
        }
        Ok(Page { url, answer })
    }
}

/// What a browser shows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) answer: Answer,
}

enum Step {
    SignIn(Form),
    Deliver(Form),
}

fn form_of(page: &Page) -> Result<Step, String> {
    let failed = || {
        let title = page.answer.body.split("<title>").nth(1).unwrap_or_default();
        let title = title.split('<').next().unwrap_or_default();
        let path = page.url.split('?').next().unwrap_or_default();
        format!("{} {title:?} at {path}", page.answer.status)
    };
    if page.answer.status != 200 {
        return Err(failed());
    }
    for form in forms(&page.answer.body) {
        if !form.passwords.is_empty() {
            return Ok(Step::SignIn(form));
        }
        if form.fields.iter().any(|(name, _)| name == "SAMLResponse") {
            return Ok(Step::Deliver(form));
        }
    }
    Err(failed())
}

/// The one field before the password that is not hidden: as the contract says, by its place.
fn user_field(form: &Form) -> String {
    let word = &form.passwords[0];
    let at = form
        .fields
        .iter()
        .position(|(name, _)| name == word)
        .unwrap();
    form.fields[at - 1].0.clone()
}

fn assertion_id(xml: &str) -> Option<String> {
    let start = xml
        .find("<saml:Assertion")
        .or_else(|| xml.find(":Assertion "))?;
    let rest = &xml[start..];
    let id = rest.split_once(" ID=\"")?.1;
    Some(id.split('"').next()?.to_owned())
}

fn resolved(base: &str, to: &str) -> String {
    if to.starts_with("https://") {
        to.to_owned()
    } else if to.is_empty() {
        base.to_owned()
    } else {
        assert!(to.starts_with('/'), "{to}");
        format!("{}{to}", origin(base))
    }
}
