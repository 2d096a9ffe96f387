//! Everything that will end, looked up: certificates of our keys and of service providers, and the
//! metadata that these were registered from.

use crate::directory::ending::{Ending, Ends, Whose};
use crate::directory::service_provider::ServiceProvider;
use crate::saml::certificate::Certificate;
use crate::saml::sp_metadata;
use crate::storage::{Store, StoreError, StoredKey};

/// All of it, ours first.
pub async fn endings(store: &Store) -> Result<Vec<Ending>, StoreError> {
    let mut endings: Vec<_> = store
        .signing_keys()
        .await?
        .keys
        .iter()
        .map(of_key)
        .collect();
    for sp in store.service_providers().await?.readable {
        endings.extend(of_sp(&sp));
    }
    Ok(endings)
}

/// Of a key of ours.
#[must_use]
pub fn of_key(key: &StoredKey) -> Ending {
    Ending {
        whose: Whose::Key(key.id.clone(), key.state),
        what: Ends::SigningCertificate,
        at: key.not_after,
    }
}

/// Of a service provider. A certificate that cannot be read has no end; that it cannot be read is
/// said elsewhere.
pub fn of_sp(sp: &ServiceProvider) -> impl Iterator<Item = Ending> + '_ {
    let certificates = sp.certificates.iter().filter_map(|der| {
        let read = Certificate::read(der)?;
        Some((Ends::SigningCertificate, read.not_after))
    });
    // Most metadata names no end, and then it need not be read.
    let dated = sp.metadata.iter().filter(|xml| xml.contains("validUntil"));
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
