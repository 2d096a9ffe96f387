//! The endpoints that take Responses: which of them is meant, and which addresses may be one.

use thiserror::Error;

/// The bindings that an ACS can be registered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcsBinding {
    /// HTTP-POST: the browser brings the Response (Bindings 3.5).
    HttpPost,
    /// HTTP-Artifact: the browser brings a reference to it (Bindings 3.6).
    HttpArtifact,
    /// PAOS: an enhanced client brings it (Bindings 3.3, Profiles 4.2).
    Paos,
    /// Another one, kept because indexes and the order count (Metadata 2.2.3), never answered to.
    Other,
}

impl AcsBinding {
    /// Those by which a browser is answered; where two endpoints share an address, the first of
    /// these counts.
    pub const BROWSER: &[Self] = &[Self::HttpPost, Self::HttpArtifact];

    /// Whether Responses leave by it.
    #[must_use]
    pub fn is_used(self) -> bool {
        self != Self::Other
    }
}

/// How one of several endpoints is meant (Core 3.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick<'a> {
    /// The choice is left to the metadata.
    Default,
    /// By exactly this URL.
    Location(&'a str),
    /// By index.
    Index(u16),
}

/// One AssertionConsumerService of an SP (Metadata 2.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcsEndpoint {
    /// Its binding.
    pub binding: AcsBinding,
    /// Its URL, compared byte for byte.
    pub location: String,
    /// Its index.
    pub index: u16,
    /// `isDefault`, where it was said.
    pub is_default: Option<bool>,
}

/// The endpoints of an SP: at least one of them takes a Response that a browser brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcsEndpoints {
    all: Vec<AcsEndpoint>,
    default: AcsEndpoint,
}

/// Why a list of endpoints cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AcsError {
    /// No endpoint that a browser can be sent to.
    #[error("no AssertionConsumerService with the binding HTTP-POST or HTTP-Artifact")]
    NoBrowserEndpoint,
    /// Not an absolute http or https URL, or one with a fragment, a user or odd characters.
    #[error("{0:?} is not an absolute http(s) URL without user and fragment")]
    Location(String),
    /// Plain http outside loopback, without `--allow-http`.
    #[error("{0:?} is plain http outside loopback")]
    PlainHttp(String),
    /// Two endpoints with one index (Metadata 2.2.3).
    #[error("two AssertionConsumerService elements have the index {0}")]
    DuplicateIndex(u16),
}

impl AcsEndpoints {
    /// Checks and takes a list of endpoints in document order.
    pub fn new(all: Vec<AcsEndpoint>, allow_http: bool) -> Result<Self, AcsError> {
        let mut indexes = std::collections::BTreeSet::new();
        for endpoint in &all {
            if !indexes.insert(endpoint.index) {
                return Err(AcsError::DuplicateIndex(endpoint.index));
            }
            if endpoint.binding.is_used() {
                check_location(&endpoint.location, allow_http)?;
            }
        }
        Self::from_stored(all)
    }

    /// Endpoints read back from storage, where they were checked when written.
    pub fn from_stored(all: Vec<AcsEndpoint>) -> Result<Self, AcsError> {
        let default = choose_default(&all, AcsBinding::BROWSER)
            .cloned()
            .ok_or(AcsError::NoBrowserEndpoint)?;
        Ok(Self { all, default })
    }

    /// All, in document order.
    pub fn iter(&self) -> impl Iterator<Item = &AcsEndpoint> {
        self.all.iter()
    }

    /// Where a Response goes that a browser brings and that was asked for without naming an
    /// endpoint: the one marked default, else the first not marked otherwise, else the first
    /// (Metadata 2.2.3); endpoints that cannot carry a Response are passed over.
    #[must_use]
    pub fn default_endpoint(&self) -> &AcsEndpoint {
        &self.default
    }

    /// The endpoint that is meant, among those of these bindings. Of two with one URL that of the
    /// earlier binding counts.
    #[must_use]
    pub fn pick(&self, bindings: &[AcsBinding], pick: Pick<'_>) -> Option<&AcsEndpoint> {
        let found = |binding: &AcsBinding, location: &str| {
            self.all
                .iter()
                .find(|acs| acs.binding == *binding && acs.location == location)
        };
        match pick {
            Pick::Default => choose_default(&self.all, bindings),
            Pick::Location(location) => {
                bindings.iter().find_map(|binding| found(binding, location))
            }
            Pick::Index(index) => self
                .all
                .iter()
                .find(|acs| acs.index == index && bindings.contains(&acs.binding)),
        }
    }
}

fn choose_default<'a>(all: &'a [AcsEndpoint], bindings: &[AcsBinding]) -> Option<&'a AcsEndpoint> {
    let usable = || all.iter().filter(|acs| bindings.contains(&acs.binding));
    usable()
        .find(|endpoint| endpoint.is_default == Some(true))
        .or_else(|| usable().find(|endpoint| endpoint.is_default.is_none()))
        .or_else(|| usable().next())
}

