//! Which key and which algorithms serve an SP. The registration asks the same question as every
//! answer, so that what cannot be met is refused there, and never met by plaintext later.

use openssl::pkey::{Id, PKey, Public};
use openssl::x509::X509;

use super::{KeyTransport, OaepDigest};
use crate::directory::algorithms::{DataEncryption, DeniedAlgorithms};
use crate::directory::protection::{Encrypt, EncryptionKey, EncryptionMethod, KeyForm};
use crate::directory::service_provider::{ServiceProvider, Sign};
use crate::directory::session::SentNameId;

/// Whom something is encrypted to, and how.
#[derive(Clone)]
pub struct Recipient {
    pub(super) key: PKey<Public>,
    pub(super) data: DataEncryption,
    pub(super) transport: KeyTransport,
    pub(super) entity_id: String,
}

/// Why nothing can be encrypted to an SP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// There is no key.
    #[error("no key is known that its assertions could be encrypted to")]
    NoKey,
    /// Not a certificate, or not a key.
    #[error("its encryption key cannot be read")]
    Unreadable,
    /// RSA-OAEP needs an RSA key.
    #[error("its encryption key is not RSA; assertions can be encrypted to RSA keys only")]
    NotRsa,
    /// RSA below 2048 bits.
    #[error("its encryption key is too weak: at least 2048 bits are needed")]
    Weak,
    /// It declares algorithms for the data, and none that is offered (C-ALG3).
    #[error(
        "its metadata takes only {declared} for the data, and none of them is used without being asked for"
    )]
    NoDataEncryption {
        /// What it declares.
        declared: String,
    },
    /// It declares algorithms for the transport of the key, and none that is offered.
    #[error("its metadata takes only {declared} for the key, and RSA-OAEP is needed")]
    NoKeyTransport {
        /// What it declares.
        declared: String,
    },
    /// The administrator's choice is not among what it declares.
    #[error("its metadata does not take {algorithm}, which is registered for it")]
    NotDeclared {
        /// The choice.
        algorithm: &'static str,
    },
    /// The configuration denies it.
    #[error("{algorithm} is among the denied algorithms")]
    Denied {
        /// Which.
        algorithm: &'static str,
    },
    /// CBC can be altered unseen unless the Response is signed (E93).
    #[error("{algorithm} can be altered unseen, so the Response around it has to be signed")]
    Unsigned {
        /// Which.
        algorithm: &'static str,
    },
}

impl Recipient {
    /// How the data is encrypted.
    #[must_use]
    pub const fn data_encryption(&self) -> DataEncryption {
        self.data
    }

