//! Keys that list identifiers: algorithms that are denied, contexts by their strength.

use super::value::{Wrong, wrong};
use crate::directory::algorithms::{
    DataEncryption, DeniedAlgorithms, DigestAlgorithm, SignatureAlgorithm,
};
use crate::saml::authn_context::ContextOrder;
use crate::saml::encryption::KeyTransport;

/// Identifiers that may be denied though they are never used anyway: a policy may name them.
const NEVER_USED: [&str; 11] = [
    "http://www.w3.org/2001/04/xmldsig-more#md5",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "http://www.w3.org/2009/xmldsig11#dsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
    "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
];

/// A typing mistake here would allow what was to be denied, so unknown identifiers are mistakes.
pub(super) fn denied(text: &str) -> Result<DeniedAlgorithms, Wrong> {
    let uris: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|uri| !uri.is_empty())
        .collect();
    if let Some(unknown) = uris.iter().find(|uri| !is_known(uri)) {
        return Err(wrong(
            format!("{unknown:?} is no algorithm of signatures or encryption"),
            "write its whole identifier, for example \"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"",
        ));
    }
    let denied = DeniedAlgorithms::new(uris.into_iter().map(str::to_owned));
    let all_digests = DigestAlgorithm::ALL
        .into_iter()
        .all(|digest| denied.contains(digest.uri()));
    if all_digests {
        return Err(wrong(
            "denies every digest, so that nothing could be signed",
            "leave one of them, for example SHA-256",
        ));
    }
    Ok(denied)
}

/// The order of contexts: each once, each an absolute URI (Core 1.3.2).
pub(super) fn contexts(text: &str) -> Result<ContextOrder, Wrong> {
    let uris: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|uri| !uri.is_empty())
        .collect();
    for (at, uri) in uris.iter().enumerate() {
        if !uri.contains(':') || uri.contains(char::is_whitespace) {
            return Err(wrong(
                format!("{uri:?} is no absolute URI"),
                "write the whole identifier of each context",
            ));
        }
        if uris.iter().take(at).any(|before| before == uri) {
            return Err(wrong(format!("{uri:?} stands twice"), "write each once"));
        }
    }
    Ok(ContextOrder::new(uris.into_iter().map(str::to_owned)))
}

fn is_known(uri: &str) -> bool {
    SignatureAlgorithm::from_uri(uri).is_some()
        || DigestAlgorithm::from_uri(uri).is_some()
        || DataEncryption::from_uri(uri).is_some()
        || KeyTransport::IDENTIFIERS.contains(&uri)
        || NEVER_USED.contains(&uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_alg2_what_is_denied_has_to_be_an_algorithm() {
        let gcm = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
        let both = denied(&format!("{gcm}, {}", NEVER_USED[0])).unwrap();
        assert!(both.contains(gcm) && both.contains(NEVER_USED[0]));
        assert!(!both.contains("http://www.w3.org/2009/xmlenc11#aes256-gcm"));
        assert!(denied("").unwrap() == DeniedAlgorithms::default());
        for typo in ["sha1", "http://www.w3.org/2009/xmlenc11#aes128-gmc"] {
            assert!(denied(typo).is_err(), "{typo}");
        }
        let digests = DigestAlgorithm::ALL.map(DigestAlgorithm::uri).join(",");
        assert!(denied(&digests).is_err());
    }
}
