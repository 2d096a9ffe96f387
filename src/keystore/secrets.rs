//! What the database keeps secret, opened with the master keys of this node.

use crate::clock::Clock;
use crate::directory::time::UnixTime;
use crate::storage::{Store, StoredDataKey};

use super::seal::{Key, place};
use super::{FlowKey, Keystore, KeystoreError};

/// The setting that holds the sealed secret of pairwise ids.
const PAIRWISE: &str = "pairwise-secret";

/// The opened secrets. Never printed, never written down.
#[derive(Clone)]
pub struct Secrets {
    /// With their numbers, the oldest first; there is at least one.
    data_keys: Vec<(i64, DataKey)>,
    chain_key: [u8; 32],
    pairwise: [u8; 32],
}

#[derive(Clone)]
struct DataKey {
    whole: Key,
    column: Key,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Opens the database's keys with the ring. A fresh database gets its first data key and the
    /// secret of pairwise ids; of several nodes that start at once one is first, and the others
    /// take its keys if their ring opens them.
    pub async fn unlock(
        store: &Store,
        keystore: &Keystore,
        clock: &Clock,
    ) -> Result<Self, KeystoreError> {
        let mut stored = store.data_keys().await?;
        let mut keystore = keystore.clone();
        if stored.is_empty() {
            keystore = keystore.with_a_key()?;
            let first = wrap(&keystore, 1, clock.now())?;
            store.insert_data_key(&first).await?;
            stored = store.data_keys().await?;
        } else if stored.iter().any(|key| !keystore.holds(&key.master_key_id)) {
            // Another process of a first start may have made the key since this ring was read.
            keystore = keystore.again()?;
        }
        let mut data_keys = Vec::with_capacity(stored.len());
        for key in &stored {
            data_keys.push((key.number, unwrap(&keystore, key)?));
        }
        let (_, oldest) = data_keys.first().ok_or_else(|| no_open("the data key"))?;
        // The first data key stays for as long as rows of its time have to be verified.
        let chain_key = oldest.whole.derive("audit chain")?.0;
        let mut secrets = Self {
            data_keys,
            chain_key,
            pairwise: [0; 32],
        };
        secrets.pairwise = secrets.pairwise_from(store).await?;
        Ok(secrets)
    }

    async fn pairwise_from(&self, store: &Store) -> Result<[u8; 32], KeystoreError> {
        let sealed = if let Some(sealed) = store.setting(PAIRWISE).await? {
            sealed
        } else {
            let fresh = self.seal_column("settings", "value", PAIRWISE, &Key::fresh()?.0)?;
            store.insert_setting(PAIRWISE, &fresh).await?;
            // Whoever was first: all nodes use what the database holds.
            let kept = store.setting(PAIRWISE).await?;
            kept.ok_or_else(|| no_open("the secret of pairwise ids"))?
        };
        let secret = self.unseal_column("settings", "value", PAIRWISE, &sealed)?;
        secret
            .try_into()
            .map_err(|_| no_open("the secret of pairwise ids"))
    }

    /// The key of the audit chains (decision 16).
    #[must_use]
    pub fn chain_key(&self) -> [u8; 32] {
        self.chain_key
    }

    /// The secret that pairwise ids are made with. It outlives every rollover of keys.
    #[must_use]
    pub fn pairwise_secret(&self) -> &[u8; 32] {
        &self.pairwise
    }

    /// The key of sealed tokens of one purpose and UTC day (decision 9).
    pub fn flow_key(&self, purpose: &str, day: i64) -> Result<FlowKey, KeystoreError> {
        let label = format!("flow {day} {purpose}");
        Ok(FlowKey::new(self.newest()?.1.whole.derive(&label)?))
    }

    /// The keys that tokens of one purpose may be sealed under at `now`: today's, then
    /// yesterday's. The first one seals.
    pub fn flow_keys(&self, purpose: &str, now: UnixTime) -> Result<[FlowKey; 2], KeystoreError> {
        let today = now.day();
        Ok([
            self.flow_key(purpose, today)?,
            self.flow_key(purpose, today.saturating_sub(1))?,
        ])
    }

    /// Seals what stands in one column of one row. The id of the key comes first.
    pub fn seal_column(
        &self,
        table: &str,
        column: &str,
        row: &str,
        secret: &[u8],
    ) -> Result<Vec<u8>, KeystoreError> {
        let (number, key) = self.newest()?;
        let sealed = key
            .column
            .seal(&place(&["column", table, column, row]), secret)?;
        Ok([number.to_be_bytes().as_slice(), &sealed].concat())
    }

    /// Opens what [`Secrets::seal_column`] sealed for this very place.
    pub fn unseal_column(
        &self,
        table: &str,
        column: &str,
        row: &str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, KeystoreError> {
        let place = place(&["column", table, column, row]);
        let opened = sealed
            .split_first_chunk::<8>()
            .and_then(|(number, sealed)| {
                let number = i64::from_be_bytes(*number);
                let (_, key) = self.data_keys.iter().find(|(n, _)| *n == number)?;
                key.column.open(&place, sealed)
            });
        opened.ok_or_else(|| no_open(&format!("{table}.{column} of row {row}")))
    }

    fn newest(&self) -> Result<&(i64, DataKey), KeystoreError> {
        self.data_keys.last().ok_or_else(|| no_open("the data key"))
    }
}

fn no_open(what: &str) -> KeystoreError {
    KeystoreError::DoesNotOpen {
        what: what.to_owned(),
    }
}

/// Where a data key stands: its wrapping holds only there.
fn place_of(number: i64) -> Vec<u8> {
    place(&["data key", "data_keys", "sealed", &number.to_string()])
}

fn wrap(keystore: &Keystore, number: i64, now: UnixTime) -> Result<StoredDataKey, KeystoreError> {
    let master = keystore.newest()?;
    let wrapping = master.key.derive("wrap data keys")?;
    Ok(StoredDataKey {
        number,
        master_key_id: master.id.clone(),
        sealed: wrapping.seal(&place_of(number), &Key::fresh()?.0)?,
        created_at: now,
    })
}

fn unwrap(keystore: &Keystore, stored: &StoredDataKey) -> Result<DataKey, KeystoreError> {
    let master = keystore.by_id(&stored.master_key_id)?;
    let wrapping = master.key.derive("wrap data keys")?;
    let opened = wrapping
        .open(&place_of(stored.number), &stored.sealed)
        .and_then(|key| <[u8; 32]>::try_from(key).ok());
    let whole = Key(opened.ok_or_else(|| no_open(&format!("data key {}", stored.number)))?);
    let column = whole.derive("column")?;
    Ok(DataKey { whole, column })
}
