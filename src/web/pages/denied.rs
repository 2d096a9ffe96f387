//! The refusal.

use askama::Template;

use super::{AppTile, Reference};
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
    /// What finds the cause in the log.
    pub reference: Reference,
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
            reference: Reference::of(&text),
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
            reference: Reference::of("D-101"),
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
            reference: Reference::of("D-102"),
        };
        vec![plain, nowhere, hostile]
    }
}
