//! The launcher.

use askama::Template;

use super::AppTile;
use crate::web::assets;

/// `/`: the apps that this person may enter, by the same decision that guards their doors.
#[derive(Debug, Template)]
#[template(path = "launcher.html")]
pub struct LauncherPage {
    /// Who is signed in.
    pub display_name: String,
    /// By which name.
    pub user_name: String,
    /// The apps that they may enter.
    pub apps: Vec<AppTile>,
    /// Whom to ask, where there is none.
    pub contact: Option<String>,
    /// The session's token against forged posts.
    pub csrf: String,
}

#[cfg(test)]
pub(super) fn tiles() -> Vec<AppTile> {
    vec![
        AppTile {
            name: "Store".into(),
            host: "store.example.org".into(),
            description: Some("Services, APIs and WSDLs to use".into()),
            start_url: "https://store.example.org/".into(),
        },
        AppTile {
            name: "Publisher".into(),
            host: "publisher.example.org".into(),
            description: None,
            start_url: "/saml/idp-initiated?sp=publisher".into(),
        },
        AppTile {
            name: "Übersicht der Lizenzverträge und Nutzungsrechte".into(),
            host: "a-rather-long-host-name.department.subsidiary.example.org:8443".into(),
            description: Some("What was bought, by whom, and until when it may be used".into()),
            start_url: "https://licences.example.org/".into(),
        },
    ]
}

#[cfg(test)]
pub(super) fn hostile_tiles() -> Vec<AppTile> {
    let text = super::tests::HOSTILE.to_owned();
    [
        "javascript:alert(1)",
        " https://evil.example/",
        "//evil.example/",
        "\"onmouseover=\"x",
    ]
    .map(|start_url| AppTile {
        name: text.clone(),
        host: text.clone(),
        description: Some(text.clone()),
        start_url: start_url.into(),
    })
    .into()
}

#[cfg(test)]
impl LauncherPage {
    pub(super) fn samples() -> Vec<Self> {
        let with = |apps: Vec<AppTile>, contact: Option<&str>, name: &str| Self {
            display_name: name.into(),
            user_name: name.to_lowercase(),
            apps,
            contact: contact.map(Into::into),
            csrf: "Y3NyZg".into(),
        };
        vec![
            with(tiles(), None, "Berta"),
            with(tiles().into_iter().take(1).collect(), None, "Carla"),
            with(Vec::new(), Some("helpdesk@example.org"), "Nina"),
            with(hostile_tiles(), None, super::tests::HOSTILE),
        ]
    }
}
