//! A person's own account.

use std::borrow::Cow;

use askama::Template;

use super::{ConsentRow, wait};
use crate::web::assets;

/// `/account`: who one is here, where one is signed in, and the password.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// Who is signed in.
    pub display_name: String,
    /// By which name.
    pub user_name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their sessions, the youngest first.
    pub sessions: Vec<SessionRow>,
    /// What they agreed to let apps know.
    pub consents: Vec<ConsentRow>,
    /// What the last post did, or why it did nothing.
    pub message: Option<AccountMessage>,
    /// How many characters a password has at least.
    pub min_length: usize,
    /// The session's token against forged posts.
    pub csrf: String,
}

/// One session of this person.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Names the session in the form; never the session's token.
    pub id: String,
    /// `Firefox on Linux`.
    pub browser: String,
    /// The address that it came from.
    pub address: String,
    /// When, in UTC.
    pub signed_in: String,
    /// When, in UTC.
    pub last_used: String,
    /// Whether it is the one that looks at this page.
    pub this_one: bool,
}

/// What a post to the account did, or why it did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountMessage {
    /// The password is changed, the other sessions are ended.
    PasswordChanged,
    /// The session is ended.
    SessionEnded,
    /// A consent is taken back.
    ConsentWithdrawn,
    /// The password is as it was.
    Password(PasswordProblem),
}

/// Why a password was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProblem {
    /// The current password is wrong.
    CurrentWrong,
    /// The new one has too few characters.
    TooShort {
        /// How many it has to have.
        min_length: usize,
    },
    /// The new one has more than 1,024 bytes.
    TooLong,
    /// The two new ones differ.
    Differ,
    /// The new one is the old one.
    Unchanged,
    /// Too many tries; nothing was checked.
    Throttled {
        /// After which the next try counts.
        seconds: u64,
    },
    /// The queue for password checks is full; nothing was checked.
    TooBusy {
        /// After which a try is likely to fit.
        seconds: u64,
    },
}

/// The one-time password was right: it has to be replaced before anything else.
#[derive(Debug, Template)]
#[template(path = "change_password.html")]
pub struct ChangePasswordPage {
    /// By which name one is signed in, for password managers.
    pub user_name: String,
    /// The app to go on to.
    pub app_name: Option<String>,
    /// The sealed token to go on with.
    pub token: Option<String>,
    /// Why the form is shown again.
    pub problem: Option<PasswordProblem>,
    /// How many characters a password has at least.
    pub min_length: usize,
    /// The session's token against forged posts.
    pub csrf: String,
}

impl PasswordProblem {
    /// Whether it is about the new password, so that its fields are marked.
    fn is_about_new(self) -> bool {
        matches!(
            self,
            Self::TooShort { .. } | Self::TooLong | Self::Differ | Self::Unchanged
        )
    }

    fn headline(self) -> &'static str {
        match self {
            Self::CurrentWrong => "The current password is not right.",
            Self::TooShort { .. } => "The new password is too short.",
            Self::TooLong => "The new password is too long.",
            Self::Differ => "The two new passwords differ.",
            Self::Unchanged => "The new password is the old one.",
            Self::Throttled { .. } => "Too many tries.",
            Self::TooBusy { .. } => "Many people are signing in right now.",
        }
    }

    fn advice(self) -> Cow<'static, str> {
        match self {
            Self::CurrentWrong => "Nothing was changed. Type it once more.".into(),
            Self::TooShort { min_length } => {
                format!("It needs at least {min_length} characters. Nothing was changed.").into()
            }
            Self::TooLong => "At most 1,024 bytes are possible. Nothing was changed.".into(),
            Self::Differ => "Type the same one twice. Nothing was changed.".into(),
            Self::Unchanged => "Choose another one.".into(),
            Self::Throttled { seconds } => format!(
                "Nothing was changed. Wait {}, then try again.",
                wait(seconds)
            )
            .into(),
            Self::TooBusy { seconds } => {
                format!("Nothing was changed. Try again in {}.", wait(seconds)).into()
            }
        }
    }
}

impl AccountMessage {
    fn is_error(self) -> bool {
        matches!(self, Self::Password(_))
    }

