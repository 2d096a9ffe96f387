//! Writing the sources of metadata. The rule of a source stands at each of its registrations too:
//! it is copied there in the transaction that changes it, so that a decision reads one rule, from
//! one place, and a change holds everywhere at once (decision 35).

use crate::directory::audit::AuditEvent;
use crate::directory::metadata_source::{MetadataSource, SourceState};
use crate::directory::name::SourceId;
use crate::directory::rule::Rule;
use crate::directory::time::UnixTime;

use super::Store;
use super::engine::{Tx, query};
use super::error::StoreError;
use super::lock::{Owner, lock};
use super::sp_write::quantifier;
use super::write::again;

/// Registrations that one transaction removes at most.
const BATCH: i64 = 100;

impl Store {
    /// Adds a source. [`StoreError::Conflict`]: the name is taken; [`StoreError::Dangling`]: its
    /// rule names a role that does not exist.
    pub async fn add_metadata_source(
        &self,
        source: &MetadataSource,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let state = &source.state;
            query(
                "INSERT INTO metadata_sources (id, name, kind, location, rule_quantifier, added_at, \
                 etag, last_modified, valid_until, refreshed_at, next_at, failures, failure) \
                 VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, ?, 0, NULL)",
            )
            .bind(source.id.as_str())
            .bind(source.name.as_str())
            .bind(source.place.kind())
            .bind(source.place.location())
            .bind(quantifier(&source.rule))
            .bind(source.added_at.millis())
            .bind(state.next_at.millis())
            .execute(&mut write.tx)
            .await?;
            insert_rule(&mut write.tx, &source.id, &source.rule).await?;
            insert_keys(&mut write.tx, &source.id, &source.certificates).await?;
            write.note(&event).await?;
            write.commit().await
        })
    }

    /// Gives a source another rule, which holds at once for all its registrations without one of
    /// their own, and other keys. Its next answer is read whole. `false`: there is no such source.
    pub async fn update_metadata_source(
        &self,
        source: &MetadataSource,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let id = source.id.as_str();
            let updated = query(
                "UPDATE metadata_sources SET rule_quantifier = ?, etag = NULL, last_modified = NULL \
                 WHERE id = ?",
            )
            .bind(quantifier(&source.rule))
            .bind(id)
            .execute(&mut write.tx)
            .await?;
            for statement in [
                "DELETE FROM source_required_roles WHERE source_id = ?",
                "DELETE FROM source_keys WHERE source_id = ?",
            ] {
                let delete = query(statement).bind(id);
                delete.execute(&mut write.tx).await?;
            }
            if updated == 0 {
                return Ok(false);
            }
            insert_rule(&mut write.tx, &source.id, &source.rule).await?;
            insert_keys(&mut write.tx, &source.id, &source.certificates).await?;
            copy_rule(&mut write.tx, &source.id, &source.rule).await?;
            write.note(&event).await?;
            write.commit().await?;
            Ok(true)
        })
    }

    /// Writes down how refreshing a source went; what changed by it is audited for itself.
    pub async fn note_refresh(
        &self,
        source: &SourceId,
        state: &SourceState,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE metadata_sources SET etag = ?, last_modified = ?, valid_until = ?, \
             refreshed_at = ?, next_at = ?, failures = ?, failure = ? WHERE id = ?",
        )
        .bind(state.validators.etag.as_deref())
        .bind(state.validators.last_modified.as_deref())
        .bind(state.valid_until.map(UnixTime::millis))
        .bind(state.refreshed_at.map(UnixTime::millis))
        .bind(state.next_at.millis())
        .bind(i64::from(state.failures))
        .bind(state.failure.as_deref())
        .bind(source.as_str())
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Has every source read whole at its next refresh: an entity that was another's may be
    /// theirs now.
    pub async fn forget_validators(&self) -> Result<(), StoreError> {
        query("UPDATE metadata_sources SET etag = NULL, last_modified = NULL")
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Removes some of a source's registrations, each with its audit row; `event` makes the row out
    /// of the short name. How many were removed: none means that there are none.
    pub async fn remove_registrations_of(
        &self,
        source: &SourceId,
        event: impl Fn(&str) -> AuditEvent,
    ) -> Result<usize, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            lock(&mut write.tx, Owner::Source, source.as_str()).await?;
            let some: Vec<(String, String)> = query(
                "SELECT s.id, s.name FROM sp_sources o JOIN service_providers s ON s.id = o.sp_id \
                 WHERE o.source_id = ? ORDER BY s.name LIMIT ?",
            )
            .bind(source.as_str())
            .bind(BATCH)
            .fetch_all(&mut write.tx)
            .await?;
            for (id, name) in &some {
                query("DELETE FROM service_providers WHERE id = ?")
                    .bind(id)
                    .execute(&mut write.tx)
                    .await?;
                write.note(&event(name)).await?;
            }
            if some.is_empty() {
                return Ok(0);
            }
            write.commit().await?;
            Ok(some.len())
        })
    }

    /// Removes a source that has no registrations any more. `false`: there was none;
    /// [`StoreError::Dangling`]: it has some again.
    pub async fn remove_metadata_source(
        &self,
        source: &SourceId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let removed = query("DELETE FROM metadata_sources WHERE id = ?")
                .bind(source.as_str())
                .execute(&mut write.tx)
                .await?;
            write.commit_if_changed(removed, &event).await
        })
    }
}

async fn insert_rule(tx: &mut Tx, source: &SourceId, rule: &Rule) -> Result<(), StoreError> {
    for role in rule.roles() {
        query("INSERT INTO source_required_roles (source_id, role_name) VALUES (?, ?)")
            .bind(source.as_str())
            .bind(role.as_str())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn insert_keys(
    tx: &mut Tx,
    source: &SourceId,
    certificates: &[Vec<u8>],
) -> Result<(), StoreError> {
    for (position, certificate) in (0_i64..).zip(certificates) {
        query("INSERT INTO source_keys (source_id, position, certificate) VALUES (?, ?, ?)")
            .bind(source.as_str())
            .bind(position)
            .bind(certificate.as_slice())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Three statements for any number of registrations; each counts its version up.
async fn copy_rule(tx: &mut Tx, source: &SourceId, rule: &Rule) -> Result<(), StoreError> {
    query(
        "DELETE FROM sp_required_roles WHERE sp_id IN \
         (SELECT sp_id FROM sp_sources WHERE source_id = ? AND own_rule = 0)",
    )
    .bind(source.as_str())
    .execute(&mut *tx)
    .await?;
    query(
        "INSERT INTO sp_required_roles (sp_id, role_name) SELECT o.sp_id, r.role_name \
         FROM sp_sources o JOIN source_required_roles r ON r.source_id = o.source_id \
         WHERE o.source_id = ? AND o.own_rule = 0",
    )
    .bind(source.as_str())
    .execute(&mut *tx)
    .await?;
    query(
        "UPDATE service_providers SET rule_quantifier = ?, version = version + 1 WHERE id IN \
         (SELECT sp_id FROM sp_sources WHERE source_id = ? AND own_rule = 0)",
    )
    .bind(quantifier(rule))
    .bind(source.as_str())
    .execute(&mut *tx)
    .await?;
    Ok(())
}
