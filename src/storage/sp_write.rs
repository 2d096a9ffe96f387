//! Writing registrations. Every change counts the version up, so that what is cached about an SP
//! is known to be stale (decision 4).

use crate::directory::audit::AuditEvent;
use crate::directory::name::SpId;
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::{AcsBinding, Denied, ServiceProvider, Sign, UsualNameId};

use super::engine::{Query, Tx, query};
use super::error::StoreError;
use super::write::again;
use super::{Store, entity_key, sp_protection, sp_release};

/// The columns that hold what [`ServiceProvider`] says, in the order in which they are bound.
const INSERT: &str = "\
    INSERT INTO service_providers (version, name, entity_id, entity_key, enabled, \
    rule_quantifier, display_name, home_url, contact, sign, require_signed_requests, denied, \
    name_id, names_attributes, names_roles, allow_idp_initiated, allow_http, id) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const UPDATE: &str = "\
    UPDATE service_providers SET version = ? + 1, name = ?, entity_id = ?, entity_key = ?, \
    enabled = ?, rule_quantifier = ?, display_name = ?, home_url = ?, contact = ?, sign = ?, \
    require_signed_requests = ?, denied = ?, name_id = ?, names_attributes = ?, names_roles = ?, \
    allow_idp_initiated = ?, allow_http = ? WHERE id = ? AND version = ?";

impl Store {
    /// Registers an SP with its rule, at once. [`StoreError::Conflict`]: the name or the entityID
    /// is taken; [`StoreError::Dangling`]: its rule names a role that does not exist.
    pub async fn add_sp(&self, sp: &ServiceProvider, event: AuditEvent) -> Result<(), StoreError> {
        again!(async {
            let mut write = self.write().await?;
            insert_sp(&mut write.tx, sp).await?;
            write.note(&event).await?;
            write.commit().await
        })
    }

    /// Writes a changed registration and counts its version up. [`StoreError::Conflict`]: it was
    /// changed or removed since `sp` was read, or the new name or entityID is taken.
    pub async fn update_sp(
        &self,
        sp: &ServiceProvider,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        again!(async {
            let mut write = self.write().await?;
            if !replace_sp(&mut write.tx, sp).await? {
                return Err(StoreError::Conflict);
            }
            write.note(&event).await?;
            write.commit().await
        })
    }

    /// Enables or disables an SP. `false`: it was so already, or there is no such SP.
    pub async fn set_sp_enabled(
        &self,
        sp: &SpId,
        enabled: bool,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let changed = query(
                "UPDATE service_providers SET enabled = ?, version = version + 1 \
                 WHERE id = ? AND enabled <> ?",
            )
            .bind(i64::from(enabled))
            .bind(sp.as_str())
            .bind(i64::from(enabled))
            .execute(&mut write.tx)
            .await?;
            write.commit_if_changed(changed, &event).await
        })
    }

    /// Removes a registration. `false`: there was none.
    pub async fn remove_sp(&self, sp: &SpId, event: AuditEvent) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let removed = query("DELETE FROM service_providers WHERE id = ?")
                .bind(sp.as_str())
                .execute(&mut write.tx)
                .await?;
            write.commit_if_changed(removed, &event).await
        })
    }
}

/// Writes a new registration.
pub(super) async fn insert_sp(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    columns(query(INSERT), sp).execute(&mut *tx).await?;
    insert_parts(tx, sp).await
}

/// Writes a changed registration over the one of its version. `false`: there is none of that
/// version any more.
pub(super) async fn replace_sp(tx: &mut Tx, sp: &ServiceProvider) -> Result<bool, StoreError> {
    let updated = columns(query(UPDATE), sp)
        .bind(sp.version)
        .execute(&mut *tx)
        .await?;
    if updated == 0 {
        return Ok(false);
    }
    for statement in [
        "DELETE FROM sp_required_roles WHERE sp_id = ?",
        "DELETE FROM sp_acs WHERE sp_id = ?",
        "DELETE FROM sp_slo WHERE sp_id = ?",
        "DELETE FROM sp_keys WHERE sp_id = ?",
        "DELETE FROM sp_released_roles WHERE sp_id = ?",
        "DELETE FROM sp_name_id_formats WHERE sp_id = ?",
        "DELETE FROM sp_metadata WHERE sp_id = ?",
        "DELETE FROM sp_signing_keys WHERE sp_id = ?",
    ]
    .into_iter()
    .chain(sp_release::DELETE)
    .chain(sp_protection::DELETIONS)
    {
        let delete = query(statement).bind(sp.id.as_str());
        delete.execute(&mut *tx).await?;
    }
    insert_parts(tx, sp).await?;
    Ok(true)
}

