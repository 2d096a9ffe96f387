//! The NameID that an SP gets for a person (Core 8.3).

use super::uri;
use super::xml::Writer;
use crate::digest::HmacKey;
use crate::directory::name::{EntityId, MessageId, UserId};
use crate::directory::service_provider::NameIdFormat;
use crate::directory::session::SentNameId;

/// The secret behind persistent ids. It outlives every signing key: who changes it gives every
/// person a new id at every SP.
#[derive(Debug, Clone)]
pub struct PairwiseSecret(HmacKey);

impl PairwiseSecret {
    /// Takes the secret over from the keystore.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(HmacKey::new(&secret))
    }

    /// The persistent id of a user at an SP: HMAC-SHA256 over (user id, SP entityID) in lower-case
    /// base32, so that no two differ by case alone (Core 8.3.7, IIP-IDP21).
    #[must_use]
    pub fn persistent_id(&self, user: &UserId, sp: &EntityId) -> String {
        base32(&self.0.code(|hash| {
            hash.update(user.as_str().as_bytes());
            hash.update(&[0]);
            hash.update(sp.as_str().as_bytes());
        }))
    }

    /// The transient id of an SP in a session: another in every session and at every SP, the same
    /// in all Responses to one SP within a session, so that its logout names it (decision 27). A
    /// legal xs:ID (Core 8.3.8). `session_index` is that of this SP in this session, which is
    /// random.
    #[must_use]
    pub fn transient_id(&self, session_index: &str, sp: &EntityId) -> String {
        let code = self.0.code(|hash| {
            hash.update(b"transient");
            hash.update(&[0]);
            hash.update(session_index.as_bytes());
            hash.update(&[0]);
            hash.update(sp.as_str().as_bytes());
        });
        let mut bits = [0; TRANSIENT_BYTES];
        bits.iter_mut().zip(&code).for_each(|(bit, of)| *bit = *of);
        MessageId::from_random(bits).as_str().to_owned()
    }

    /// The one id of a user at every SP that is told it (subject-id 3.3): as opaque as a
    /// persistent one. No user id begins with the byte 1, so that neither is ever the other.
    #[must_use]
    pub fn subject_id(&self, user: &UserId) -> String {
        base32(&self.0.code(|hash| {
            hash.update(&[1]);
            hash.update(user.as_str().as_bytes());
        }))
    }
}

/// The bits of a transient id: as many as an ID has (Core 1.3.4).
const TRANSIENT_BYTES: usize = 20;

/// RFC 4648 base32 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    let mut push = |five: u32| {
        let symbol = usize::try_from(five & 31)
            .ok()
            .and_then(|at| ALPHABET.get(at));
        text.extend(symbol.map(|symbol| char::from(*symbol)));
    };
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(buffer >> bits);
        }
        buffer &= 0xff;
    }
    if bits > 0 {
        push(buffer << (5 - bits));
    }
    text
}

/// A NameID, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameId {
    /// Its format.
    pub format: NameIdFormat,
    /// Its text.
    pub value: String,
    /// NameQualifier: our entityID, for persistent ids.
    pub name_qualifier: Option<String>,
    /// SPNameQualifier: the SP's entityID, for persistent ids or where it was asked for.
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    /// The same as it is remembered, for the logout.
    #[must_use]
    pub fn sent(&self, is_encrypted: bool) -> SentNameId {
        SentNameId {
            is_encrypted,
            format: self.format.uri().to_owned(),
            value: self.value.clone(),
            name_qualifier: self.name_qualifier.clone(),
            sp_name_qualifier: self.sp_name_qualifier.clone(),
        }
    }

    /// Writes the element.
    pub fn write(&self, writer: &mut Writer<'_>) {
        writer.start(uri::SAML, "NameID");
        writer.attribute("Format", self.format.uri());
        if let Some(qualifier) = &self.name_qualifier {
            writer.attribute("NameQualifier", qualifier);
        }
        if let Some(qualifier) = &self.sp_name_qualifier {
            writer.attribute("SPNameQualifier", qualifier);
        }
        writer.text(&self.value).end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648_in_lower_case() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn c_n7_a_transient_id_is_an_xs_id_and_another_in_every_session_and_at_every_sp() {
        let secret = PairwiseSecret::new([7; 32]);
        let store = EntityId::parse("https://store.example").unwrap();
        let publisher = EntityId::parse("https://publisher.example").unwrap();
        let id = secret.transient_id("_one", &store);
        assert!(MessageId::parse(&id).is_ok() && id.len() == 41, "{id}");
        assert_eq!(secret.transient_id("_one", &store), id);
        assert_ne!(secret.transient_id("_other", &store), id);
        assert_ne!(secret.transient_id("_one", &publisher), id);
    }

    #[test]
    fn c_n5_a_persistent_id_is_another_at_every_sp_and_stays_the_same_at_one() {
        let secret = PairwiseSecret::new([7; 32]);
        let (ada, bob) = (UserId::from_stored("a"), UserId::from_stored("b"));
        let store = EntityId::parse("https://store.example").unwrap();
        let publisher = EntityId::parse("https://publisher.example").unwrap();
        let id = |user, sp| secret.persistent_id(user, sp);
        assert_eq!(id(&ada, &store), id(&ada, &store));
        assert_ne!(id(&ada, &store), id(&ada, &publisher));
        assert_ne!(id(&ada, &store), id(&bob, &store));
        assert_eq!(id(&ada, &store).len(), 52);
        assert_eq!(id(&ada, &store), id(&ada, &store).to_lowercase());
    }

    #[test]
    fn c_at1_a_subject_id_is_one_for_a_person_and_no_persistent_id() {
        let secret = PairwiseSecret::new([7; 32]);
        let (ada, bob) = (UserId::from_stored("a"), UserId::from_stored("b"));
        let store = EntityId::parse("https://store.example").unwrap();
        assert_eq!(secret.subject_id(&ada), secret.subject_id(&ada));
        assert_ne!(secret.subject_id(&ada), secret.subject_id(&bob));
        assert_ne!(secret.subject_id(&ada), secret.persistent_id(&ada, &store));
        assert_eq!(secret.subject_id(&ada).len(), 52);
    }
}
