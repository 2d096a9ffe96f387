//! The sources of metadata: when each was refreshed last, and how it goes.

use prometheus_client::registry::Registry;

use super::{Gauges, seconds};
use crate::storage::StoreError;
use crate::web::App;

pub(super) async fn register(app: &App, registry: &mut Registry) -> Result<(), StoreError> {
    let counts = app.store.registrations_per_source().await?;
    let [refreshed, valid_until, failures, registrations] =
        std::array::from_fn(|_| Gauges::default());
    for source in app.store.metadata_sources().await? {
        let labels = vec![("source", source.name.as_str().to_owned())];
        let set = |gauges: &Gauges, value: Option<i64>| {
            value.map(|value| gauges.get_or_create(&labels).set(value));
        };
        set(&refreshed, source.state.refreshed_at.map(seconds));
        set(&valid_until, source.state.valid_until.map(seconds));
        set(&failures, Some(i64::from(source.state.failures)));
        let count = counts.get(&source.id).copied().unwrap_or(0);
        set(&registrations, Some(count));
    }
    registry.register(
        "metadata_source_refreshed_timestamp_seconds",
        "When a source of metadata gave a good answer last",
        refreshed,
    );
    registry.register(
        "metadata_source_valid_until_timestamp_seconds",
        "Until when the last good copy of a source may be used",
        valid_until,
    );
    registry.register(
        "metadata_source_failures",
        "Failed refreshes of a source since its last good answer",
        failures,
    );
    registry.register(
        "metadata_source_service_providers",
        "Service providers that come from a source",
        registrations,
    );
    Ok(())
}
