//! Who is at the door: what a request brings along beside its message.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use serde::de::DeserializeOwned;

use super::App;
use super::app::Site;
use super::cookies::Cookie;
use super::discovery;
use super::failure::Failure;
use super::trace::Note;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::TraceId;
use crate::directory::reason::ReasonCode;
use crate::storage::TokenHash;

/// One request's circumstances.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// What is told about its message to whoever traces it.
    pub(super) note: Note,
    /// Our reference for it.
    pub(super) trace: TraceId,
    /// The session's secret, if the browser has one.
    pub(super) session: Option<String>,
    /// The browser's mark, if it has one.
    pub(super) browser: Option<String>,
    /// The secret of a logout that it is led through, if there is one.
    pub(super) logout: Option<String>,
    /// The identity providers that it has signed in at, where that is written down.
    pub(super) known_idps: Option<String>,
    /// The address that it comes from.
    pub(super) source: IpAddr,
    /// What the browser calls itself, shortened.
    pub(super) user_agent: Option<String>,
    /// Where the browser says the request was started.
    pub(super) site: FetchSite,
    /// The raw query.
    pub(super) query: String,
}

/// What `Sec-Fetch-Site` and `Origin` say about who started a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FetchSite {
    /// Ourselves, or the person with the address bar.
    Own,
    /// Another site.
    Other,
    /// The browser does not say.
    Unknown,
}

impl Visit {
    /// The hash under which the session is stored.
    pub(super) fn token_hash(&self) -> Option<TokenHash> {
        self.session.as_deref().map(TokenHash::of)
    }

    /// An audit event with who and where filled in.
    pub(super) fn event(&self, app: &App, kind: AuditKind) -> AuditEvent {
        AuditEvent {
            source: Some(self.source.to_string()),
            trace: Some(self.trace.clone()),
            ..AuditEvent::new(app.now(), kind)
        }
    }

    /// What a form of a signed-in person has to bring along: bound to the session's secret, so
    /// that no other site knows it.
    pub(super) fn csrf(&self) -> Option<String> {
        let secret = self.session.as_deref()?;
        Some(TokenHash::of(&format!("csrf:{secret}")).as_str().to_owned())
    }

    /// The parameters of the query, none of them twice.
    pub(super) fn parameters<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_urlencoded::from_str(&self.query)
            .map_err(|error| Failure::of(ReasonCode::BadForm).because(error))
    }

    /// Whether a form was sent from our own page by the person of this session.
    pub(super) fn is_own_form(&self, csrf: &str) -> bool {
        self.site != FetchSite::Other
            && self.csrf().is_some_and(|expected| {
                expected.len() == csrf.len()
                    && openssl::memcmp::eq(expected.as_bytes(), csrf.as_bytes())
            })
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let trace = parts.extensions.get::<TraceId>().cloned();
        let trace = trace.ok_or_else(|| Failure::internal("a request without a trace id"))?;
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
        let headers = &parts.headers;
        let note = parts.extensions.get::<Note>().cloned();
        Ok(Self {
            note: note.unwrap_or_default(),
            trace,
            session: Cookie::Session.read(headers, &app.site),
            browser: Cookie::Browser.read(headers, &app.site),
            logout: Cookie::Logout.read(headers, &app.site),
            known_idps: discovery::read(headers, &app.site),
            source: source(peer, headers, &app.site),
            user_agent: text(headers, "user-agent").map(shortened),
            site: fetch_site(headers, &app.site),
            query: query(&parts.uri),
        })
    }
}

