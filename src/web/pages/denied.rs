//! The refusal.

use askama::Template;

use super::AppTile;
use crate::web::assets;

/// The 403: this account may not enter that app. Plain words, and never the name of a role.
#[derive(Debug, Template)]
#[template(path = "denied.html")]
pub struct DeniedPage {
    /// The app that may not be entered.
    pub app_name: String,
    /// Where it is.
    pub app_host: String,
    /// As whom one is signed in.
    pub display_name: String,
    /// And by which name.
    pub user_name: String,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Where "Sign in as someone else" posts to.
    pub switch_url: String,
    /// The sealed token that goes there: what was asked.
    pub token: String,
    /// The apps that one may enter.
    pub apps: Vec<AppTile>,
    /// The stable reason code.
    pub code: Option<String>,
    /// The trace id.
    pub reference: Option<String>,
    /// When, in UTC.
    pub time: Option<String>,
}

#[cfg(test)]
impl DeniedPage {
    pub(super) fn samples() -> Vec<Self> {
        let text = super::tests::HOSTILE.to_owned();
        let hostile = Self {
            app_name: text.clone(),
            app_host: text.clone(),
            display_name: text.clone(),
            user_name: text.clone(),
            contact: Some(text.clone()),
            switch_url: "javascript:alert(1)".into(),
            token: text.clone(),
            apps: super::launcher::hostile_tiles(),
            code: Some(text.clone()),
            reference: Some(text.clone()),
            time: Some(text),
        };
        let plain = Self {
            app_name: "Publisher".into(),
            app_host: "publisher.example.org".into(),
            display_name: "Carla Consumer".into(),
            user_name: "carla".into(),
            contact: Some("publishing@example.org".into()),
            switch_url: "/login/switch".into(),
            token: "c2VhbGVk".into(),
            apps: super::launcher::tiles().into_iter().take(1).collect(),
            code: Some("D-101".into()),
            reference: Some("7f3c9a51d2e84b06".into()),
            time: Some("2025-11-21 12:56:07 UTC".into()),
        };
        let nowhere = Self {
            app_name: "Publisher".into(),
            app_host: "publisher.example.org".into(),
            display_name: "Carla Consumer".into(),
            user_name: "carla".into(),
            contact: None,
            switch_url: "/login/switch".into(),
            token: "c2VhbGVk".into(),
            apps: Vec::new(),
            code: None,
            reference: None,
            time: None,
        };
        vec![plain, nowhere, hostile]
    }
}
