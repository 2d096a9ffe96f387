//! What is connected to where nobody watches: by https in the public internet, and what
//! `fetch_allow` names. A name is resolved once, its addresses are checked, and one of these very
//! addresses is connected to; every redirect is a fetch of its own (T-SSRF-MD).
//!
//! Metadata is fetched so, and so are the service providers told of a logout that came with it
//! (decision 53).

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use thiserror::Error;
use ureq::http::{Response, StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};
use url::Url;

use super::address::is_public;
use crate::config::FetchAllow;
use crate::directory::metadata_source::Validators;

/// How often a fetch may be sent on.
const REDIRECTS: usize = 3;

/// The ports of https that need no entry in `fetch_allow`.
const PORTS: [u16; 2] = [443, 8443];

/// Why nothing was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchError {
    /// No absolute address.
    #[error("{0:?} is no absolute http(s) address without user and password")]
    Address(String),
    /// Plain http, or another scheme or port.
    #[error("{0} is not https at port 443 or 8443, and fetch_allow does not name it")]
    Scheme(String),
    /// An address that is not of the public internet.
    #[error(
        "{0} leads to no address of the public internet that is reached by https, and fetch_allow does not name it"
    )]
    NotPublic(String),
    /// From https to http.
    #[error("{from} redirects to {to}, from https to plain http")]
    Downgrade {
        /// Where it was asked.
        from: String,
        /// Where it was sent.
        to: String,
    },
    /// Sent on too often.
    #[error("it redirects more than {REDIRECTS} times")]
    Redirects,
    /// A redirect that leads nowhere.
    #[error("it redirects without saying where to")]
    NoLocation,
    /// Another status.
    #[error("the server answers with status {0}")]
    Status(u16),
    /// More bytes than are taken.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    /// Compressed in a way that was not offered, or badly.
    #[error("the answer is compressed in a way that cannot be read")]
    Encoding,
    /// No connection, no answer in time, no trust in its certificate.
    #[error("{0}")]
    Connection(String),
}

/// What may be reached.
#[derive(Debug, Clone, Default)]
pub struct FetchPolicy {
    allow: Arc<[FetchAllow]>,
    /// Whatever an administrator has typed.
    anywhere: bool,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// Where.
    pub url: &'r str,
    /// What is known already.
    pub validators: &'r Validators,
    /// How many bytes are taken, before and after decompression.
    pub largest: u64,
    /// How long it may take altogether.
    pub patience: Duration,
}

/// What is sent, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Post<'r> {
    /// Where to.
    pub url: &'r str,
    /// The headers, by name.
    pub headers: &'r [(&'r str, &'r str)],
    /// What is sent.
    pub body: &'r str,
    /// How many bytes of an answer are taken.
    pub largest: u64,
    /// How long it may take altogether.
    pub patience: Duration,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Nothing has changed.
    Unchanged,
    /// There is nothing there (404, 410).
    Nothing,
    /// A document.
    Document {
        /// Its bytes.
        bytes: Vec<u8>,
        /// What the next request asks with.
        validators: Validators,
    },
}

impl FetchPolicy {
    /// Public https, and what is named.
    #[must_use]
    pub fn new(allow: Vec<FetchAllow>) -> Self {
        Self {
            allow: allow.into(),
            anywhere: false,
        }
    }

    /// Every address: for those that an administrator has typed.
    #[must_use]
    pub fn anywhere() -> Self {
        Self {
            anywhere: true,
            ..Self::default()
        }
    }