fn query(uri: &Uri) -> String {
    uri.query().unwrap_or_default().to_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// At most 200 characters: a header that is text is ASCII.
fn shortened(text: &str) -> String {
    text.get(..200).unwrap_or(text).to_owned()
}

/// The last address in `X-Forwarded-For` that is not a trusted proxy's; the peer's own where it is
/// none.
fn source(peer: IpAddr, headers: &HeaderMap, site: &Site) -> IpAddr {
    if !site.trusts(peer) {
        return peer;
    }
    // Several lines are one list (RFC 9110, 5.3), and some proxies add a line of their own below
    // the client's: the last entry of the last line is the nearest.
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut named = peer;
    for hop in hops {
        let hop = std::str::from_utf8(hop).map(str::trim);
        let Some(address) = hop.ok().and_then(|hop| hop.parse().ok()) else {
            return named;
        };
        named = address;
        if !site.trusts(address) {
            return address;
        }
    }
    named
}

fn fetch_site(headers: &HeaderMap, site: &Site) -> FetchSite {
    if let Some(origin) = text(headers, "origin") {
        return if is_own_origin(origin, site) {
            FetchSite::Own
        } else {
            FetchSite::Other
        };
    }
    match text(headers, "sec-fetch-site") {
        Some("same-origin" | "none") => FetchSite::Own,
        Some(_) => FetchSite::Other,
        None => FetchSite::Unknown,
    }
}

fn is_own_origin(origin: &str, site: &Site) -> bool {
    url::Url::parse(&site.base_url).is_ok_and(|base| base.origin().ascii_serialization() == origin)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use axum::http::HeaderValue;

    use super::*;
    use crate::config::Network;
    use crate::directory::release::SiteRelease;
    use crate::directory::session::SessionLimits;

    pub(in crate::web) fn site() -> Site {
        Site {
            base_url: "https://login.example.org".into(),
            entity_id: "https://login.example.org/saml/metadata".into(),
            limits: SessionLimits {
                idle: Duration::from_hours(2),
                absolute: Duration::from_hours(12),
            },
            clock_skew: Duration::from_mins(3),
            authn_contexts: crate::saml::authn_context::ContextOrder::new([]),
            denied_algorithms: crate::directory::algorithms::DeniedAlgorithms::default(),
            throttle: true,
            contact: None,
            metrics_elsewhere: false,
            about: crate::config::About::default(),
            common_domain: Some("example.org".into()),
            require_signed_requests: false,
            trusted_proxies: Network::LOOPBACK.to_vec(),
            release: SiteRelease::default(),
            queries: None,
        }
    }

    fn headers(name: &'static str, lines: &[&'static [u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn t_fwd_the_source_is_what_the_nearest_untrusted_peer_is_called() {
        let source_of = |peer: &str, lines: &[&'static [u8]]| {
            let headers = headers("x-forwarded-for", lines);
            source(peer.parse().unwrap(), &headers, &site()).to_string()
        };
        assert_eq!(source_of("203.0.113.9", &[b"6.6.6.6"]), "203.0.113.9");
        assert_eq!(
            source_of("127.0.0.1", &[b"6.6.6.6, 203.0.113.9"]),
            "203.0.113.9"
        );
        // The client's own line comes first, the proxy's below it.
        assert_eq!(
            source_of("127.0.0.1", &[b"6.6.6.6", b"203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            source_of("127.0.0.1", &[b"6.6.6.6", b"127.0.0.1"]),
            "6.6.6.6"
        );
        assert_eq!(
            source_of("127.0.0.1", &[b"6.6.6.6", b"\xff, 203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            source_of("127.0.0.1", &[b"6.6.6.6", b"nonsense"]),
            "127.0.0.1"
        );
        assert_eq!(source_of("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn another_apps_cookie_does_not_hide_ours() {
        const OURS: &[u8] = b"a=\xc3\xa9; __Host-doorward_session=\
            0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef; b=1";
        let read =
            |lines: &[&'static [u8]]| Cookie::Session.read(&headers("cookie", lines), &site());
        assert_eq!(read(&[OURS]).map(|secret| secret.len()), Some(64));
        assert_eq!(read(&[OURS, OURS]), None, "of two neither is believed");
        assert_eq!(read(&[b"__Host-doorward_session=short"]), None);
    }
}
