//! The forms of single values: text in, typed value or a sentence about what is wrong out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use url::Url;

use crate::directory::release::EntityCategory;
use crate::directory::service_provider::is_loopback;

/// What is wrong with a value, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) fix: String,
}

pub(super) fn wrong(what: impl Into<String>, fix: impl Into<String>) -> Wrong {
    Wrong {
        what: what.into(),
        fix: fix.into(),
    }
}

/// A network of addresses, as `trusted_proxies` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// This very machine, in both families.
    pub const LOOPBACK: [Self; 2] = [
        Self {
            address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
            prefix: 8,
        },
        Self {
            address: IpAddr::V6(Ipv6Addr::LOCALHOST),
            prefix: 128,
        },
    ];

    /// Whether an address lies in it. An IPv4 address that came over an IPv6 socket counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => same_bits(
                ours.to_bits().into(),
                theirs.to_bits().into(),
                32,
                self.prefix,
            ),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                same_bits(ours.to_bits(), theirs.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(widest);
        (prefix <= widest).then_some(Self { address, prefix })
    }
}

fn same_bits(one: u128, other: u128, width: u32, prefix: u8) -> bool {
    let shift = width.saturating_sub(prefix.into());
    one.checked_shr(shift) == other.checked_shr(shift)
}

pub(super) fn networks(text: &str) -> Result<Vec<Network>, Wrong> {
    let mut networks = Vec::new();
    for item in text.split(',').map(str::trim).filter(|i| !i.is_empty()) {
        match Network::parse(item) {
            _ if item == "loopback" => networks.extend(Network::LOOPBACK),
            Some(network) => networks.push(network),
            None => {
                return Err(wrong(
                    format!("{item:?} is no address and no network"),
                    "write addresses, networks such as \"10.0.0.0/8\", or \"loopback\"",
                ));
            }
        }
    }
    Ok(networks)
}

/// Entity categories by their words.
pub(super) fn categories(text: &str) -> Result<Vec<EntityCategory>, Wrong> {
    let words = EntityCategory::ALL.map(|category| (category.word(), category));
    let named = text.split(',').map(str::trim).filter(|i| !i.is_empty());
    named.map(|item| word(item, &words)).collect()
}

pub(super) fn duration(text: &str) -> Result<Duration, Wrong> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let length = number
        .parse::<u64>()
        .ok()
        .zip(milliseconds)
        .and_then(|(number, unit)| number.checked_mul(unit))
        // A century: longer would only be a slip of the finger.
        .filter(|length| *length <= 36_500 * 86_400_000);
    length.map(Duration::from_millis).ok_or_else(|| {
        wrong(
            format!("{text:?} is no duration"),
            "write a number and a unit: \"500ms\", \"90s\", \"3m\", \"2h\" or \"7d\"",
        )
    })
}

pub(super) fn socket_address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        wrong(
            format!("{text:?} is no socket address"),
            "write an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"",
        )
    })
}

pub(super) fn number(text: &str) -> Result<u32, Wrong> {
    text.parse()
        .map_err(|_| wrong(format!("{text:?} is no number"), "write a whole number"))
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, Wrong> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong(
            format!("{text:?} is neither true nor false"),
            "write true or false",
        )),
    }
}

/// One of a fixed set of words.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, Wrong> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        wrong(
            format!("{text:?} is not known"),
            format!("write one of {}", known.join(", ")),
        )
    })
}

/// The address that browsers see, without a trailing slash.
pub(super) fn base_url(text: &str, allow_insecure_http: bool) -> Result<String, Wrong> {
    let example = "write an absolute address such as \"https://login.example.org\"";
    let url = Url::parse(text).map_err(|e| wrong(format!("{text:?} is no URL ({e})"), example))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong(format!("{text:?} is no http(s) address"), example));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(format!("{text:?} names a user"), example));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(
            format!("{text:?} has a query or a fragment"),
            "leave out what follows ? or #",
        ));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_insecure_http {
        return Err(wrong(
            format!("{text:?} is plain http outside loopback: passwords would travel in the clear"),
            "write https, or allow_insecure_http = true if this is only a trial",
        ));
    }
    // Forms, redirects and cookies name paths from the root of the host.
    if !url.path().trim_end_matches('/').is_empty() {
        return Err(wrong(
            format!("{text:?} has a path"),
            "give Doorward a host name of its own, such as \"https://login.example.org\"",
        ));
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(duration("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("3m"), Ok(Duration::from_mins(3)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for text in [
            "",
            "2",
            "h",
            "2 h",
            "-1s",
            "1h30m",
            "2H",
            "99999999999999999999s",
            "36501d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn base_urls_are_absolute_secure_and_end_without_a_slash() {
        let good = |text| base_url(text, false).unwrap();
        assert_eq!(
            good("https://Login.example.org/"),
            "https://login.example.org"
        );
        assert_eq!(good("https://x.example:443/a/..//"), "https://x.example");
        assert_eq!(good("http://localhost:8080"), "http://localhost:8080");
        assert_eq!(good("http://[::1]:8080/"), "http://[::1]:8080");
        for text in [
            "login.example.org",
            "ftp://x.example",
            "https://u:p@x.example",
            "https://x.example?a",
            "https://x.example#a",
            "https://x.example/idp",
            "http://x.example",
            "",
        ] {
            assert!(base_url(text, false).is_err(), "{text}");
        }
        assert!(base_url("http://x.example", true).is_ok());
    }

    #[test]
    fn categories_are_named_by_their_words() {
        use EntityCategory::{Anonymous, ResearchAndScholarship};
        let read = categories("research-and-scholarship, anonymous");
        assert_eq!(read, Ok(vec![ResearchAndScholarship, Anonymous]));
        assert_eq!(categories(""), Ok(vec![]));
        assert!(categories("everything").is_err());
    }

    #[test]
    fn networks_hold_the_addresses_under_their_prefix() {
        let held = |text: &str, address: &str| {
            let address = address.parse().unwrap();
            networks(text).unwrap().iter().any(|n| n.contains(address))
        };
        assert!(held("loopback", "127.1.2.3"));
        assert!(held("loopback", "::1"));
        assert!(held("loopback", "::ffff:127.0.0.1"));
        assert!(held("10.0.0.0/8, 192.168.1.7", "10.255.0.1"));
        assert!(held("10.0.0.0/8, 192.168.1.7", "192.168.1.7"));
        assert!(!held("10.0.0.0/8, 192.168.1.7", "192.168.1.8"));
        assert!(held("0.0.0.0/0", "9.9.9.9"));
        assert!(held("::/0", "2001:db8::1"));
        assert!(held("2001:db8::/32", "2001:db8:1::1"));
        assert!(!held("", "127.0.0.1"));
        assert!(networks("10.0.0.0/33").is_err());
        assert!(networks("proxy.example").is_err());
    }
}