fn columns<'q>(query: Query<'q>, sp: &'q ServiceProvider) -> Query<'q> {
    let policy = &sp.policy;
    query
        .bind(sp.version)
        .bind(sp.name.as_str())
        .bind(sp.entity_id.as_str())
        .bind(entity_key(&sp.entity_id))
        .bind(i64::from(sp.enabled))
        .bind(quantifier(&sp.rule))
        .bind(policy.display_name.as_deref())
        .bind(policy.home_url.as_deref())
        .bind(policy.contact.as_deref())
        .bind(match policy.sign {
            Sign::Both => "both",
            Sign::Assertion => "assertion",
            Sign::Response => "response",
        })
        .bind(i64::from(policy.require_signed_requests))
        .bind(match policy.denied {
            Denied::Page => "page",
            Denied::Status => "status",
        })
        .bind(policy.name_id.map(UsualNameId::word))
        .bind(i64::from(policy.release.attributes.is_some()))
        .bind(i64::from(policy.release_roles.is_some()))
        .bind(i64::from(policy.allow_idp_initiated))
        .bind(i64::from(policy.allow_http))
        .bind(sp.id.as_str())
}

pub(super) fn quantifier(rule: &Rule) -> &'static str {
    match rule.quantifier() {
        Quantifier::AnyOf => "any",
        Quantifier::AllOf => "all",
    }
}

/// The rows beside the registration's own. The rule is never empty: its type sees to that.
async fn insert_parts(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    let id = sp.id.as_str();
    for role in sp.rule.roles() {
        query("INSERT INTO sp_required_roles (sp_id, role_name) VALUES (?, ?)")
            .bind(id)
            .bind(role.as_str())
            .execute(&mut *tx)
            .await?;
    }
    insert_endpoints(tx, sp).await?;
    insert_slo(tx, sp).await?;
    insert_keys(tx, sp).await?;
    insert_signing_key(tx, sp).await?;
    sp_release::insert(tx, sp).await?;
    let roles = sp.policy.release_roles.iter().flatten();
    insert_list(
        tx,
        "INSERT INTO sp_released_roles (sp_id, position, role_name) VALUES (?, ?, ?)",
        id,
        roles.map(AsRef::as_ref),
    )
    .await?;
    insert_list(
        tx,
        "INSERT INTO sp_name_id_formats (sp_id, position, uri) VALUES (?, ?, ?)",
        id,
        sp.name_id_formats.iter().map(String::as_str),
    )
    .await?;
    if let Some(document) = &sp.metadata {
        query("INSERT INTO sp_metadata (sp_id, document) VALUES (?, ?)")
            .bind(id)
            .bind(document)
            .execute(&mut *tx)
            .await?;
    }
    sp_protection::insert(tx, sp).await
}

async fn insert_list(
    tx: &mut Tx,
    statement: &'static str,
    id: &str,
    values: impl Iterator<Item = &str>,
) -> Result<(), StoreError> {
    for (position, value) in (0_i64..).zip(values) {
        query(statement)
            .bind(id)
            .bind(position)
            .bind(value)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn insert_endpoints(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    for (position, endpoint) in (0_i64..).zip(sp.acs.iter()) {
        query(
            "INSERT INTO sp_acs (sp_id, position, binding, location, acs_index, is_default) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(sp.id.as_str())
        .bind(position)
        .bind(match endpoint.binding {
            AcsBinding::HttpPost => "post",
            AcsBinding::HttpArtifact => "artifact",
            AcsBinding::Paos => "paos",
            AcsBinding::Other => "other",
        })
        .bind(&endpoint.location)
        .bind(i64::from(endpoint.index))
        .bind(endpoint.is_default.map(i64::from))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn insert_slo(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    for (position, endpoint) in (0_i64..).zip(sp.slo.iter()) {
        query(
            "INSERT INTO sp_slo (sp_id, position, binding, location, response_location) \
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(sp.id.as_str())
        .bind(position)
        .bind(endpoint.binding.word())
        .bind(&endpoint.location)
        .bind(&endpoint.response_location)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn insert_keys(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    let certificates = sp.certificates.iter().map(|der| ("certificate", der));
    let bare_keys = sp.bare_keys.iter().map(|der| ("bare", der));
    for (position, (kind, der)) in (0_i64..).zip(certificates.chain(bare_keys)) {
        query("INSERT INTO sp_keys (sp_id, position, kind, der) VALUES (?, ?, ?, ?)")
            .bind(sp.id.as_str())
            .bind(position)
            .bind(kind)
            .bind(der.as_slice())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// At which of our own keys it is held.
async fn insert_signing_key(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    let Some(key) = &sp.policy.signing_key else {
        return Ok(());
    };
    query("INSERT INTO sp_signing_keys (sp_id, key_id) VALUES (?, ?)")
        .bind(sp.id.as_str())
        .bind(key.as_str())
        .execute(&mut *tx)
        .await?;
    Ok(())
}
