//! The registered SPs a page at a time: there may be thousands.

use crate::directory::name::SpId;
use crate::directory::service_provider::ServiceProvider;

use super::Store;
use super::engine::{columns, query};
use super::error::StoreError;
use super::service_providers::{IN_RANGE, Registrations, Unreadable};

/// What a registration is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpEntry {
    /// Its id.
    pub id: SpId,
    /// Its short name.
    pub name: String,
    /// Its entityID.
    pub entity_id: String,
    /// What pages call it, where that is said.
    pub display_name: Option<String>,
}

columns! {
    #[derive(Debug)]
    struct Row {
        id: String,
        name: String,
        entity_id: String,
        display_name: Option<String>,
    }
}

impl Registrations {
    pub(super) fn of(all: Vec<Result<ServiceProvider, Unreadable>>) -> Self {
        let mut sorted = Self::default();
        for registration in all {
            match registration {
                Ok(sp) => sorted.readable.push(sp),
                Err(unreadable) => sorted.unreadable.push(unreadable),
            }
        }
        sorted
            .readable
            .sort_by(|one, other| one.name.cmp(&other.name));
        sorted
    }
}

impl Store {
    /// Every registered SP, by name; also those that cannot be read.
    pub async fn sp_index(&self) -> Result<Vec<SpEntry>, StoreError> {
        let rows: Vec<Row> =
            query("SELECT id, name, entity_id, display_name FROM service_providers ORDER BY name")
                .fetch_all(self.pool())
                .await?;
        let entry = |row: Row| SpEntry {
            id: SpId::from_stored(row.id),
            name: row.name,
            entity_id: row.entity_id,
            display_name: row.display_name,
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// The registrations from one name to another, both included.
    pub async fn sps_between(&self, first: &str, last: &str) -> Result<Registrations, StoreError> {
        Ok(Registrations::of(
            self.registrations(IN_RANGE, &[first, last]).await?,
        ))
    }
}
