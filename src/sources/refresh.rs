//! Refreshing a source: ask, read, compare, write, and say what changed. A try that fails leaves
//! the last good copy as it is (metadata interoperability profile, 2.3; C-MC7).

use std::sync::Arc;

use thiserror::Error;

use super::Sources;
use super::obtain::{ObtainError, Obtained, Tell};
use super::plan::{Frame, Plan, Report};
use super::schedule::{jitter, next_refresh, next_try};
use crate::clock::NoRandomness;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::metadata_source::{MetadataSource, Place, SourceState, Validators};
use crate::directory::name::EntityId;
use crate::directory::service_provider::AcsError;
use crate::saml::aggregate::Aggregate;
use crate::saml::sp_metadata::MetadataError;
use crate::storage::{Import, StoreError};

/// Registrations that one transaction writes.
const BATCH: usize = 40;

/// How far a refresh is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes were fetched.
    Fetched(usize),
    /// So many entities were read.
    Read(usize),
    /// So many registrations of so many were written.
    Written(usize, usize),
}

/// How a refresh ended.
#[derive(Debug)]
pub enum Refreshed {
    /// The source says that nothing has changed.
    Unchanged,
    /// Everything was compared.
    Done(Box<Report>),
}

/// Why a refresh came to nothing.
#[derive(Debug, Error)]
pub enum RefreshError {
    /// The source gave nothing that can be used.
    #[error(transparent)]
    Obtain(#[from] ObtainError),
    /// The address answers that there is nothing.
    #[error("there is nothing at its address")]
    Nothing,
    /// It is no metadata of an SP.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// It speaks of another entity than the one that is registered from there.
    #[error("it is the metadata of {0} now")]
    AnotherEntity(EntityId),
    /// Its endpoints cannot be used.
    #[error(transparent)]
    Endpoint(#[from] AcsError),
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing random can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl Sources {
    /// Refreshes one source now, and writes down how it went.
    pub async fn refresh(
        &self,
        source: &MetadataSource,
        tell: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Refreshed, RefreshError> {
        let tell: Tell = Arc::new(tell);
        if let Place::Mdq(_) = source.place {
            return self.refresh_entities(source, false).await;
        }
        match self.obtain_and_take(source, tell).await {
            Ok((state, refreshed)) => {
                self.store.note_refresh(&source.id, &state).await?;
                Ok(refreshed)
            }
            Err(error) => {
                self.note_failure(source, &error).await?;
                Err(error)
            }
        }
    }

    /// Adds a source that answers: it is asked before anything is written down. A metadata query
    /// service is asked about nobody yet.
    pub async fn add(
        &self,
        source: &MetadataSource,
        event: AuditEvent,
        tell: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Refreshed, RefreshError> {
        let tell: Tell = Arc::new(tell);
        if let Place::Mdq(base) = &source.place {
            self.policy.check(base).map_err(ObtainError::from)?;
            self.store.add_metadata_source(source, event).await?;
            return Ok(Refreshed::Unchanged);
        }
        let obtained = self.obtain(source, Arc::clone(&tell)).await?;
        self.store.add_metadata_source(source, event).await?;
        let (state, refreshed) = self.take(source, obtained, tell).await?;
        self.store.note_refresh(&source.id, &state).await?;
        Ok(refreshed)
    }

    async fn obtain_and_take(
        &self,
        source: &MetadataSource,
        tell: Tell,
    ) -> Result<(SourceState, Refreshed), RefreshError> {
        let expired = source.state.valid_until;
        let is_expired = expired.is_some_and(|until| until <= self.clock.now());
        let obtained = if is_expired {
            // "Nothing has changed" would not open the doors again.
            let mut source = source.clone();
            source.state.validators = Validators::default();
            self.obtain(&source, Arc::clone(&tell)).await?
        } else {
            self.obtain(source, Arc::clone(&tell)).await?
        };
        self.take(source, obtained, tell).await
    }

    async fn take(
        &self,
        source: &MetadataSource,
        obtained: Obtained,
        tell: Tell,
    ) -> Result<(SourceState, Refreshed), RefreshError> {
        let now = self.clock.now();
        let good = |valid_until, cache_duration| -> Result<SourceState, NoRandomness> {
            Ok(SourceState {
                validators: source.state.validators.clone(),
                valid_until,
                refreshed_at: Some(now),
                next_at: next_refresh(now, cache_duration, valid_until, jitter()?),
                failures: 0,
                failure: None,
            })
        };
        let (aggregate, validators) = match obtained {
            Obtained::Nothing => return Err(RefreshError::Nothing),
            Obtained::Unchanged => {
                let state = good(source.state.valid_until, None)?;
                return Ok((state, Refreshed::Unchanged));
            }
            Obtained::Read {
                aggregate,
                validators,
            } => (*aggregate, validators),
        };
        let expires = !source.certificates.is_empty();
        let valid_until = aggregate.valid_until.filter(|_| expires);
        let cache_duration = aggregate.cache_duration;
        let (report, conflicts) = self.import(source, aggregate, tell).await?;
        // What somebody changed meanwhile is looked at again: the next answer has to be whole.
        let validators = if conflicts == 0 {
            validators
        } else {
            Validators::default()
        };
        let state = SourceState {
            validators,
            ..good(valid_until, cache_duration)?
        };
        Ok((state, Refreshed::Done(Box::new(report))))
    }

    async fn import(
        &self,
        source: &MetadataSource,
        aggregate: Aggregate,
        tell: Tell,
    ) -> Result<(Report, usize), RefreshError> {
        let mut plan = Plan::new(self, self.store.known_entities().await?);
        let frame = Frame {
            source,
            valid_until: None,
            validators: Validators::default(),
            next_at: None,
        };
        for read in aggregate.service_providers {
            plan.take(read, &frame).await?;
        }
        plan.withdraw_the_rest(source, &aggregate.skipped);
        let skipped = aggregate.skipped.into_iter();
        plan.report
            .skipped
            .extend(skipped.map(|one| (one.entity_id, one.why.to_string())));
        plan.report.others = aggregate.others;
        let (steps, report) = (plan.steps, plan.report);
        let conflicts = self.write(source, steps, &tell).await?;
        if report.changes_something() {
            let (added, changed) = (report.added.len(), report.changed.len());
            let (withdrawn, name) = (report.withdrawn.len(), source.name.as_str());
            tracing::info!(
                source = name,
                added,
                changed,
                withdrawn,
                "metadata refreshed"
            );
        }
        for (entity_id, why) in &report.skipped {
            tracing::debug!(
                source = source.name.as_str(),
                entity_id,
                why,
                "entity skipped"
            );
        }
        if !report.skipped.is_empty() {
            let (source, skipped) = (source.name.as_str(), report.skipped.len());
            tracing::warn!(source, skipped, "entities could not be taken");
        }
        Ok((report, conflicts))
    }

    /// Writes the steps, some at a time. How many were changed by somebody else meanwhile?
    pub(super) async fn write(
        &self,
        source: &MetadataSource,
        steps: Vec<Import>,
        tell: &Tell,
    ) -> Result<usize, RefreshError> {
        let (all, mut written, mut conflicts) = (steps.len(), 0, 0);
        let mut steps = steps.into_iter().peekable();
        while steps.peek().is_some() {
            let some: Vec<_> = steps.by_ref().take(BATCH).collect();
            written += some.len();
            let imported = self.store.import(&source.id, some).await?;
            conflicts += imported.conflicts;
            for sp in imported.withdrawn {
                // Where nobody listens, the caller reads it in the report.
                let _ = self.withdrawn.as_ref().map(|to| to.send(sp));
            }
            tell(Progress::Written(written, all));
        }
        Ok(conflicts)
    }

    async fn note_failure(
        &self,
        source: &MetadataSource,
        error: &RefreshError,
    ) -> Result<(), RefreshError> {
        let failures = source.state.failures.saturating_add(1);
        let (name, valid_until) = (source.name.as_str(), source.state.valid_until);
        let valid_until = valid_until.map(|until| until.to_string());
        tracing::warn!(source = name, failures, valid_until, cause = %error, "metadata not refreshed");
        let told: String = error.to_string().chars().take(500).collect();
        let state = SourceState {
            failures,
            failure: Some(told),
            next_at: next_try(self.clock.now(), failures, jitter()?),
            ..source.state.clone()
        };
        Ok(self.store.note_refresh(&source.id, &state).await?)
    }

    /// An audit row about a source as such.
    #[must_use]
    pub fn event(&self, kind: AuditKind, detail: String) -> AuditEvent {
        AuditEvent {
            actor: Some(self.actor.clone()),
            detail: Some(detail),
            ..AuditEvent::new(self.clock.now(), kind)
        }
    }
}
