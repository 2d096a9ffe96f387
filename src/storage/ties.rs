//! Writing registrations that come from a source of metadata, and what ties them to it.

use crate::directory::audit::AuditEvent;
use crate::directory::metadata_source::Tie;
use crate::directory::name::{RoleName, SourceId, SpId};
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::ServiceProvider;
use crate::directory::time::UnixTime;

use super::Store;
use super::engine::{Tx, query};
use super::error::{Column, StoreError};
use super::lock::{Owner, lock};
use super::sp_write::{insert_sp, replace_sp};
use super::write::again;

/// One step of an import.
#[derive(Debug)]
pub enum Import {
    /// An entity that is not registered yet.
    New(Box<ServiceProvider>, Tie, AuditEvent),
    /// A registration whose metadata is another, or that is listed again.
    Changed(Box<ServiceProvider>, Tie, AuditEvent),
    /// A registration that the source does not list any more, or not so that it can be used.
    Withdrawn(SpId, AuditEvent),
    /// The metadata is the same, but not how long it lasts.
    Same(SpId, Tie),
}

/// How many steps were taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Steps that were taken.
    pub done: usize,
    /// Registrations that somebody changed meanwhile: they are left for the next refresh.
    pub conflicts: usize,
    /// Registrations whose doors were shut.
    pub withdrawn: Vec<SpId>,
}

impl Store {
    /// Takes some steps of an import in one transaction. A registration without a rule of its own
    /// gets the one that the source has in this very transaction.
    pub async fn import(
        &self,
        source: &SourceId,
        steps: Vec<Import>,
    ) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        let mut write = self.write().await?;
        lock(&mut write.tx, Owner::Source, source.as_str()).await?;
        let rule = rule_of_source(&mut write.tx, source).await?;
        for step in steps {
            let (done, event) = match step {
                Import::New(mut sp, tie, event) => {
                    sp.rule = rule.clone();
                    insert_sp(&mut write.tx, &sp).await?;
                    insert_tie(&mut write.tx, &sp.id, &tie).await?;
                    (true, Some(event))
                }
                Import::Changed(mut sp, tie, event) => {
                    if !tie.own_rule {
                        sp.rule = rule.clone();
                    }
                    let done = replace_sp(&mut write.tx, &sp).await?;
                    if done {
                        update_tie(&mut write.tx, &sp.id, &tie).await?;
                    }
                    (done, Some(event))
                }
                Import::Withdrawn(sp, event) => {
                    let done = withdraw(&mut write.tx, &sp).await?;
                    imported.withdrawn.extend(done.then_some(sp));
                    (done, Some(event))
                }
                Import::Same(sp, tie) => {
                    update_tie(&mut write.tx, &sp, &tie).await?;
                    (true, None)
                }
            };
            if done {
                imported.done += 1;
            } else {
                imported.conflicts += 1;
            }
            if let Some(event) = event.filter(|_| done) {
                write.note(&event).await?;
            }
        }
        write.commit().await?;
        Ok(imported)
    }

    /// Writes a changed registration together with whether its rule is its own from now on. What
    /// it says of a rule counts only if it is; else it gets the source's.
    pub async fn update_sp_of_source(
        &self,
        sp: &ServiceProvider,
        source: &SourceId,
        own_rule: bool,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        again!(async {
            let mut write = self.write().await?;
            lock(&mut write.tx, Owner::Source, source.as_str()).await?;
            let mut sp = sp.clone();
            if !own_rule {
                sp.rule = rule_of_source(&mut write.tx, source).await?;
            }
            if !replace_sp(&mut write.tx, &sp).await? {
                return Err(StoreError::Conflict);
            }
            query("UPDATE sp_sources SET own_rule = ? WHERE sp_id = ?")
                .bind(i64::from(own_rule))
                .bind(sp.id.as_str())
                .execute(&mut write.tx)
                .await?;
            write.note(&event).await?;
            write.commit().await
        })
    }

    /// Writes down how fetching one registration by itself went.
    pub async fn note_tie(&self, sp: &SpId, tie: &Tie) -> Result<(), StoreError> {
        let mut tx = self.write_unaudited().await?;
        update_tie(&mut tx, sp, tie).await?;
        tx.commit().await
    }
}

async fn rule_of_source(tx: &mut Tx, source: &SourceId) -> Result<Rule, StoreError> {
    let rows: Vec<(String, String)> = query(
        "SELECT m.rule_quantifier, r.role_name FROM metadata_sources m \
         JOIN source_required_roles r ON r.source_id = m.id WHERE m.id = ?",
    )
    .bind(source.as_str())
    .fetch_all(&mut *tx)
    .await?;
    let quantifier = match rows.first().map(|(quantifier, _)| quantifier.as_str()) {
        Some("any") => Quantifier::AnyOf,
        Some("all") => Quantifier::AllOf,
        Some(_) => return Err(Column("metadata_sources", "rule_quantifier").inconsistent()),
        // The source was removed meanwhile.
        None => return Err(StoreError::Dangling),
    };
    let column = Column("source_required_roles", "role_name");
    let roles: Result<Vec<_>, _> = rows.iter().map(|(_, role)| RoleName::parse(role)).collect();
    column.checked(Rule::new(quantifier, column.checked(roles)?))
}

async fn insert_tie(tx: &mut Tx, sp: &SpId, tie: &Tie) -> Result<(), StoreError> {
    query(
        "INSERT INTO sp_sources (sp_id, source_id, own_rule, listed, valid_until, digest, etag, \
         last_modified, next_at, failures) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(sp.as_str())
    .bind(tie.source.as_str())
    .bind(i64::from(tie.own_rule))
    .bind(i64::from(tie.listed))
    .bind(tie.valid_until.map(UnixTime::millis))
    .bind(&tie.digest)
    .bind(tie.validators.etag.as_deref())
    .bind(tie.validators.last_modified.as_deref())
    .bind(tie.next_at.map(UnixTime::millis))
    .bind(i64::from(tie.failures))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Everything but whether the rule is its own, which only the administrator changes.
async fn update_tie(tx: &mut Tx, sp: &SpId, tie: &Tie) -> Result<(), StoreError> {
    query(
        "UPDATE sp_sources SET listed = ?, valid_until = ?, digest = ?, etag = ?, \
         last_modified = ?, next_at = ?, failures = ? WHERE sp_id = ?",
    )
    .bind(i64::from(tie.listed))
    .bind(tie.valid_until.map(UnixTime::millis))
    .bind(&tie.digest)
    .bind(tie.validators.etag.as_deref())
    .bind(tie.validators.last_modified.as_deref())
    .bind(tie.next_at.map(UnixTime::millis))
    .bind(i64::from(tie.failures))
    .bind(sp.as_str())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

async fn withdraw(tx: &mut Tx, sp: &SpId) -> Result<bool, StoreError> {
    let withdrawn = query("UPDATE sp_sources SET listed = 0 WHERE sp_id = ? AND listed = 1")
        .bind(sp.as_str())
        .execute(&mut *tx)
        .await?;
    Ok(withdrawn == 1)
}
