//! The page that asks before an SP is told about somebody.

use askama::Template;

use crate::web::assets;

/// What an app would be told; the person says yes or no.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    /// Display name of the SP.
    pub app_name: String,
    /// Where it is.
    pub app_host: String,
    /// Who is signed in.
    pub user_name: String,
    /// What would be sent.
    pub items: Vec<ConsentItem>,
    /// Whether they agreed to less than this before.
    pub grown: bool,
    /// The sealed token to go on with.
    pub token: String,
    /// Names what is shown, so that nobody agrees to anything else.
    pub shown: String,
    /// The session's token against forged posts.
    pub csrf: String,
}

/// One thing that would be sent.
#[derive(Debug, Clone)]
pub struct ConsentItem {
    /// What it is.
    pub label: String,
    /// What it says.
    pub values: Vec<String>,
    /// Whether it was not asked for the last time.
    pub new: bool,
}

/// What somebody agreed to, on their account.
#[derive(Debug, Clone)]
pub struct ConsentRow {
    /// Names the SP in the form.
    pub sp: String,
    /// Its display name.
    pub app_name: String,
    /// What it is told.
    pub labels: String,
    /// When, in UTC.
    pub agreed: String,
}

#[cfg(test)]
impl ConsentPage {
    pub(super) fn samples() -> Vec<Self> {
        let item = |label: &str, values: &[&str], new| ConsentItem {
            label: label.into(),
            values: values.iter().map(|&value| value.into()).collect(),
            new,
        };
        let of = |app: &str, user: &str, items: Vec<ConsentItem>, grown| Self {
            app_name: app.into(),
            app_host: format!("{}.example.org", app.to_lowercase()),
            user_name: user.into(),
            items,
            grown,
            token: "c2VhbGVk".into(),
            shown: "3f9a01bc".into(),
            csrf: "Y3NyZg".into(),
        };
        let mail = item("E-mail address", &["carla@example.org"], false);
        let roles = item("Roles", &["consumer", "reviewer"], true);
        let hostile = super::tests::HOSTILE;
        vec![
            of("Store", "carla", vec![mail.clone()], false),
            of("Store", "carla", vec![mail, roles], true),
            of("Store", "carla", vec![], false),
            of(
                hostile,
                hostile,
                vec![item(hostile, &[hostile, ""], true)],
                true,
            ),
        ]
    }
}
