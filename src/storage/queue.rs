//! What waits to be written, and when it is a batch (decision 14).
//!
//! A COMMIT costs as much for sixteen rows as for one, so a row waits for those that are likely to
//! come: for as many as came together the last time, and for those of which the queue knows that
//! they are on their way ([`Queue::announce`]). Alone, it is committed at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::StoreError;

/// So many writes share a COMMIT at most.
const TOGETHER: usize = 16;

/// So long a batch waits for others.
const PATIENCE: Duration = Duration::from_millis(2);

/// So many writes wait at most; more are turned away.
const ROOM: usize = 1024;

/// The queue. A clone is the same queue.
#[derive(Debug)]
pub(super) struct Queue<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    bell: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    /// How many are on their way.
    announced: usize,
    /// How many came together the last time.
    expected: usize,
    is_open: bool,
}

/// A write that is on its way. Dropped without one, nobody waits for it any longer.
#[derive(Debug)]
pub(super) struct Announced<T> {
    /// Nothing, once it has arrived.
    queue: Option<Queue<T>>,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let state = State {
            waiting: Vec::with_capacity(TOGETHER),
            announced: 0,
            expected: 1,
            is_open: true,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            bell: Condvar::new(),
        }))
    }

    /// Says that a write will come soon.
    pub(super) fn announce(&self) -> Announced<T> {
        self.state().announced += 1;
        Announced {
            queue: Some(self.clone()),
        }
    }

    /// Takes the next batch, waiting for one; `None` once the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<T>> {
        let nothing = |state: &mut State<T>| state.waiting.is_empty() && state.is_open;
        let state = self.0.bell.wait_while(self.state(), nothing);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let (bell, incomplete) = (&self.0.bell, |state: &mut State<T>| !state.is_complete());
        let waited = bell.wait_timeout_while(state, PATIENCE, incomplete);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let count = state.waiting.len().min(TOGETHER);
        state.expected = count;
        let batch: Vec<_> = state.waiting.drain(..count).collect();
        (!batch.is_empty()).then_some(batch)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Turns away what comes from now on.
    pub(super) fn close(&self) {
        self.state().is_open = false;
        self.0.bell.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that is done under this lock can panic half-way.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// Whether what waits is written without waiting longer.
    fn is_complete(&self) -> bool {
        let all_came = self.announced == 0 && self.waiting.len() >= self.expected;
        all_came || self.waiting.len() >= TOGETHER || !self.is_open
    }
}

impl<T> Announced<T> {
    /// It has come.
    pub(super) fn push(mut self, item: T) -> Result<(), StoreError> {
        let Some(queue) = self.queue.take() else {
            return Err(StoreError::NotRunning);
        };
        let mut state = queue.state();
        state.announced -= 1;
        if !state.is_open {
            return Err(StoreError::NotRunning);
        }
        if state.waiting.len() >= ROOM {
            return Err(StoreError::QueueFull);
        }
        state.waiting.push(item);
        // The first one sets the writer's patience going.
        let ring = state.waiting.len() == 1 || state.is_complete();
        drop(state);
        if ring {
            queue.0.bell.notify_one();
        }
        Ok(())
    }
}

impl<T> Drop for Announced<T> {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else {
            return;
        };
        let mut state = queue.state();
        state.announced -= 1;
        let ring = state.is_complete() && !state.waiting.is_empty();
        drop(state);
        if ring {
            queue.0.bell.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;

    fn push(queue: &Queue<u32>, item: u32) {
        queue.announce().push(item).unwrap();
    }

    #[test]
    fn one_that_comes_alone_waits_for_nobody() {
        let queue = Queue::new();
        push(&queue, 1);
        let begun = Instant::now();
        assert_eq!(queue.take(), Some(vec![1]));
        assert!(begun.elapsed() < PATIENCE);
    }

    #[test]
    fn those_on_their_way_are_waited_for_and_come_in_order() {
        let queue = Queue::new();
        let late = queue.announce();
        push(&queue, 1);
        let other = thread::spawn({
            let queue = queue.clone();
            move || queue.take()
        });
        late.push(2).unwrap();
        assert_eq!(other.join().unwrap(), Some(vec![1, 2]));
    }

    #[test]
    fn nobody_waits_long_for_one_that_does_not_come() {
        let queue = Queue::new();
        let never = queue.announce();
        push(&queue, 1);
        assert_eq!(queue.take(), Some(vec![1]));
        drop(never);
    }

    #[test]
    fn a_batch_is_never_larger_than_it_may_be() {
        let queue = Queue::new();
        (0..20).for_each(|item| push(&queue, item));
        assert_eq!(queue.take().map(|batch| batch.len()), Some(TOGETHER));
        assert_eq!(queue.take().map(|batch| batch.len()), Some(20 - TOGETHER));
    }

    #[test]
    fn a_closed_queue_gives_out_what_it_has_and_takes_nothing_more() {
        let queue = Queue::new();
        push(&queue, 1);
        queue.close();
        assert!(matches!(
            queue.announce().push(2),
            Err(StoreError::NotRunning)
        ));
        assert_eq!(queue.take(), Some(vec![1]));
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_full_queue_turns_away() {
        let queue = Queue::new();
        (0..1024).for_each(|item| push(&queue, item));
        assert!(matches!(
            queue.announce().push(2),
            Err(StoreError::QueueFull)
        ));
    }
}
