//! What people see: one struct per page, whose fields are view data only, never a domain struct
//! and never a secret. It must not know how anything was decided, nor read anything.
//!
//! askama escapes every value; no template uses `|safe`. The pages work without JavaScript, have
//! no inline script and no inline style, and load nothing but [`super::assets`]. Names that people
//! chose stand in `<bdi>`, so that writing direction marks in them cannot rearrange the sentence.

mod account;
mod denied;
mod error;
mod hand_over;
mod launcher;
mod login;
mod logout;
#[cfg(test)]
mod tests;

pub use account::{AccountMessage, AccountPage, ChangePasswordPage, PasswordProblem, SessionRow};
pub use denied::DeniedPage;
pub use error::{ErrorPage, ReasonPage, ReasonRow, ReasonsIndexPage};
pub use hand_over::{HandOnPage, IdpInitiatedConfirmPage, PostFormPage};
pub use launcher::LauncherPage;
pub use login::{AskingApp, LoginPage, Problem};
pub use logout::{LogoutConfirmPage, SignedOutPage};

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