    fn headline(self) -> &'static str {
        match self {
            Self::PasswordChanged => "Your password is changed.",
            Self::SessionEnded => "The session is ended.",
            Self::ConsentWithdrawn => "Your consent is taken back.",
            Self::Password(problem) => problem.headline(),
        }
    }

    fn advice(self) -> Cow<'static, str> {
        match self {
            Self::PasswordChanged => "You are signed out everywhere but here.".into(),
            Self::SessionEnded => "Whoever used it has to sign in again.".into(),
            Self::ConsentWithdrawn => "The app keeps what it knows, and is told nothing more \
                 until you agree again."
                .into(),
            Self::Password(problem) => problem.advice(),
        }
    }
}

impl AccountPage {
    fn problem(&self) -> Option<PasswordProblem> {
        match self.message {
            Some(AccountMessage::Password(problem)) => Some(problem),
            _ => None,
        }
    }

    fn is_error(&self) -> bool {
        self.problem().is_some()
    }

    fn current_is_wrong(&self) -> bool {
        self.problem() == Some(PasswordProblem::CurrentWrong)
    }

    fn new_is_wrong(&self) -> bool {
        self.problem().is_some_and(PasswordProblem::is_about_new)
    }
}

impl ChangePasswordPage {
    fn current_is_wrong(&self) -> bool {
        self.problem == Some(PasswordProblem::CurrentWrong)
    }

    fn new_is_wrong(&self) -> bool {
        self.problem.is_some_and(PasswordProblem::is_about_new)
    }
}

#[cfg(test)]
const PROBLEMS: [PasswordProblem; 7] = [
    PasswordProblem::CurrentWrong,
    PasswordProblem::TooShort { min_length: 8 },
    PasswordProblem::TooLong,
    PasswordProblem::Differ,
    PasswordProblem::Unchanged,
    PasswordProblem::Throttled { seconds: 30 },
    PasswordProblem::TooBusy { seconds: 1 },
];

#[cfg(test)]
impl AccountPage {
    pub(super) fn samples() -> Vec<Self> {
        let session = |browser: &str, this_one: bool| SessionRow {
            id: "b1946ac92492d234".into(),
            browser: browser.into(),
            address: "192.0.2.17".into(),
            signed_in: "2025-11-21 08:12 UTC".into(),
            last_used: "2025-11-21 12:51 UTC".into(),
            this_one,
        };
        let consent = |app: &str| ConsentRow {
            sp: "c0ffee".into(),
            app_name: app.into(),
            labels: format!("E-mail address, {app}"),
            agreed: "2025-11-21 08:12:00 UTC".into(),
        };
        let of = |message: Option<AccountMessage>| Self {
            display_name: "Carla Consumer".into(),
            user_name: "carla".into(),
            email: Some("carla@example.org".into()),
            sessions: vec![
                session("Firefox on Linux", true),
                session("Safari on iPhone", false),
            ],
            consents: vec![],
            message,
            min_length: 8,
            csrf: "Y3NyZg".into(),
        };
        let hostile = super::tests::HOSTILE;
        let evil = Self {
            display_name: hostile.into(),
            user_name: hostile.into(),
            email: Some(hostile.into()),
            sessions: vec![session(hostile, false)],
            consents: vec![consent(hostile)],
            ..of(None)
        };
        let done = [
            AccountMessage::PasswordChanged,
            AccountMessage::SessionEnded,
        ];
        let messages = done
            .into_iter()
            .chain(PROBLEMS.map(AccountMessage::Password));
        let agreed = Self {
            consents: vec![consent("Store")],
            ..of(Some(AccountMessage::ConsentWithdrawn))
        };
        [of(None), evil]
            .into_iter()
            .chain(messages.map(|message| of(Some(message))))
            .chain([agreed])
            .collect()
    }
}

#[cfg(test)]
impl ChangePasswordPage {
    pub(super) fn samples() -> Vec<Self> {
        let of = |problem: Option<PasswordProblem>, app_name: Option<&str>| Self {
            user_name: "admin".into(),
            app_name: app_name.map(Into::into),
            token: app_name.map(|_| "c2VhbGVk".into()),
            problem,
            min_length: 8,
            csrf: "Y3NyZg".into(),
        };
        let again = PROBLEMS.map(|problem| of(Some(problem), Some(super::tests::HOSTILE)));
        [of(None, None), of(None, Some("Store"))]
            .into_iter()
            .chain(again)
            .collect()
    }
}
