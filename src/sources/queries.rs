//! Asking metadata query services about an entity that nobody registered, because a message came
//! from it (draft-young-md-query; C-MC2).
//!
//! Whoever sends the message is a stranger. So only the configured bases are asked, one question
//! about one entity at a time, few questions at once and few in a while; what was not found is
//! remembered for some minutes. Where no query service is configured nothing is asked at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, Semaphore};

use super::Sources;
use super::fetch::FetchPolicy;
use super::refresh::RefreshError;
use crate::directory::metadata_source::Place;
use crate::directory::name::EntityId;
use crate::directory::time::UnixTime;
use crate::storage::StoreError;

/// Questions at once.
const AT_ONCE: usize = 4;
/// Questions in a burst, and how long it takes until another one may follow.
const BURST: i64 = 20;
const EVERY: i64 = 1000;
/// Entities that are remembered as unknown, and for how long.
const REMEMBERED: usize = 10_000;
const UNKNOWN_FOR: Duration = Duration::from_mins(10);
/// How long a service that failed is left alone about an entity.
const FAILED_FOR: Duration = Duration::from_mins(1);

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is registered now.
    Registered,
    /// Nobody knows it.
    Unknown,
    /// Too much is being asked already.
    Busy,
}

/// The questions of one process.
#[derive(Debug, Clone)]
pub struct Queries(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sources: Sources,
    at_once: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when an entity counts as unknown.
    unknown: HashMap<EntityId, UnixTime>,
    /// Those that are being asked about; who comes later waits for its turn.
    turns: HashMap<EntityId, Arc<Turn<()>>>,
    /// From when on a full burst is allowed again, in milliseconds.
    full_at: i64,
}

impl State {
    /// Whether another question may be asked now: a bucket that fills by one drop at a time.
    fn may_ask(&mut self, now: UnixTime) -> bool {
        let full_at = self.full_at.max(now.millis()) + EVERY;
        let allowed = full_at - now.millis() <= BURST * EVERY;
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }

    fn is_unknown(&self, id: &EntityId, now: UnixTime) -> bool {
        self.unknown.get(id).is_some_and(|until| *until > now)
    }

    fn remember(&mut self, id: EntityId, now: UnixTime, length: Duration) {
        if self.unknown.len() >= REMEMBERED {
            self.unknown.retain(|_, until| *until > now);
        }
        if self.unknown.len() < REMEMBERED {
            self.unknown.insert(id, now.plus(length));
        }
    }
}

impl Queries {
    /// No question was asked yet.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        Self(Arc::new(Inner {
            sources,
            at_once: Semaphore::new(AT_ONCE),
            state: Mutex::default(),
        }))
    }

    /// What may be connected to without an administrator.
    #[must_use]
    pub fn policy(&self) -> &FetchPolicy {
        self.0.sources.policy()
    }

    /// Asks about an entity that is not registered.
    pub async fn ask(&self, id: &EntityId) -> Result<Answer, StoreError> {
        let sources = self.0.sources.store.metadata_sources().await?;
        let is_query = |place: &Place| matches!(place, Place::Mdq(_));
        if !sources.iter().any(|source| is_query(&source.place)) {
            return Ok(Answer::Unknown);
        }
        let Some(turn) = self.turn(id) else {
            return Ok(Answer::Unknown);
        };
        let mine = turn.lock().await;
        let answer = self.ask_in_turn(id, &sources).await;
        drop(mine);
        let mut state = self.state();
        // The last who waited takes the turn away; the map holds one, and so do we.
        if Arc::strong_count(&turn) <= 2 {
            state.turns.remove(id);
        }
        answer
    }

    fn turn(&self, id: &EntityId) -> Option<Arc<Turn<()>>> {
        let mut state = self.state();
        if state.is_unknown(id, self.now()) {
            return None;
        }
        Some(state.turns.entry(id.clone()).or_default().clone())
    }

    async fn ask_in_turn(
        &self,
        id: &EntityId,
        sources: &[crate::directory::metadata_source::MetadataSource],
    ) -> Result<Answer, StoreError> {
        // Whoever had the turn before may have found it, or may have found nothing.
        if self.state().is_unknown(id, self.now()) {
            return Ok(Answer::Unknown);
        }
        if self.0.sources.store.sp_by_entity_id(id).await?.is_some() {
            return Ok(Answer::Registered);
        }
        let Ok(_permit) = self.0.at_once.try_acquire() else {
            return Ok(Answer::Busy);
        };
        let mut forgotten_after = UNKNOWN_FOR;
        for source in sources {
            if !matches!(source.place, Place::Mdq(_)) {
                continue;
            }
            if !self.state().may_ask(self.now()) {
                return Ok(Answer::Busy);
            }
            match self.0.sources.refresh_entity(source, id, None).await {
                Ok(report) if !report.added.is_empty() => return Ok(Answer::Registered),
                Ok(_) => {}
                Err(RefreshError::Store(StoreError::Conflict)) => return Ok(Answer::Registered),
                Err(RefreshError::Store(error)) => return Err(error),
                Err(error) => {
                    let source = source.name.as_str();
                    tracing::warn!(source, entity_id = id.as_str(), cause = %error, "not answered");
                    forgotten_after = FAILED_FOR;
                }
            }
        }
        let now = self.now();
        self.state().remember(id.clone(), now, forgotten_after);
        Ok(Answer::Unknown)
    }

    fn now(&self) -> UnixTime {
        self.0.sources.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Maps of plain values are whole whatever happened to another thread.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_mdq_a_stranger_cannot_make_us_ask_more_than_so_often() {
        let mut state = State::default();
        let start = UnixTime::from_millis(1_000_000);
        let asked = (0..1000).filter(|_| state.may_ask(start)).count();
        assert_eq!(asked, 20);
        let asked = (0..10_000)
            .filter(|tick| state.may_ask(start.plus(Duration::from_millis(*tick))))
            .count();
        assert_eq!(asked, 9, "one a second");
    }

    #[test]
    fn t_mdq_what_is_remembered_is_bounded() {
        let mut state = State::default();
        let start = UnixTime::from_millis(1_000_000);
        for number in 0..20_000 {
            let id = EntityId::parse_lenient(&format!("urn:{number}")).unwrap();
            state.remember(id, start, UNKNOWN_FOR);
        }
        assert_eq!(state.unknown.len(), REMEMBERED);
        let late = start.plus(UNKNOWN_FOR);
        let id = EntityId::parse_lenient("urn:late").unwrap();
        state.remember(id.clone(), late, UNKNOWN_FOR);
        assert!(state.is_unknown(&id, late) && state.unknown.len() == 1);
    }
}