    /// Whether an address may be asked for at all, before its name is resolved.
    pub fn check(&self, address: &str) -> Result<Url, FetchError> {
        let wrong = || FetchError::Address(address.chars().take(200).collect());
        let url = Url::parse(address).map_err(|_| wrong())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong());
        }
        let (Some(host), Some(port)) = (host_of(&url), url.port_or_known_default()) else {
            return Err(wrong());
        };
        let usual = url.scheme() == "https" && PORTS.contains(&port);
        // An address in a network that is named is let through here and checked when it is known.
        let named = self.anywhere || self.names(&host, port) || self.has_networks();
        match url.scheme() {
            "https" | "http" if usual || named => Ok(url),
            "https" | "http" => Err(FetchError::Scheme(address.to_owned())),
            _ => Err(wrong()),
        }
    }

    fn names(&self, host: &str, port: u16) -> bool {
        self.allow.iter().any(|one| one.names(host, port))
    }

    fn has_networks(&self) -> bool {
        let is_network = |one: &FetchAllow| matches!(one, FetchAllow::Network(_));
        self.allow.iter().any(is_network)
    }

    /// Whether a host may be connected to at an address that its name was resolved to.
    fn admits(&self, url: &Url, address: SocketAddr) -> bool {
        let host = host_of(url).unwrap_or_default();
        if self.anywhere || self.names(&host, address.port()) {
            return true;
        }
        if self.allow.iter().any(|one| one.holds(address.ip())) {
            return true;
        }
        let usual = url.scheme() == "https" && PORTS.contains(&address.port());
        usual && is_public(address.ip())
    }

    /// Fetches. It blocks: call it where that does not matter.
    pub fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let deadline = Instant::now() + request.patience;
        let mut url = self.check(request.url)?;
        for _ in 0..=REDIRECTS {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(FetchError::Connection("it took too long".to_owned()));
            }
            let response = self.ask(&url, request, left)?;
            match response.status() {
                StatusCode::NOT_MODIFIED => return Ok(Fetched::Unchanged),
                StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Fetched::Nothing),
                StatusCode::OK => return read(response, request.largest),
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => url = self.sent_on(&url, &response)?,
                other => return Err(FetchError::Status(other.as_u16())),
            }
        }
        Err(FetchError::Redirects)
    }

    /// Sends a document and reads the answer. No redirect is followed: what was sent was meant for
    /// that address. It blocks.
    pub fn post(&self, post: &Post<'_>) -> Result<Vec<u8>, FetchError> {
        let url = self.check(post.url)?;
        let mut call = self.agent(&url, post.patience).post(url.as_str());
        for (name, value) in post.headers {
            call = call.header(*name, *value);
        }
        let sent = call.send(post.body);
        let response = sent.map_err(|error| failed(&url, &error))?;
        match response.status() {
            StatusCode::OK => match read(response, post.largest)? {
                Fetched::Document { bytes, .. } => Ok(bytes),
                Fetched::Unchanged | Fetched::Nothing => Ok(Vec::new()),
            },
            other => Err(FetchError::Status(other.as_u16())),
        }
    }

    /// Where a redirect leads; it is checked like any other address.
    fn sent_on(&self, from: &Url, response: &Response<Body>) -> Result<Url, FetchError> {
        let location = header(response, "location").ok_or(FetchError::NoLocation)?;
        let to = from.join(&location).map_err(|_| FetchError::NoLocation)?;
        if from.scheme() == "https" && to.scheme() != "https" {
            return Err(FetchError::Downgrade {
                from: from.to_string(),
                to: to.to_string(),
            });
        }
        self.check(to.as_str())
    }

    /// One request on one connection.
    fn ask(
        &self,
        url: &Url,
        request: &Request<'_>,
        patience: Duration,
    ) -> Result<Response<Body>, FetchError> {
        let mut call = self
            .agent(url, patience)
            .get(url.as_str())
            .header("Accept", "application/samlmetadata+xml")
            .header("Accept-Encoding", "gzip");
        if let Some(etag) = &request.validators.etag {
            call = call.header("If-None-Match", etag);
        }
        if let Some(date) = &request.validators.last_modified {
            call = call.header("If-Modified-Since", date);
        }
        call.call().map_err(|error| failed(url, &error))
    }

    /// Who connects to this one address: no cookies, no credentials, no proxy of the environment.
    fn agent(&self, url: &Url, patience: Duration) -> Agent {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .timeout_global(Some(patience))
            .timeout_connect(Some(patience.min(Duration::from_secs(10))))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .tls_config(tls)
            .user_agent(concat!("doorward/", env!("CARGO_PKG_VERSION")))
            .build();
        let pinned = Pinned {
            policy: self.clone(),
            url: url.clone(),
        };
        Agent::with_parts(config, DefaultConnector::new(), pinned)
    }
}

fn failed(url: &Url, error: &ureq::Error) -> FetchError {
    match error {
        ureq::Error::Other(_) => FetchError::NotPublic(url.to_string()),
        other => FetchError::Connection(other.to_string()),
    }
}

/// The host as `fetch_allow` writes it: in lower case, without brackets.
fn host_of(url: &Url) -> Option<String> {
    match url.host()? {
        url::Host::Domain(name) if !name.is_empty() => Some(name.to_owned()),
        url::Host::Domain(_) => None,
        url::Host::Ipv4(address) => Some(address.to_string()),
        url::Host::Ipv6(address) => Some(address.to_string()),
    }
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    // What is longer, or no text, is not worth asking with.
    let text = value.to_str().ok().filter(|text| text.len() <= 1024);
    text.map(str::to_owned)
}

/// The body, decompressed; neither form may be too large.
fn read(mut response: Response<Body>, largest: u64) -> Result<Fetched, FetchError> {
    let validators = Validators {
        etag: header(&response, "etag"),
        last_modified: header(&response, "last-modified"),
    };
    let encoding = header(&response, "content-encoding");
    let compressed = match encoding.as_deref().map(str::trim) {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(_) => return Err(FetchError::Encoding),
    };
    let body = response
        .body_mut()
        .with_config()
        .limit(largest + 1)
        .reader();
    let mut bytes = Vec::new();
    let read = if compressed {
        let mut body = MultiGzDecoder::new(body).take(largest + 1);
        body.read_to_end(&mut bytes)
    } else {
        body.take(largest + 1).read_to_end(&mut bytes)
    };
    let is_too_large = |error: &std::io::Error| {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        matches!(inner, Some(ureq::Error::BodyExceedsLimit(_)))
    };
    match read {
        Err(error) if is_too_large(&error) => Err(FetchError::TooLarge(largest)),
        Err(_) if compressed => Err(FetchError::Encoding),
        Err(error) => Err(FetchError::Connection(error.to_string())),
        Ok(_) if bytes.len() as u64 > largest => Err(FetchError::TooLarge(largest)),
        Ok(_) => Ok(Fetched::Document { bytes, validators }),
    }
}

/// Resolves the one name that was checked, and gives out only addresses that are let through: what
/// is connected to is what was looked at.
#[derive(Debug)]
struct Pinned {
    policy: FetchPolicy,
    url: Url,
}

#[derive(Debug, Error)]
#[error("the address is not public")]
struct Withheld;

impl Resolver for Pinned {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let all = DefaultResolver::default().resolve(uri, config, timeout)?;
        let mut admitted = self.empty();
        for address in all.iter().filter(|a| self.policy.admits(&self.url, **a)) {
            admitted.push(*address);
        }
        if admitted.is_empty() {
            return Err(ureq::Error::Other(Box::new(Withheld)));
        }
        Ok(admitted)
    }
}
