//! What could not be done, and what the reason codes mean.

use askama::Template;

use super::{Link, Reference};
use crate::web::assets;

/// Any 4xx or 5xx of ours: a sentence that a person understands, a way on, and what finds the
/// cause in the log.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: String,
    /// The same, in a sentence.
    pub sentence: String,
    /// What to do next.
    pub advice: Option<String>,
    /// Where to go next: the first is the best. None leads to `/`, so that no page is dead.
    pub next: Vec<Link>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// What finds the cause in the log.
    pub reference: Reference,
}

/// `/reasons/CODE`: what a reason code means. No data about anybody.
#[derive(Debug, Template)]
#[template(path = "reason.html")]
pub struct ReasonPage {
    /// The code.
    pub code: String,
    /// What happened, in a few words.
    pub title: String,
    /// What it means.
    pub meaning: String,
    /// What the person who signs in can do.
    pub person: String,
    /// What the administrator can do.
    pub admin: String,
}

/// `/reasons`: all of them.
#[derive(Debug, Template)]
#[template(path = "reasons_index.html")]
pub struct ReasonsIndexPage {
    /// In the order of the codes.
    pub reasons: Vec<ReasonRow>,
}

/// One line of the list.
#[derive(Debug, Clone)]
pub struct ReasonRow {
    /// The code.
    pub code: String,
    /// What it stands for, in a few words.
    pub title: String,
}

#[cfg(test)]
impl ErrorPage {
    pub(super) fn samples() -> Vec<Self> {
        let hostile = super::tests::HOSTILE.to_owned();
        let link = |text: &str, url: &str| Link {
            text: text.into(),
            url: url.into(),
        };
        let old = Self {
            status: 400,
            title: "This sign-in link is too old".into(),
            sentence: "Store asked for the sign-in more than five minutes ago, so we did not \
                       answer it."
                .into(),
            advice: Some("Start again from the app.".into()),
            next: vec![
                link("Back to Store", "https://store.example.org/"),
                link("Your apps", "/"),
            ],
            contact: Some("helpdesk@example.org".into()),
            reference: Reference::of("R-STALE"),
        };
        let bare = Self {
            status: 404,
            title: "There is no such page".into(),
            sentence: "The address may be mistyped, or the page has moved.".into(),
            advice: None,
            next: Vec::new(),
            contact: None,
            reference: Reference::of("H-404"),
        };
        let evil = Self {
            status: 400,
            title: hostile.clone(),
            sentence: hostile.clone(),
            advice: Some(hostile.clone()),
            next: vec![
                link(&hostile, "javascript:alert(1)"),
                link(&hostile, &hostile),
            ],
            contact: Some(hostile.clone()),
            reference: Reference::of(&hostile),
        };
        vec![old, bare, evil]
    }
}

#[cfg(test)]
impl ReasonPage {
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {
            code: "R-STALE".into(),
            title: "The request is too old".into(),
            meaning: "The app's AuthnRequest was issued longer ago than Doorward accepts.".into(),
            person: "Start again from the app. A bookmark of the sign-in page does not work; \
                     bookmark the app."
                .into(),
            admin: "If it happens to everybody, compare the clocks of both machines; the \
                    tolerance is `clock_skew`."
                .into(),
        }]
    }
}

#[cfg(test)]
impl ReasonsIndexPage {
    pub(super) fn samples() -> Vec<Self> {
        let row = |code: &str, title: &str| ReasonRow {
            code: code.into(),
            title: title.into(),
        };
        vec![Self {
            reasons: vec![
                row("D-101", "The account may not enter this app"),
                row("R-STALE", "The request is too old"),
                row(super::tests::HOSTILE, super::tests::HOSTILE),
            ],
        }]
    }
}
