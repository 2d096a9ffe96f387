//! The sealed token of a flow: what was asked, never what was proved (decision 9).
//!
//! Nothing is stored before somebody signs in; what was asked travels with the browser, sealed
//! under a key of the day. Tokens for the form and tokens for the next hop have keys of their own.

use std::time::Duration;

use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::App;
use super::failure::Failure;
use super::headers::hand_on_page;
use super::pages::HandOnPage;
use crate::access::Freshness;
use crate::clock::random_id;
use crate::directory::name::SpId;
use crate::directory::time::UnixTime;
use crate::keystore::{Secrets, sealed};
use crate::saml::authn_request::Asked;
use crate::storage::TokenHash;

/// How long the next hop may take.
const HOP_LIFETIME: Duration = Duration::from_mins(2);
/// How old a request may grow at the sign-in page and still be answered; an older one leads to the
/// app's own start address, which asks anew.
const ANSWERABLE: Duration = Duration::from_mins(15);
/// The longest address that proxies are sure to pass on (decision 10).
pub(super) const LOCATION_LIMIT: usize = 2000;

/// What was asked for, on its way through the sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flow {
    /// Names the flow; a sign-in for it is used up once.
    id: String,
    /// The door, by its registration's id; none leads to the launcher.
    sp: Option<String>,
    /// What the SP asks for.
    asked: Option<Asked>,
    /// Whether a sign-in of its own is demanded, and by whom.
    again: Again,
    /// When the request arrived, in milliseconds since 1970.
    first_seen: i64,
    /// When this token was sealed.
    sealed_at: i64,
    /// Hash of the mark of the browser that the form was shown to.
    browser: Option<String>,
}

/// Whether the session that is there will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Again {
    /// It will.
    No,
    /// The request has ForceAuthn.
    ForceAuthn,
    /// The person wants to be somebody else.
    SomeoneElse,
}

/// For which use a token is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// For a form, which may stay open for long.
    Form,
    /// For the next hop.
    Hop,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::Form => "flow-form",
            Self::Hop => "flow-hop",
        }
    }
}

/// Seals and opens tokens.
pub(super) struct Sealer(Secrets);

impl Sealer {
    pub(super) fn new(secrets: Secrets) -> Self {
        Self(secrets)
    }

    /// Seals a flow.
    pub(super) fn seal(
        &self,
        flow: &Flow,
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<String, Failure> {
        let flow = Flow {
            sealed_at: now.millis(),
            ..flow.clone()
        };
        let plain = serde_json::to_vec(&flow).map_err(Failure::internal)?;
        let key = self
            .0
            .flow_key(purpose.label(), now.day())
            .map_err(Failure::internal)?;
        sealed::seal(&key, &plain, purpose.label()).map_err(Failure::internal)
    }

    /// Opens a token that was sealed for this use today or yesterday.
    pub(super) fn open(&self, token: &str, purpose: Purpose, now: UnixTime) -> Option<Flow> {
        let keys = self.0.flow_keys(purpose.label(), now).ok()?;
        let plain = sealed::open(&keys, token, purpose.label())?;
        serde_json::from_slice(&plain).ok()
    }
}

impl Flow {
    /// A flow into an app, begun now.
    pub(super) fn into_app(sp: &SpId, asked: Asked, now: UnixTime) -> Result<Self, Failure> {
        let again = if asked.force_authn {
            Again::ForceAuthn
        } else {
            Again::No
        };
        let (sp, asked) = (Some(sp.as_str().to_owned()), Some(asked));
        Ok(Self {
            sp,
            asked,
            again,
            ..Self::to_launcher(now)?
        })
    }

    /// A flow to Doorward's own page.
    pub(super) fn to_launcher(now: UnixTime) -> Result<Self, Failure> {
        Ok(Self {
            id: random_id().map_err(Failure::internal)?,
            sp: None,
            asked: None,
            again: Again::No,
            first_seen: now.millis(),
            sealed_at: now.millis(),
            browser: None,
        })
    }

    /// The same wish, by somebody else: a flow of its own, so that no earlier sign-in counts.
    pub(super) fn for_someone_else(self) -> Result<Self, Failure> {
        let id = random_id().map_err(Failure::internal)?;
        Ok(Self {
            id,
            again: Again::SomeoneElse,
            ..self
        })
    }

    /// The same, bound to a browser.
    pub(super) fn bound_to(self, browser: &str) -> Self {
        Self {
            browser: Some(TokenHash::of(browser).as_str().to_owned()),
            ..self
        }
    }

    /// Whether the form was shown to this browser.
    pub(super) fn is_bound_to(&self, browser: Option<&str>) -> bool {
        browser.is_some_and(|mark| self.browser.as_deref() == Some(TokenHash::of(mark).as_str()))
    }

    /// The door.
    pub(super) fn sp(&self) -> Option<SpId> {
        self.sp.as_deref().map(SpId::from_stored)
    }

    /// What the SP asks for.
    pub(super) fn asked(&self) -> Option<&Asked> {
        self.asked.as_ref()
    }

    /// Whether the session that is there will do.
    pub(super) fn again(&self) -> Again {
        self.again
    }

    /// The hash that a sign-in for this flow leaves in the session.
    pub(super) fn fresh_for(&self) -> String {
        TokenHash::of(&format!("flow:{}", self.id))
            .as_str()
            .to_owned()
    }

    /// How fresh a sign-in it demands.
    pub(super) fn freshness(&self) -> Freshness {
        match self.again {
            Again::No => Freshness::AnySession,
            Again::ForceAuthn | Again::SomeoneElse => Freshness::SignedInFor(self.fresh_for()),
        }
    }

    /// When the request arrived.
    pub(super) fn began(&self) -> UnixTime {
        UnixTime::from_millis(self.first_seen)
    }

    /// Whether the hop was taken in time.
    pub(super) fn is_prompt(&self, now: UnixTime) -> bool {
        now < UnixTime::from_millis(self.sealed_at).plus(HOP_LIFETIME)
    }

    /// Whether the SP may still wait for an answer.
    pub(super) fn is_answerable(&self, now: UnixTime) -> bool {
        now < UnixTime::from_millis(self.first_seen).plus(ANSWERABLE)
    }
}

/// Sends the browser on with a token: by a 303, or by a page of ours that posts it, where the
/// address would be too long for proxies (decision 10).
pub(super) fn hand_on(app: &App, path: &str, token: String) -> Response {
    let location = format!("{path}?t={token}");
    if app.site.base_url.len() + location.len() <= LOCATION_LIMIT {
        return Redirect::to(&location).into_response();
    }
    hand_on_page(&HandOnPage {
        action: path.to_owned(),
        token,
    })
}

/// To the next hop.
pub(super) fn to_next_hop(app: &App, flow: &Flow) -> Result<Response, Failure> {
    let token = app.sealer.seal(flow, Purpose::Hop, app.now())?;
    Ok(hand_on(app, "/saml/sso/continue", token))
}

/// To the sign-in page.
pub(super) fn to_login(app: &App, flow: &Flow) -> Result<Response, Failure> {
    let token = app.sealer.seal(flow, Purpose::Form, app.now())?;
    Ok(hand_on(app, "/login", token))
}
