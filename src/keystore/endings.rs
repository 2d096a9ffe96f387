//! Everything that will end, looked up: certificates of our keys and of service providers, and the
//! metadata that these were registered from.

use crate::directory::ending::{Ending, Ends, Whose};
use crate::directory::protection::KeyForm;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::signing_key::KeyUse;
use crate::saml::certificate::Certificate;
use crate::saml::sp_metadata;
use crate::storage::{Store, StoreError, StoredKey};

/// Registrations that are read at once.
const AT_ONCE: usize = 200;

/// All of it, ours first.
pub async fn endings(store: &Store) -> Result<Vec<Ending>, StoreError> {
    let mut endings: Vec<_> = store.own_keys().await?.keys.iter().map(of_key).collect();
    let origins = store.origins().await?;
    // A page at a time: ten thousand registrations at once would be memory that the process keeps.
    for page in store.sp_index().await?.chunks(AT_ONCE) {
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            continue;
        };
        for sp in store.sps_between(&first.name, &last.name).await?.readable {
            let is_refreshed = origins.contains_key(&sp.id);
            endings.extend(of_sp(&sp, is_refreshed));
        }
    }
    Ok(endings)
}

/// Of a key of ours.
#[must_use]
pub fn of_key(key: &StoredKey) -> Ending {
    Ending {
        whose: Whose::Key(key.id.clone(), key.state),
        what: match key.key_use {
            KeyUse::Signing => Ends::SigningCertificate,
            KeyUse::Encryption => Ends::EncryptionCertificate,
        },
        at: key.not_after,
    }
}

/// Of a service provider. A certificate that cannot be read has no end; that it cannot be read is
/// said elsewhere. Metadata that a source refreshes (`is_refreshed`) is always about to end, and made
/// anew before it does; that a source has gone silent is said of the source.
pub fn of_sp(sp: &ServiceProvider, is_refreshed: bool) -> impl Iterator<Item = Ending> + '_ {
    let signing = sp
        .certificates
        .iter()
        .map(|der| (Ends::SigningCertificate, der));
    let encryption = sp.declared.encryption_keys.iter();
    let encryption = encryption.filter_map(|key| match &key.key {
        KeyForm::Certificate(der) => Some((Ends::EncryptionCertificate, der)),
        KeyForm::Bare(_) => None,
    });
    // One certificate for both uses is told about once.
    let both = |der: &Vec<u8>| sp.certificates.contains(der);
    let encryption = encryption.filter(move |(_, der)| !both(der));
    let certificates = signing.chain(encryption);
    let certificates =
        certificates.filter_map(|(what, der)| Some((what, Certificate::read(der)?.not_after)));
    // Most metadata names no end, and then it need not be read.
    let dated = sp.metadata.iter();
    let dated = dated.filter(move |xml| !is_refreshed && xml.contains("validUntil"));
    let metadata = dated.filter_map(|xml| {
        let read = sp_metadata::parse_whenever(xml.as_bytes()).ok()?;
        Some((Ends::Metadata, read.valid_until?))
    });
    certificates.chain(metadata).map(|(what, at)| Ending {
        whose: Whose::Sp(sp.name.clone()),
        what,
        at,
    })
}