    /// How the key of the data is encrypted.
    #[must_use]
    pub const fn key_transport(&self) -> KeyTransport {
        self.transport
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipient")
            .field("data", &self.data)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}

/// Whom an SP's assertions are encrypted to. `Ok(None)`: they are not encrypted. An error: they have
/// to be and cannot be, so that none may leave (C-E7).
pub fn recipient(
    sp: &ServiceProvider,
    denied: &DeniedAlgorithms,
) -> Result<Option<Recipient>, RecipientError> {
    let named = |key: &&EncryptionKey| key.is_for_encryption;
    let keys = &sp.declared.encryption_keys;
    let recipient = match sp.policy.protection.encrypt {
        Encrypt::Never => return Ok(None),
        Encrypt::Auto if !keys.iter().any(|key| key.is_for_encryption) => return Ok(None),
        Encrypt::Auto => choose(sp, keys.iter().filter(named), denied),
        Encrypt::Always => willing_recipient(sp, denied),
    }?;
    // What only a signature protects is not sent without one.
    if recipient.data.is_malleable() && sp.policy.sign == Sign::Assertion {
        return Err(RecipientError::Unsigned {
            algorithm: recipient.data.word(),
        });
    }
    Ok(Some(recipient))
}

/// Whom something is encrypted to because the SP itself asks for it (Core 3.4.1.1): keys that are
/// named for encryption first, then keys without `use` (E62).
pub fn willing_recipient(
    sp: &ServiceProvider,
    denied: &DeniedAlgorithms,
) -> Result<Recipient, RecipientError> {
    let keys = sp.declared.encryption_keys.iter();
    let (named, unnamed): (Vec<_>, Vec<_>) = keys.partition(|key| key.is_for_encryption);
    choose(sp, named.into_iter().chain(unnamed), denied)
}

/// Whom the NameID of a LogoutRequest is encrypted to (decision 50): where everything has to be
/// encrypted, and where the SP got this very NameID as an EncryptedID. `Ok(None)`: it goes in plain.
pub fn logout_recipient(
    sp: &ServiceProvider,
    name_id: &SentNameId,
    denied: &DeniedAlgorithms,
) -> Result<Option<Recipient>, RecipientError> {
    let protection = sp.policy.protection;
    if protection.plain_logout || protection.encrypt == Encrypt::Never {
        return Ok(None);
    }
    if protection.encrypt == Encrypt::Always || name_id.is_encrypted {
        return willing_recipient(sp, denied).map(Some);
    }
    Ok(None)
}

/// The first key that can be used; if there is none, what is wrong with the first of all.
fn choose<'k>(
    sp: &ServiceProvider,
    keys: impl Iterator<Item = &'k EncryptionKey>,
    denied: &DeniedAlgorithms,
) -> Result<Recipient, RecipientError> {
    let mut wrong = None;
    for key in keys {
        match of_key(sp, key, denied) {
            Ok(recipient) => return Ok(recipient),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    Err(wrong.unwrap_or(RecipientError::NoKey))
}

fn of_key(
    sp: &ServiceProvider,
    key: &EncryptionKey,
    denied: &DeniedAlgorithms,
) -> Result<Recipient, RecipientError> {
    let chosen = sp.policy.protection.data_encryption;
    Ok(Recipient {
        key: public_key(&key.key)?,
        data: data_encryption(chosen, &key.methods, denied)?,
        transport: key_transport(&key.methods, denied)?,
        entity_id: sp.entity_id.as_str().to_owned(),
    })
}

fn public_key(form: &KeyForm) -> Result<PKey<Public>, RecipientError> {
    let key = match form {
        KeyForm::Certificate(der) => X509::from_der(der).and_then(|c| c.public_key()),
        KeyForm::Bare(der) => PKey::public_key_from_der(der),
    };
    let key = key.map_err(|_| RecipientError::Unreadable)?;
    match key.id() {
        Id::RSA if key.bits() >= 2048 => Ok(key),
        Id::RSA => Err(RecipientError::Weak),
        _ => Err(RecipientError::NotRsa),
    }
}

/// The administrator's choice, else the first declared that needs none, else ours.
fn data_encryption(
    chosen: Option<DataEncryption>,
    methods: &[EncryptionMethod],
    denied: &DeniedAlgorithms,
) -> Result<DataEncryption, RecipientError> {
    let declared: Vec<&str> = methods
        .iter()
        .map(|method| method.algorithm.as_str())
        .filter(|uri| !KeyTransport::is_one(uri))
        .collect();
    let may = |data: &DataEncryption| !denied.contains(data.uri());
    if let Some(chosen) = chosen {
        let algorithm = chosen.word();
        return match () {
            () if !may(&chosen) => Err(RecipientError::Denied { algorithm }),
            () if !declared.is_empty() && !declared.contains(&chosen.uri()) => {
                Err(RecipientError::NotDeclared { algorithm })
            }
            () => Ok(chosen),
        };
    }
    let offered = |data: &DataEncryption| !data.is_malleable() && may(data);
    if declared.is_empty() {
        let ours = DataEncryption::ALL.into_iter().find(offered);
        let [first, ..] = DataEncryption::ALL;
        return ours.ok_or(RecipientError::Denied {
            algorithm: first.word(),
        });
    }
    declared
        .iter()
        .filter_map(|uri| DataEncryption::from_uri(uri))
        .find(offered)
        .ok_or_else(|| RecipientError::NoDataEncryption {
            declared: words(&declared),
        })
}

/// The first declared transport that is ours, else the usual one.
fn key_transport(
    methods: &[EncryptionMethod],
    denied: &DeniedAlgorithms,
) -> Result<KeyTransport, RecipientError> {
    let may = |transport: &KeyTransport| !transport.is_denied(denied);
    let declared: Vec<_> = methods
        .iter()
        .filter(|method| KeyTransport::is_one(&method.algorithm))
        .collect();
    if declared.is_empty() {
        let version_11 = KeyTransport {
            names_mask: true,
            digest: OaepDigest::Sha256,
            mask: OaepDigest::Sha256,
        };
        let ours = [KeyTransport::USUAL, version_11].into_iter().find(may);
        return ours.ok_or(RecipientError::Denied {
            algorithm: "rsa-oaep",
        });
    }
    declared
        .iter()
        .filter_map(|method| KeyTransport::of(method))
        .find(may)
        .ok_or_else(|| {
            let uris: Vec<_> = declared.iter().map(|m| m.algorithm.as_str()).collect();
            RecipientError::NoKeyTransport {
                declared: words(&uris),
            }
        })
}

/// What identifiers end in, shortened: metadata may hold anything.
fn words(uris: &[&str]) -> String {
    let word = |uri: &&str| -> String {
        let word = uri.rsplit('#').next().unwrap_or(uri);
        word.chars().filter(|c| !c.is_control()).take(40).collect()
    };
    let words: Vec<_> = uris.iter().take(8).map(word).collect();
    words.join(", ")
}
