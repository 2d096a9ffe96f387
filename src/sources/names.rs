//! Short names for registrations that nobody typed a name for: made from the entityID, unique, and
//! the same whenever they are made.

use std::collections::HashSet;

use crate::directory::name::{EntityId, SpName};
use crate::storage::hex;

/// The longest name there is.
const LONGEST: usize = 64;

/// The host of the entityID, or what is left of it as a name; where that is taken, with the
/// beginning of its hash behind it. The name that is given out is taken from then on.
pub(super) fn short_name(entity_id: &EntityId, taken: &mut HashSet<String>) -> Option<SpName> {
    let stem = stem(entity_id);
    let hex = hex::sha256(entity_id.as_str().as_bytes());
    let beginning = |length: usize| stem.chars().take(LONGEST - length).collect::<String>();
    let with_hash = |digits: usize| {
        let hash = hex.get(..digits).unwrap_or(&hex);
        format!("{}-{hash}", beginning(digits + 1))
    };
    let candidates = [beginning(0), with_hash(6), with_hash(16), with_hash(40)];
    let free = candidates
        .into_iter()
        .find(|name| !taken.contains(name.as_str()))?;
    let name = SpName::parse(&free).ok()?;
    taken.insert(free);
    Some(name)
}

fn stem(entity_id: &EntityId) -> String {
    let url = url::Url::parse(entity_id.as_str()).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    let text = match host.filter(|host| !host.is_empty()) {
        Some(host) => host.strip_prefix("www.").unwrap_or(host),
        None => entity_id.as_str(),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = text
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "sp" } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_unique_and_always_the_same() {
        let name = |id: &str, taken: &mut HashSet<String>| {
            let id = EntityId::parse_lenient(id).unwrap();
            short_name(&id, taken).unwrap().as_str().to_owned()
        };
        let mut taken = HashSet::new();
        assert_eq!(name("https://www.a.example/saml", &mut taken), "a.example");
        let second = name("https://a.example/other", &mut taken);
        assert!(second.starts_with("a.example-"), "{second}");
        assert_eq!(second.len(), "a.example-".len() + 6);
        assert_eq!(name("urn:mace:x:y", &mut taken), "urn-mace-x-y");
        assert_eq!(name("::", &mut taken), "sp");
        let long = format!("https://{}.example/", "a".repeat(60));
        assert_eq!(name(&long, &mut taken).len(), 64);
        assert_eq!(name(&long, &mut taken).len(), 64);
        let again = &mut HashSet::from(["a.example".to_owned()]);
        assert_eq!(name("https://a.example/other", again), second);
    }
}
