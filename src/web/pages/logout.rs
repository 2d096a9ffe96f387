//! Signing out of Doorward.

use askama::Template;

use super::Base64;
use crate::directory::logout::LegState;
use crate::web::assets;

/// `GET /logout` only asks: a link or a picture on another site must not sign anybody out.
#[derive(Debug, Template)]
#[template(path = "logout_confirm.html")]
pub struct LogoutConfirmPage {
    /// Who is signed in.
    pub display_name: String,
    /// By which name.
    pub user_name: String,
    /// The session's token against forged posts.
    pub csrf: String,
}

/// Nobody is signed in, and no app was told.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage {}

/// Between two apps of a logout, and after the last: how far each has come.
#[derive(Debug, Template)]
#[template(path = "logout.html")]
pub struct LogoutPage {
    /// The sign-in name of whoever had the session, where somebody else has signed in instead.
    pub earlier: Option<String>,
    /// The apps that were entered in the sessions that ended.
    pub apps: Vec<LogoutRow>,
    /// Where the page leads by itself, if it goes on.
    pub way: Option<LogoutWay>,
}

/// One app.
#[derive(Debug)]
pub struct LogoutRow {
    /// Its display name.
    pub name: String,
    /// How far it has come.
    pub state: LegState,
}

/// The way on.
#[derive(Debug)]
pub struct LogoutWay {
    /// A path of ours.
    pub url: &'static str,
    /// After so many seconds.
    pub after: u32,
    /// The app that waits for an answer; none where other apps wait to be told.
    pub to: Option<String>,
}

/// A logout message on its way to an SP (Bindings 3.5.4).
#[derive(Debug, Template)]
#[template(path = "post_message.html")]
pub struct PostMessagePage<'a> {
    /// Display name of the SP.
    pub app_name: String,
    /// The registered endpoint.
    pub action: String,
    /// `SAMLRequest` or `SAMLResponse`.
    pub parameter: &'static str,
    /// The message.
    pub message: Base64<'a>,
    /// As it came.
    pub relay_state: Option<String>,
}

impl LogoutRow {
    fn words(&self) -> &'static str {
        match self.state {
            LegState::Waiting => "waits",
            LegState::Asked | LegState::Failed => "not confirmed",
            LegState::Confirmed | LegState::Asker => "confirmed",
            LegState::NotAsked => "not asked",
        }
    }

    fn is_open(&self) -> bool {
        matches!(
            self.state,
            LegState::Asked | LegState::Failed | LegState::NotAsked
        )
    }
}

impl LogoutPage {
    fn is_under_way(&self) -> bool {
        self.way.as_ref().is_some_and(|way| way.to.is_none())
    }

    fn has_open(&self) -> bool {
        self.apps.iter().any(LogoutRow::is_open)
    }
}

#[cfg(test)]
impl LogoutConfirmPage {
    pub(super) fn samples() -> Vec<Self> {
        let named = |display_name: &str, user_name: &str| Self {
            display_name: display_name.into(),
            user_name: user_name.into(),
            csrf: "Y3NyZg".into(),
        };
        let hostile = super::tests::HOSTILE;
        vec![named("Carla Consumer", "carla"), named(hostile, hostile)]
    }
}

#[cfg(test)]
impl SignedOutPage {
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {}]
    }
}

#[cfg(test)]
impl LogoutPage {
    pub(super) fn samples() -> Vec<Self> {
        let row = |name: &str, state| LogoutRow {
            name: name.into(),
            state,
        };
        let hostile = super::tests::HOSTILE;
        let way = |after, to: Option<&str>| {
            Some(LogoutWay {
                url: "/saml/slo/next",
                after,
                to: to.map(Into::into),
            })
        };
        vec![
            Self {
                earlier: None,
                apps: vec![
                    row("Store", LegState::Confirmed),
                    row("Publisher", LegState::Waiting),
                ],
                way: way(0, None),
            },
            Self {
                earlier: Some(hostile.into()),
                apps: vec![row("Store", LegState::Waiting)],
                way: way(0, None),
            },
            Self {
                earlier: Some("carla".into()),
                apps: vec![row("Store", LegState::NotAsked)],
                way: way(8, Some("Publisher")),
            },
            Self {
                earlier: None,
                apps: vec![
                    row("Store", LegState::Asker),
                    row("Publisher", LegState::Confirmed),
                    row("Wiki", LegState::Failed),
                    row(hostile, LegState::NotAsked),
                ],
                way: way(8, Some(hostile)),
            },
            Self {
                earlier: None,
                apps: vec![row("Store", LegState::Asked)],
                way: None,
            },
            Self {
                earlier: None,
                apps: vec![row("Store", LegState::Confirmed)],
                way: None,
            },
        ]
    }
}

#[cfg(test)]
impl PostMessagePage<'static> {
    pub(super) fn samples() -> Vec<Self> {
        let hostile = super::tests::HOSTILE;
        vec![
            Self {
                app_name: "Store".into(),
                action: "https://store.example.org/saml/slo".into(),
                parameter: "SAMLRequest",
                message: Base64::of("<samlp:LogoutRequest/>"),
                relay_state: None,
            },
            Self {
                app_name: hostile.into(),
                action: "javascript:alert(1)".into(),
                parameter: "SAMLResponse",
                message: Base64::of(hostile),
                relay_state: Some(hostile.into()),
            },
        ]
    }
}
