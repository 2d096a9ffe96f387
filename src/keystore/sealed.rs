//! Sealed tokens: what travels through the browser and comes back unread and unaltered (decision 9).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::KeystoreError;
use super::seal::{Key, place};

/// The longest token that is looked at.
const LONGEST: usize = 64 * 1024;

/// The key of sealed tokens of one purpose and day.
#[derive(Debug, Clone)]
pub struct FlowKey(Key);

impl FlowKey {
    pub(super) fn new(key: Key) -> Self {
        Self(key)
    }
}

/// Seals bytes, bound to `aad`, into text for a URL or a hidden input.
pub fn seal(key: &FlowKey, bytes: &[u8], aad: &str) -> Result<String, KeystoreError> {
    let sealed = key.0.seal(&place(&["token", aad]), bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// Opens what [`seal`] made under one of the keys ([`Secrets::flow_keys`]: today's and
/// yesterday's) for the same `aad`. `None`: it is something else, and no more is said.
///
/// [`Secrets::flow_keys`]: super::Secrets::flow_keys
#[must_use]
pub fn open(keys: &[FlowKey], text: &str, aad: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let place = place(&["token", aad]);
    keys.iter().find_map(|key| key.0.open(&place, &sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_under_yesterdays_key_and_for_its_browser_only() {
        let [today, yesterday] = [1, 2].map(|n| FlowKey::new(Key([n; 32])));
        let token = seal(&yesterday, b"what was asked", "browser").unwrap();
        let keys = [today, yesterday];
        assert_eq!(
            open(&keys, &token, "browser").as_deref(),
            Some(&b"what was asked"[..])
        );
        assert_eq!(open(&keys, &token, "another browser"), None);
        assert_eq!(open(&keys[..1], &token, "browser"), None);
        assert_eq!(open(&keys, &format!("{token}="), "browser"), None);
        assert_eq!(open(&keys, "", "browser"), None);
    }
}
