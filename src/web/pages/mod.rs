//! What people see: one struct per page, whose fields are view data only, never a domain struct
//! and never a secret. It must not know how anything was decided, nor read anything.
//!
//! askama escapes every value; no template uses `|safe`. The pages work without JavaScript, have
//! no inline script and no inline style, and load nothing but [`super::assets`]. Texts that
//! people chose go through `shown` and stand in `<bdi>`, so that they cannot rearrange a sentence.

use std::borrow::Cow;

mod account;
mod consent;
mod denied;
mod error;
mod hand_over;
mod launcher;
mod login;
mod logout;
#[cfg(test)]
mod tests;

pub use account::{AccountMessage, AccountPage, ChangePasswordPage, PasswordProblem, SessionRow};
pub use consent::{ConsentItem, ConsentPage, ConsentRow};
pub use denied::DeniedPage;
pub use error::{ErrorPage, ReasonPage, ReasonRow, ReasonsIndexPage};
pub use hand_over::{ArtifactFormPage, Base64, HandOnPage, IdpInitiatedConfirmPage, PostFormPage};
pub use launcher::LauncherPage;
pub use login::{AskingApp, LoginPage, Problem};
pub use logout::{
    LogoutConfirmPage, LogoutPage, LogoutRow, LogoutWay, PostMessagePage, SignedOutPage,
};

/// An app that this person may enter.
#[derive(Debug, Clone)]
pub struct AppTile {
    /// Its display name.
    pub name: String,
    /// Where it is, as a person reads it: `store.example.org`.
    pub host: String,
    /// One line about it.
    pub description: Option<String>,
    /// Where it starts: a path of ours or an http(s) address.
    pub start_url: String,
}

impl AppTile {
    fn initial(&self) -> String {
        let first = self.name.chars().find(|c| c.is_alphanumeric());
        first
            .map(|c| c.to_uppercase().collect())
            .unwrap_or_default()
    }
}

/// A way on.
#[derive(Debug, Clone)]
pub struct Link {
    /// What the button says.
    pub text: String,
    /// Where it leads: a path of ours or an http(s) address.
    pub url: String,
}

/// What a person quotes when asking for help.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The stable reason code.
    pub code: String,
    /// The trace id: ours, never taken from a header.
    pub trace_id: String,
    /// When, in UTC.
    pub time: String,
}

#[cfg(test)]
impl Reference {
    fn of(code: &str) -> Self {
        let (trace_id, time) = ("7f3c9a51d2e84b06", "2025-11-21 12:56:07 UTC");
        Self {
            code: code.into(),
            trace_id: trace_id.into(),
            time: time.into(),
        }
    }
}

/// A text without the characters that set the writing direction: an unclosed one in a name would
/// rearrange our own sentence around it. Not for what a form sends on, which stays exact.
fn shown(text: &str) -> Cow<'_, str> {
    const DIRECTION: [char; 12] = [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ];
    if text.contains(DIRECTION) {
        text.replace(DIRECTION, "").into()
    } else {
        text.into()
    }
}

/// A text of ours cut at its backticks: every second part is code.
fn code_parts(text: &str) -> Vec<(bool, &str)> {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| (n % 2 == 1, part)).collect()
}

/// An address fit for `href` or `action`: http(s) or a path of ours, else the launcher.
/// Registrations are checked when they are made; this is the second lock (`javascript:`, `//host`).
fn href(url: &str) -> &str {
    let scheme = |name: &str| {
        url.get(..name.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(name))
    };
    let own_path = url.starts_with('/') && !url.starts_with("//") && !url.starts_with("/\\");
    if own_path || scheme("https://") || scheme("http://") {
        url
    } else {
        "/"
    }
}

/// The `mailto:` address, where a contact is nothing but an e-mail address.
fn mailto(contact: &str) -> Option<String> {
    let (local, domain) = contact.split_once('@')?;
    let plain = |part: &str, also: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    (plain(local, "._+-") && plain(domain, ".-")).then(|| format!("mailto:{contact}"))
}

/// `30 seconds`, `2 minutes`: rounded up, as it is a wait.
fn wait(seconds: u64) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