/// Whether a URL may be an address that we send browsers to.
pub fn check_location(location: &str, allow_http: bool) -> Result<(), AcsError> {
    let wrong = || AcsError::Location(location.to_owned());
    let visible = location
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"\\<>\"`{}|^".contains(&b));
    if !visible || location.len() > 2048 || location.contains('#') {
        return Err(wrong());
    }
    // Browsers read `https:///acs` and `https:acs` as the host acs; RFC 3986 knows no host there.
    let (_, rest) = location.split_once(':').ok_or_else(wrong)?;
    let authority = rest.strip_prefix("//").ok_or_else(wrong)?;
    if authority.starts_with('/') {
        return Err(wrong());
    }
    let url = url::Url::parse(location).map_err(|_| wrong())?;
    if !url.username().is_empty() || url.password().is_some() || url.host().is_none() {
        return Err(wrong());
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow_http || is_loopback(&url) => Ok(()),
        "http" => Err(AcsError::PlainHttp(location.to_owned())),
        _ => Err(wrong()),
    }
}

/// Whether a URL names this very machine.
#[must_use]
pub fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(index: u16, binding: AcsBinding, is_default: Option<bool>) -> AcsEndpoint {
        let location = format!("https://sp.example/acs{index}");
        AcsEndpoint {
            binding,
            location,
            index,
            is_default,
        }
    }

    #[test]
    fn c_r3_the_default_endpoint_can_carry_a_response() {
        use AcsBinding::{HttpPost, Other};
        let default_of = |all| AcsEndpoints::new(all, false).map(|acs| acs.default.index);
        assert_eq!(
            default_of(vec![endpoint(0, Other, None), endpoint(1, HttpPost, None)]),
            Ok(1)
        );
        assert_eq!(
            default_of(vec![
                endpoint(0, HttpPost, None),
                endpoint(1, HttpPost, Some(true))
            ]),
            Ok(1)
        );
        assert_eq!(
            default_of(vec![
                endpoint(0, HttpPost, Some(false)),
                endpoint(1, HttpPost, None)
            ]),
            Ok(1)
        );
        assert_eq!(default_of(vec![endpoint(3, HttpPost, Some(false))]), Ok(3));
        assert_eq!(
            default_of(vec![endpoint(0, Other, Some(true))]),
            Err(AcsError::NoBrowserEndpoint)
        );
    }

    #[test]
    fn c_r3_an_endpoint_is_picked_among_those_of_the_bindings_that_can_be_used() {
        use AcsBinding::{HttpArtifact, HttpPost, Other, Paos};
        let at = |index, binding, location: &str| AcsEndpoint {
            location: location.to_owned(),
            ..endpoint(index, binding, None)
        };
        let shared = "https://sp.example/both";
        let acs = AcsEndpoints::new(
            vec![
                at(0, Other, shared),
                at(1, HttpArtifact, shared),
                at(2, HttpPost, shared),
                at(3, Paos, "https://sp.example/ecp"),
            ],
            false,
        )
        .unwrap();
        let index = |bindings: &[AcsBinding], pick| acs.pick(bindings, pick).map(|acs| acs.index);
        let browser = AcsBinding::BROWSER;
        assert_eq!(
            acs.default_endpoint().index,
            1,
            "the first that can be used"
        );
        assert_eq!(index(browser, Pick::Location(shared)), Some(2));
        assert_eq!(index(&[HttpArtifact], Pick::Location(shared)), Some(1));
        assert_eq!(index(&[HttpPost], Pick::Default), Some(2));
        assert_eq!(index(&[Paos], Pick::Default), Some(3));
        assert_eq!(index(browser, Pick::Index(1)), Some(1));
        for refused in [0, 3, 4] {
            assert_eq!(index(browser, Pick::Index(refused)), None);
        }
        assert_eq!(
            index(browser, Pick::Location("https://sp.example/ecp")),
            None
        );
        let only = |binding| AcsEndpoints::new(vec![endpoint(0, binding, None)], false);
        assert!(only(HttpArtifact).is_ok());
        assert_eq!(only(Paos), Err(AcsError::NoBrowserEndpoint));
    }

    #[test]
    fn t_acs_scheme_only_plain_web_addresses_can_be_registered() {
        for good in [
            "https://sp.example/acs",
            "http://127.0.0.1:8081/acs",
            "http://[::1]/acs",
        ] {
            assert_eq!(check_location(good, false), Ok(()), "{good}");
        }
        for bad in [
            "https:///sp.example/acs",
            "https:sp.example/acs",
            "javascript:alert(1)//https://sp.example/acs",
            "data:text/html,x",
            "//sp.example/acs",
            "https://sp.example@evil.example/acs",
            "https://evil.example\\@sp.example/acs",
            "https://sp.example/acs#f",
            "https://sp.example/acs ",
            "https://sp.example/\tacs",
            "",
        ] {
            assert!(
                matches!(check_location(bad, true), Err(AcsError::Location(_))),
                "{bad}"
            );
        }
        assert!(check_location("http://sp.example/acs", false).is_err());
        assert!(check_location("http://sp.example/acs", true).is_ok());
    }
}
