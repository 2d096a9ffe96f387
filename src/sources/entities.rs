//! Refreshing one entity at a time, as metadata query services tell of them
//! (draft-young-md-query, section 3).

use std::sync::Arc;

use super::Sources;
use super::obtain::{ObtainError, Obtained};
use super::plan::{Frame, Plan, Report};
use super::refresh::{RefreshError, Refreshed};
use super::schedule::{jitter, next_refresh, next_try};
use crate::directory::metadata_source::{MetadataSource, Tie, Validators};
use crate::directory::name::{EntityId, SpId};
use crate::saml::aggregate::Aggregate;

const UNLISTED: &str = "not listed any more";

impl Sources {
    /// Refreshes the registrations of a metadata query service, each by itself: those that are due,
    /// or all.
    pub(super) async fn refresh_entities(
        &self,
        source: &MetadataSource,
        only_due: bool,
    ) -> Result<Refreshed, RefreshError> {
        let now = self.clock.now();
        let mut report = Report::default();
        let known = self.store.known_entities().await?;
        for one in known.values() {
            let Some(tie) = one.tie.as_ref().filter(|tie| tie.source == source.id) else {
                continue;
            };
            if only_due && tie.next_at.is_some_and(|next| next > now) {
                continue;
            }
            let Some(sp) = self.store.sp_by_id(&one.sp).await? else {
                continue;
            };
            let asked = self.refresh_entity(source, &sp.entity_id, Some((&one.sp, tie)));
            match asked.await {
                Ok(of_one) => report.add(of_one),
                Err(RefreshError::Obtain(error)) => {
                    let sp = sp.name.as_str();
                    tracing::warn!(sp, cause = %error, "metadata not refreshed");
                    report.skipped.push((sp.to_owned(), error.to_string()));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(Refreshed::Done(Box::new(report)))
    }

    /// Asks about one entity, which is registered already or not yet.
    pub(super) async fn refresh_entity(
        &self,
        source: &MetadataSource,
        entity: &EntityId,
        known: Option<(&SpId, &Tie)>,
    ) -> Result<Report, RefreshError> {
        let now = self.clock.now();
        // "Nothing has changed" opens no door that is shut.
        let usable =
            known.filter(|(_, tie)| tie.listed && tie.valid_until.is_none_or(|until| until > now));
        let validators = usable.map(|(_, tie)| tie.validators.clone());
        let validators = validators.unwrap_or_default();
        let obtained = self.obtain_entity(source, entity, &validators).await;
        let mut plan = Plan::new(self, self.store.known_entities().await?);
        match obtained {
            Err(error) => return self.entity_failed(known, error).await,
            Ok(Obtained::Unchanged) => self.entity_unchanged(&mut plan, known).await?,
            Ok(Obtained::Nothing) => {
                self.withdraw_entity(&mut plan, source, known, UNLISTED)
                    .await?;
            }
            Ok(Obtained::Read {
                aggregate,
                validators,
            }) => {
                let answer = (*aggregate, validators);
                self.entity_read(&mut plan, source, entity, known, answer)
                    .await?;
            }
        }
        let steps = std::mem::take(&mut plan.steps);
        self.write(source, steps, &(Arc::new(|_| {}) as _)).await?;
        Ok(plan.report)
    }

    async fn entity_failed(
        &self,
        known: Option<(&SpId, &Tie)>,
        error: ObtainError,
    ) -> Result<Report, RefreshError> {
        if let Some((sp, tie)) = known {
            let failures = tie.failures.saturating_add(1);
            let next_at = Some(next_try(self.clock.now(), failures, jitter()?));
            let tie = Tie {
                next_at,
                failures,
                ..tie.clone()
            };
            self.store.note_tie(sp, &tie).await?;
        }
        Err(error.into())
    }

    async fn entity_unchanged(
        &self,
        plan: &mut Plan<'_>,
        known: Option<(&SpId, &Tie)>,
    ) -> Result<(), RefreshError> {
        if let Some((sp, tie)) = known {
            let next_at = next_refresh(self.clock.now(), None, tie.valid_until, jitter()?);
            let tie = Tie {
                next_at: Some(next_at),
                failures: 0,
                ..tie.clone()
            };
            self.store.note_tie(sp, &tie).await?;
        }
        plan.report.unchanged = 1;
        Ok(())
    }

    /// The answer counts only for the entity that was asked about.
    async fn entity_read(
        &self,
        plan: &mut Plan<'_>,
        source: &MetadataSource,
        entity: &EntityId,
        known: Option<(&SpId, &Tie)>,
        (aggregate, validators): (Aggregate, Validators),
    ) -> Result<(), RefreshError> {
        let mut found = aggregate.service_providers.into_iter();
        let Some(read) = found.find(|read| read.entity_id == *entity) else {
            let why = aggregate.skipped.first().map(|one| one.why.to_string());
            let why = why.unwrap_or_else(|| UNLISTED.to_owned());
            self.withdraw_entity(plan, source, known, &why).await?;
            plan.report.skipped.push((entity.as_str().to_owned(), why));
            return Ok(());
        };
        let whole = aggregate.valid_until;
        let until = read.valid_until.into_iter().chain(whole).min();
        let kept = read
            .cache_duration
            .into_iter()
            .chain(aggregate.cache_duration);
        let next_at = next_refresh(self.clock.now(), kept.min(), until, jitter()?);
        let frame = Frame {
            source,
            valid_until: until,
            validators,
            next_at: Some(next_at),
        };
        plan.take(read, &frame).await
    }

    /// A registration that is not described any more is asked about again later all the same.
    async fn withdraw_entity(
        &self,
        plan: &mut Plan<'_>,
        source: &MetadataSource,
        known: Option<(&SpId, &Tie)>,
        why: &str,
    ) -> Result<(), RefreshError> {
        let Some((id, tie)) = known else {
            return Ok(());
        };
        let next_at = Some(next_refresh(self.clock.now(), None, None, jitter()?));
        let later = Tie {
            next_at,
            ..tie.clone()
        };
        self.store.note_tie(id, &later).await?;
        if let Some(sp) = self.store.sp_by_id(id).await?.filter(|_| tie.listed) {
            plan.withdraw(id, &sp.name, why.to_owned(), source);
        }
        Ok(())
    }
}

impl Report {
    fn add(&mut self, other: Self) {
        self.added.extend(other.added);
        self.changed.extend(other.changed);
        self.withdrawn.extend(other.withdrawn);
        self.skipped.extend(other.skipped);
        self.unchanged += other.unchanged;
        self.others += other.others;
    }
}
