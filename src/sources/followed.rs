//! One SP whose own metadata is read again from the address that it was registered from: no key is
//! pinned, so the address has to be https, and it speaks for that one entity only (decision 52).

use std::time::Duration;

use super::Sources;
use super::fetch::{Fetched, Request};
use super::obtain::ObtainError;
use super::plan::differences;
use super::refresh::RefreshError;
use super::schedule::{jitter, next_refresh, next_try};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::metadata_source::{Followed, SourceState, Validators};
use crate::directory::service_provider::ServiceProvider;
use crate::directory::time::UnixTime;
use crate::saml::sp_metadata::{self, SpMetadata, parse_whenever};
use crate::storage::StoreError;

/// How large the metadata of one SP may be, and how long it may take.
const BYTES: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// What an address gave.
type Read = Option<(Box<SpMetadata>, Validators)>;

impl Sources {
    /// An SP to be followed from now on, whose metadata has just been read.
    pub fn first(&self, sp: &ServiceProvider, url: &str) -> Result<Followed, RefreshError> {
        self.policy.check(url).map_err(ObtainError::from)?;
        let now = self.clock.now();
        Ok(Followed {
            sp: sp.id.clone(),
            url: url.to_owned(),
            state: SourceState {
                refreshed_at: Some(now),
                next_at: next_refresh(now, None, None, jitter()?),
                ..SourceState::new(now)
            },
        })
    }

    /// Reads the metadata of one SP again, and writes down how it went. What changed, one sentence
    /// each. A try that fails leaves the registration as it is (C-MC7).
    pub async fn refresh_sp(&self, followed: &Followed) -> Result<Vec<String>, RefreshError> {
        let now = self.clock.now();
        let done = self.read_again(followed, now).await;
        let (state, done) = match done {
            Ok((state, what)) => (state, Ok(what)),
            Err(error) => {
                let failures = followed.state.failures.saturating_add(1);
                let url = &followed.url;
                tracing::warn!(url, failures, cause = %error, "metadata not refreshed");
                let state = SourceState {
                    failures,
                    failure: Some(error.to_string().chars().take(500).collect()),
                    next_at: next_try(now, failures, jitter()?),
                    ..followed.state.clone()
                };
                (state, Err(error))
            }
        };
        let noted = Followed {
            state,
            ..followed.clone()
        };
        self.store.note_followed(&noted).await?;
        done
    }

    async fn read_again(
        &self,
        followed: &Followed,
        now: UnixTime,
    ) -> Result<(SourceState, Vec<String>), RefreshError> {
        let good = |validators, kept, until| -> Result<SourceState, RefreshError> {
            Ok(SourceState {
                validators,
                refreshed_at: Some(now),
                next_at: next_refresh(now, kept, until, jitter()?),
                ..SourceState::new(now)
            })
        };
        let Some((read, validators)) = self.fetch_one(followed, now).await? else {
            let unchanged = good(followed.state.validators.clone(), None, None)?;
            return Ok((unchanged, Vec::new()));
        };
        let state = good(validators, read.cache_duration, read.valid_until)?;
        let Some(old) = self.store.sp_by_id(&followed.sp).await? else {
            return Ok((state, Vec::new()));
        };
        if read.entity_id != old.entity_id {
            return Err(RefreshError::AnotherEntity(read.entity_id));
        }
        if old.metadata.as_deref() == Some(read.xml.as_str()) {
            return Ok((state, Vec::new()));
        }
        let said = old.metadata.as_deref().map(str::as_bytes);
        let said = said.and_then(|xml| parse_whenever(xml).ok());
        let mut new = old.clone();
        read.replace_in(&mut new, said.as_ref())?;
        let what = differences(&old, &new);
        let event = AuditEvent {
            sp: Some(old.name.clone()),
            ..self.event(
                AuditKind::SpUpdated,
                format!("from {}: {}", followed.url, what.join("; ")),
            )
        };
        match self.store.update_sp(&new, event).await {
            // Somebody changed it meanwhile: the next try is whole, and soon.
            Err(StoreError::Conflict) => {
                let again = SourceState {
                    validators: Validators::default(),
                    next_at: now,
                    ..state
                };
                Ok((again, Vec::new()))
            }
            updated => {
                updated?;
                let (sp, changes) = (old.name.as_str(), what.len());
                tracing::info!(sp, changes, "metadata refreshed");
                Ok((state, what))
            }
        }
    }

    async fn fetch_one(&self, followed: &Followed, now: UnixTime) -> Result<Read, RefreshError> {
        let (policy, url) = (self.policy.clone(), followed.url.clone());
        let validators = followed.state.validators.clone();
        let fetch = move || -> Result<Read, RefreshError> {
            let request = Request {
                url: &url,
                validators: &validators,
                largest: BYTES,
                patience: PATIENCE,
            };
            match policy.fetch(&request).map_err(ObtainError::from)? {
                Fetched::Unchanged => Ok(None),
                Fetched::Nothing => Err(RefreshError::Nothing),
                Fetched::Document { bytes, validators } => {
                    let read = sp_metadata::parse(&bytes, now)?;
                    Ok(Some((Box::new(read), validators)))
                }
            }
        };
        let done = tokio::task::spawn_blocking(fetch).await;
        done.map_err(|_| ObtainError::Interrupted)?
    }
}
