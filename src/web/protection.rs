//! What protects an answer on its way to an SP.

use crate::directory::algorithms::DataEncryption;
use crate::directory::name::TraceId;
use crate::directory::service_provider::ServiceProvider;

/// Says at each answer that an old SP is served weakly (E93).
pub(super) fn warn_about_weak_encryption(trace: &TraceId, sp: &ServiceProvider) {
    let weak = sp.policy.protection.data_encryption;
    if let Some(algorithm) = weak
        .filter(|data| data.is_malleable())
        .map(DataEncryption::word)
    {
        let sp = sp.name.as_str();
        tracing::warn!(%trace, sp, algorithm, "encrypted in a mode that can be altered unseen");
    }
}
