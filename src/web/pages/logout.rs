//! Signing out of Doorward.

use askama::Template;

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

/// After signing out.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage {
    /// Display names of apps that were entered in this session and may keep their own.
    pub apps: Vec<String>,
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
        vec![
            Self { apps: Vec::new() },
            Self {
                apps: vec!["Store".into(), super::tests::HOSTILE.into()],
            },
        ]
    }
}
