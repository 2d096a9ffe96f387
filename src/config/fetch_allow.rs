//! What sources of metadata may be: `fetch_allow` and `metadata_max_validity`.

use std::net::IpAddr;
use std::time::Duration;

use super::source::Source;
use super::value::{self, Network, Wrong, wrong};

/// What holds for every source of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSettings {
    /// What scheduled fetches may reach beside public https.
    pub fetch_allow: Vec<FetchAllow>,
    /// How far ahead the validUntil of signed metadata may be.
    pub max_validity: Duration,
}

pub(super) fn source_settings(source: &mut Source) -> Option<SourceSettings> {
    let fetch_allow = source.value("fetch_allow", fetch_allow);
    let max_validity = source.value("metadata_max_validity", max_validity);
    Some(SourceSettings {
        fetch_allow: fetch_allow.unwrap_or_default(),
        max_validity: max_validity?,
    })
}

fn max_validity(text: &str) -> Result<Duration, Wrong> {
    let longest = value::duration(text)?;
    if longest < Duration::from_hours(1) {
        return Err(wrong(
            format!("{text:?} is shorter than any federation signs for"),
            "write at least \"1h\"; \"14d\" is usual",
        ));
    }
    Ok(longest)
}

/// One entry of `fetch_allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchAllow {
    /// Every address of a network, at any port, by https or http.
    Network(Network),
    /// A host by the name that addresses give it, at one port, wherever that name leads.
    Host {
        /// In lower case, an IPv6 address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
}

impl FetchAllow {
    /// Whether it lets a host and port be reached, whatever its address is.
    #[must_use]
    pub fn names(&self, asked_host: &str, asked_port: u16) -> bool {
        match self {
            Self::Network(_) => false,
            Self::Host { host, port } => *port == asked_port && asked_host == *host,
        }
    }

    /// Whether it lets an address be reached.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match self {
            Self::Network(network) => network.contains(address),
            Self::Host { .. } => false,
        }
    }
}

fn fetch_allow(text: &str) -> Result<Vec<FetchAllow>, Wrong> {
    let mut allowed = Vec::new();
    for item in text.split(',').map(str::trim).filter(|i| !i.is_empty()) {
        if item == "loopback" {
            allowed.extend(Network::LOOPBACK.map(FetchAllow::Network));
        } else if let Some(network) = Network::parse(item) {
            allowed.push(FetchAllow::Network(network));
        } else if let Some((host, port)) = host_and_port(item) {
            allowed.push(FetchAllow::Host { host, port });
        } else {
            return Err(wrong(
                format!("{item:?} is neither a network nor a host and its port"),
                "write networks such as \"10.0.0.0/8\", hosts such as \"mdq.example.org:8443\", \
                 or \"loopback\"",
            ));
        }
    }
    Ok(allowed)
}

fn host_and_port(item: &str) -> Option<(String, u16)> {
    let (host, port) = item.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?.parse::<IpAddr>().ok()?.to_string(),
        None => host.to_ascii_lowercase(),
    };
    let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    let fits = !host.is_empty() && !host.contains(odd);
    Some((host, port.parse().ok()?)).filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_hosts_are_told_apart() {
        let all = fetch_allow("10.0.0.0/8, MDQ.example.org:8443, [::1]:80, loopback").unwrap();
        let holds = |address: &str| all.iter().any(|one| one.holds(address.parse().unwrap()));
        assert!(holds("10.1.2.3") && holds("127.0.0.1") && !holds("11.0.0.1"));
        let names = |host: &str, port| all.iter().any(|one| one.names(host, port));
        assert!(names("mdq.example.org", 8443) && names("::1", 80));
        assert!(!names("mdq.example.org", 443) && !names("example.org", 8443));
        for wrong in [
            "mdq.example.org",
            "host:",
            ":80",
            "a b:80",
            "host:99999",
            "https://x:1",
        ] {
            assert!(fetch_allow(wrong).is_err(), "{wrong}");
        }
        assert_eq!(fetch_allow(""), Ok(vec![]));
    }
}
