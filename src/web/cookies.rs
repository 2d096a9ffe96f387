//! Our two cookies: the session's secret, and the mark of the browser that forms are bound to.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use super::app::Site;
use super::failure::Failure;
use super::visit::Visit;
use crate::clock::{NoRandomness, random};

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The secret of a session.
    Session,
    /// The mark of a browser, shared by its tabs (decision 9).
    Browser,
    /// The secret of the logout that a browser is led through (decision 28).
    Logout,
}

impl Cookie {
    /// Its name: with the prefix that browsers guard where there is TLS, and another one on
    /// plain-http loopback (decision 10).
    fn name(self, site: &Site) -> &'static str {
        match (self, site.is_https()) {
            (Self::Session, true) => "__Host-doorward_session",
            (Self::Session, false) => "doorward_session",
            (Self::Browser, true) => "__Host-doorward_browser",
            (Self::Browser, false) => "doorward_browser",
            (Self::Logout, true) => "__Host-doorward_logout",
            (Self::Logout, false) => "doorward_logout",
        }
    }

    /// Its value in a request. Of two cookies with one name neither is believed.
    pub(super) fn read(self, headers: &HeaderMap, site: &Site) -> Option<String> {
        let name = self.name(site);
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            // By bytes: other apps' cookies beside ours need not be ASCII.
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| {
                let pair = pair.trim_ascii().strip_prefix(name.as_bytes())?;
                pair.strip_prefix(b"=")
            });
        match (found.next(), found.next()) {
            (Some(value), None) => std::str::from_utf8(value)
                .ok()
                .filter(|value| is_secret(value))
                .map(str::to_owned),
            _ => None,
        }
    }

    /// The header that sets it.
    pub(super) fn set(self, value: &str, site: &Site) -> Option<HeaderValue> {
        let secure = if site.is_https() { "; Secure" } else { "" };
        let name = self.name(site);
        HeaderValue::from_str(&format!(
            "{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}"
        ))
        .ok()
    }

    /// The header that removes it.
    pub(super) fn clear(self, site: &Site) -> Option<HeaderValue> {
        let secure = if site.is_https() { "; Secure" } else { "" };
        let name = self.name(site);
        HeaderValue::from_str(&format!(
            "{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}"
        ))
        .ok()
    }
}

/// The mark of the browser that a page is made for; a browser without one gets one with the page.
pub(super) struct Mark {
    pub(super) text: String,
    is_new: bool,
}

impl Mark {
    /// Its own, or a fresh one.
    pub(super) fn of(visit: &Visit) -> Result<Self, Failure> {
        let known = visit.browser.clone();
        let is_new = known.is_none();
        let text = match known {
            Some(mark) => mark,
            None => fresh_secret().map_err(Failure::internal)?,
        };
        Ok(Self { text, is_new })
    }

    /// The page, with the cookie if the browser has none yet.
    pub(super) fn put_on(self, mut page: Response, site: &Site) -> Response {
        if self.is_new {
            let set = Cookie::Browser.set(&self.text, site);
            set.map(|set| page.headers_mut().append(header::SET_COOKIE, set));
        }
        page
    }
}

/// A fresh secret of 256 bits, in hex.
pub(super) fn fresh_secret() -> Result<String, NoRandomness> {
    use std::fmt::Write as _;
    Ok(random::<32>()?
        .iter()
        .fold(String::with_capacity(64), |mut secret, byte| {
            // Writing to a String cannot fail.
            let _ = write!(secret, "{byte:02x}");
            secret
        }))
}

fn is_secret(value: &str) -> bool {
    value.len() == 64
        && value
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
