//! Our two cookies: the session's secret, and the mark of the browser that forms are bound to.

use axum::http::{HeaderMap, HeaderValue, header};

use super::app::Site;
use crate::clock::{NoRandomness, random};

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The secret of a session.
    Session,
    /// The mark of a browser, shared by its tabs (decision 9).
    Browser,
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
        }
    }

    /// Its value in a request. Of two cookies with one name neither is believed.
    pub(super) fn read(self, headers: &HeaderMap, site: &Site) -> Option<String> {
        let name = self.name(site);
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(known, _)| *known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) if is_secret(value) => Some(value.to_owned()),
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
