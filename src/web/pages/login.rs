//! The sign-in page.

use std::borrow::Cow;

use askama::Template;

use super::wait;
use crate::web::assets;

/// `/login`: who are you?
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// The app that asks; none when somebody signs in to Doorward itself.
    pub app: Option<AskingApp>,
    /// The sealed token: what was asked (decision 9).
    pub token: String,
    /// What stood in the field before, or whom the request names.
    pub user_name: Option<String>,
    /// Why the form is shown (again).
    pub problem: Option<Problem>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// The trace id, where something went wrong.
    pub reference: Option<String>,
}

/// The app that asks for the sign-in.
#[derive(Debug, Clone)]
pub struct AskingApp {
    /// Its display name.
    pub name: String,
    /// Where it is: the name alone can be anybody's.
    pub host: String,
}

/// Why the form is shown (again). Unknown, wrong and disabled are one: nobody learns which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The user name or the password is wrong, or the account is disabled.
    WrongCredentials,
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
    /// The form had been open for too long, or came from another browser: it is bound anew.
    FormExpired,
    /// The app asks for a fresh sign-in (`ForceAuthn`, or a session too old).
    SignInAgain,
    /// The person asked to sign in as somebody else.
    SomeoneElse,
}

impl Problem {
    /// Whether something failed, rather than is only to be told.
    fn is_error(self) -> bool {
        matches!(
            self,
            Self::WrongCredentials | Self::Throttled { .. } | Self::TooBusy { .. }
        )
    }

    fn headline(self) -> &'static str {
        match self {
            Self::WrongCredentials => "This user name and password do not match.",
            Self::Throttled { .. } => "Too many tries.",
            Self::TooBusy { .. } => "Many people are signing in right now.",
            Self::FormExpired => "This page was open for a long time.",
            Self::SignInAgain => "Please confirm that it is you.",
            Self::SomeoneElse => "Sign in with the other account.",
        }
    }

    fn advice(self) -> Cow<'static, str> {
        match self {
            Self::WrongCredentials => "Check both, then try again.".into(),
            Self::Throttled { seconds } => {
                format!("Wait {}, then try again.", wait(seconds)).into()
            }
            Self::TooBusy { seconds } => format!(
                "Nothing was wrong with what you typed. Try again in {}.",
                wait(seconds)
            )
            .into(),
            Self::FormExpired => "We made a fresh one. Please sign in once more.".into(),
            Self::SignInAgain => "The app asks for a fresh sign-in.".into(),
            Self::SomeoneElse => "Until then, you stay signed in as before.".into(),
        }
    }
}

impl LoginPage {
    fn is_error(&self) -> bool {
        self.problem.is_some_and(Problem::is_error)
    }

    fn is_refused(&self) -> bool {
        self.problem == Some(Problem::WrongCredentials)
    }

    fn starts_at_user_name(&self) -> bool {
        self.user_name.as_deref().is_none_or(str::is_empty)
    }
}

#[cfg(test)]
impl LoginPage {
    pub(super) fn samples() -> Vec<Self> {
        let problems = [
            Problem::WrongCredentials,
            Problem::Throttled { seconds: 45 },
            Problem::TooBusy { seconds: 100 },
            Problem::FormExpired,
            Problem::SignInAgain,
            Problem::SomeoneElse,
        ];
        let first = Self {
            app: Some(AskingApp {
                name: "Store".into(),
                host: "store.example.org".into(),
            }),
            token: "c2VhbGVk".into(),
            user_name: None,
            problem: None,
            contact: Some("helpdesk@example.org".into()),
            reference: None,
        };
        let launcher = Self {
            app: None,
            token: "c2VhbGVk".into(),
            user_name: None,
            problem: None,
            contact: None,
            reference: None,
        };
        let again = problems.map(|problem| Self {
            app: first.app.clone(),
            token: "c2VhbGVk".into(),
            user_name: Some("carla".into()),
            problem: Some(problem),
            contact: Some("the library desk, extension 12".into()),
            reference: problem.is_error().then(|| "7f3c9a51d2e84b06".into()),
        });
        [first, launcher, Self::hostile()]
            .into_iter()
            .chain(again)
            .collect()
    }

    fn hostile() -> Self {
        let text = super::tests::HOSTILE.to_owned();
        Self {
            app: Some(AskingApp {
                name: text.clone(),
                host: text.clone(),
            }),
            token: text.clone(),
            user_name: Some(text.clone()),
            problem: Some(Problem::WrongCredentials),
            contact: Some(text.clone()),
            reference: None,
        }
    }
}
