//! What a certificate says of itself. It never decides about a signature: there only the key counts
//! (SAML metadata interoperability profile, section 2.6.1). It is said so that nobody is surprised.

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::nid::Nid;
use openssl::x509::X509;

use crate::digest::sha256;
use crate::directory::time::UnixTime;

/// What is worth knowing about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// Before this instant it does not hold yet.
    pub not_before: UnixTime,
    /// At this instant it ends.
    pub not_after: UnixTime,
    /// Whether it was signed with a digest that is broken (MD5, SHA-1).
    pub has_weak_signature: bool,
}

impl Certificate {
    /// Reads a certificate in DER; `None` for what is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = X509::from_der(der).ok()?;
        let algorithm = certificate.signature_algorithm().object().nid();
        Some(Self {
            not_before: instant(certificate.not_before())?,
            not_after: instant(certificate.not_after())?,
            has_weak_signature: WEAK.contains(&algorithm),
        })
    }
}

/// The first 16 hex digits of a certificate's SHA-256: enough to tell one from another.
#[must_use]
pub fn short_fingerprint(der: &[u8]) -> String {
    let digest = sha256(der);
    let pairs: Vec<_> = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    pairs.concat()
}

const WEAK: [Nid; 5] = [
    Nid::MD5WITHRSAENCRYPTION,
    Nid::SHA1WITHRSAENCRYPTION,
    Nid::SHA1WITHRSA,
    Nid::ECDSA_WITH_SHA1,
    Nid::DSAWITHSHA1,
];

fn instant(time: &Asn1TimeRef) -> Option<UnixTime> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Some(UnixTime::from_millis(seconds * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::signature::{KeyKind, generate};

    #[test]
    fn the_dates_are_those_that_it_was_made_with() {
        let (from, until) = (1_795_265_101, 1_795_265_101 + 86_400 * 400 + 1);
        let made = generate(KeyKind::P256, "test", from, until, [1; 20]).unwrap();
        let read = Certificate::read(&made.certificate).unwrap();
        assert_eq!(read.not_before, UnixTime::from_millis(from * 1000));
        assert_eq!(read.not_after, UnixTime::from_millis(until * 1000));
        assert!(!read.has_weak_signature);
        assert_eq!(Certificate::read(b"nothing"), None);
    }
}
