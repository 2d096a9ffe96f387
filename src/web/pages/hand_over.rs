//! The pages between two doors: they post themselves on, or ask before they do.

use std::fmt;
use std::sync::LazyLock;

use askama::Template;
use askama::filters::HtmlSafe;
use base64::display::Base64Display;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD;

use crate::web::assets;

/// The Response on its way to the SP's ACS (Bindings 3.5.4).
#[derive(Debug, Template)]
#[template(path = "post_form.html")]
pub struct PostFormPage<'a> {
    /// Display name of the SP.
    pub app_name: &'a str,
    /// The registered ACS.
    pub acs: &'a str,
    /// The Response.
    pub saml_response: Base64<'a>,
    /// As it came. A browser sends a lone line feed as CR LF; no form can avoid it.
    pub relay_state: Option<&'a str>,
}

/// An artifact on its way to the SP's ACS (Bindings 3.6.3.2).
#[derive(Debug, Template)]
#[template(path = "artifact_form.html")]
pub struct ArtifactFormPage {
    /// Display name of the SP.
    pub app_name: String,
    /// The registered ACS.
    pub acs: String,
    /// The artifact.
    pub artifact: String,
    /// As it came.
    pub relay_state: Option<String>,
}

/// A text that is encoded where it is shown, in base64, in which HTML has nothing to escape: its
/// alphabet is letters, digits, `+`, `/` and `=`.
#[derive(Debug)]
pub struct Base64<'a>(&'a str);

/// As fast as the processor can: it is told what that is once.
static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));

impl<'a> Base64<'a> {
    /// Will be encoded.
    #[must_use]
    pub const fn of(plain: &'a str) -> Self {
        Self(plain)
    }
}

impl fmt::Display for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(self.0.as_bytes(), &*ENGINE).fmt(f)
    }
}

impl HtmlSafe for Base64<'_> {}

/// A token on its way to our own origin, where the cookie comes along (decision 10).
#[derive(Debug, Template)]
#[template(path = "hand_on.html")]
pub struct HandOnPage {
    /// A path of ours: `/saml/sso/continue`.
    pub action: String,
    /// The sealed token.
    pub token: String,
}

/// Another site started IdP-initiated SSO: it asks first (decision 17).
#[derive(Debug, Template)]
#[template(path = "idp_initiated.html")]
pub struct IdpInitiatedConfirmPage {
    /// Display name of the SP.
    pub app_name: String,
    /// Where it is.
    pub app_host: String,
    /// Who is signed in, or none yet.
    pub user_name: Option<String>,
    /// The host of the site that started it, where the browser says.
    pub came_from: Option<String>,
    /// Where "Open" posts to: a path of ours.
    pub action: String,
    /// The sealed token that goes there.
    pub token: String,
}

#[cfg(test)]
impl PostFormPage<'static> {
    pub(super) fn samples() -> Vec<Self> {
        let hostile = super::tests::HOSTILE;
        vec![
            Self {
                app_name: "Store",
                acs: "https://store.example.org/saml/acs",
                saml_response: Base64::of("<samlp:Response/>>  ?"),
                relay_state: Some("/assets?q=a&b=\"<c>\""),
            },
            Self {
                app_name: "Publisher",
                acs: "http://127.0.0.1:8082/saml/acs?tenant=1&x=2",
                saml_response: Base64::of("<samlp:Response/>"),
                relay_state: None,
            },
            Self {
                app_name: hostile,
                acs: "javascript:alert(1)",
                saml_response: Base64::of(hostile),
                relay_state: Some(hostile),
            },
        ]
    }
}

#[cfg(test)]
impl ArtifactFormPage {
    pub(super) fn samples() -> Vec<Self> {
        let hostile = super::tests::HOSTILE.to_owned();
        let of = |app: &str, acs: &str, relay_state: Option<&str>| Self {
            app_name: app.into(),
            acs: acs.into(),
            artifact: "AAQAAKurq6s=".into(),
            relay_state: relay_state.map(Into::into),
        };
        vec![
            of(
                "Store",
                "https://store.example.org/saml/acs",
                Some("/a?b=\"c\""),
            ),
            of("Store", "https://store.example.org/saml/acs", None),
            of(&hostile, "javascript:alert(1)", Some(&hostile)),
        ]
    }
}

#[cfg(test)]
impl HandOnPage {
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {
            action: "/saml/sso/continue".into(),
            token: "c2VhbGVk".into(),
        }]
    }
}

#[cfg(test)]
impl IdpInitiatedConfirmPage {
    pub(super) fn samples() -> Vec<Self> {
        let hostile = super::tests::HOSTILE.to_owned();
        let of = |came_from: Option<&str>, user_name: Option<&str>, app: &str| Self {
            app_name: app.into(),
            app_host: "store.example.org".into(),
            user_name: user_name.map(Into::into),
            came_from: came_from.map(Into::into),
            action: "/saml/idp-initiated".into(),
            token: "c2VhbGVk".into(),
        };
        vec![
            of(Some("intranet.example.org"), Some("carla"), "Store"),
            of(None, None, "Store"),
            of(Some(&hostile), Some(&hostile), &hostile),
        ]
    }
}
