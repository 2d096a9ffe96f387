//! The gate before the expensive work: few at once, a bounded queue, and every source its turn.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Lets at most `at_once` through together. Who waits is served source by source in turn, so that
/// one source with a thousand trials does not hold up another's first (decision 15).
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<Mutex<Queue>>);

#[derive(Debug)]
struct Queue {
    at_once: usize,
    places: usize,
    inside: usize,
    waiting: usize,
    by_source: HashMap<String, VecDeque<oneshot::Sender<Pass>>>,
    turns: VecDeque<String>,
}

/// The right to work, given back when dropped.
#[derive(Debug)]
pub(super) struct Pass(Option<Gate>);

/// The queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Gate {
    pub(super) fn new(at_once: usize, places: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue {
            at_once,
            places,
            inside: 0,
            waiting: 0,
            by_source: HashMap::new(),
            turns: VecDeque::new(),
        })))
    }

    /// Waits for this source's turn.
    pub(super) async fn enter(&self, source: &str) -> Result<Pass, Full> {
        let turn = {
            let mut queue = self.queue();
            if queue.inside < queue.at_once && queue.waiting == 0 {
                queue.inside += 1;
                return Ok(Pass(Some(self.clone())));
            }
            queue.join(source)?
        };
        // The sender is dropped only when a longer queue had to give up its last place.
        turn.await.map_err(|_| Full)
    }

    /// How many are waiting.
    pub(super) fn waiting(&self) -> usize {
        self.queue().waiting
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One has left: the next one may come in. Whoever gave up waiting meanwhile is passed over.
    fn leave(&self) {
        loop {
            let next = {
                let mut queue = self.queue();
                let next = queue.next();
                if next.is_none() {
                    queue.inside = queue.inside.saturating_sub(1);
                }
                next
            };
            let Some(next) = next else { return };
            match next.send(Pass(Some(self.clone()))) {
                Ok(()) => return,
                // The pass that nobody took must not count as one that leaves again.
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

impl Queue {
    fn join(&mut self, source: &str) -> Result<oneshot::Receiver<Pass>, Full> {
        if self.waiting >= self.places {
            self.make_room_for(source)?;
        }
        let (sender, receiver) = oneshot::channel();
        let line = self.by_source.entry(source.to_owned()).or_default();
        if line.is_empty() {
            self.turns.push_back(source.to_owned());
        }
        line.push_back(sender);
        self.waiting += 1;
        Ok(receiver)
    }

    /// In a full queue the source with the longest line gives up its last place, but only to one
    /// with a shorter line.
    fn make_room_for(&mut self, source: &str) -> Result<(), Full> {
        let own = self.by_source.get(source).map_or(0, VecDeque::len);
        let longest = self.by_source.iter().max_by_key(|(_, line)| line.len());
        let (longest, length) = longest
            .map(|(source, line)| (source.clone(), line.len()))
            .ok_or(Full)?;
        if length <= own + 1 {
            return Err(Full);
        }
        if let Some(line) = self.by_source.get_mut(&longest) {
            line.pop_back();
            self.waiting -= 1;
        }
        Ok(())
    }

    fn next(&mut self) -> Option<oneshot::Sender<Pass>> {
        let source = self.turns.pop_front()?;
        let line = self.by_source.get_mut(&source)?;
        let next = line.pop_front();
        self.waiting = self.waiting.saturating_sub(usize::from(next.is_some()));
        if line.is_empty() {
            self.by_source.remove(&source);
        } else {
            self.turns.push_back(source);
        }
        next
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets everybody through one by one and notes who came.
    async fn order(gate: Gate, sources: &[&'static str]) -> Vec<&'static str> {
        let inside = gate.enter("first").await.unwrap();
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for source in sources.iter().copied() {
            let (gate, told) = (gate.clone(), told.clone());
            tasks.push(tokio::spawn(async move {
                if let Ok(_pass) = gate.enter(source).await {
                    told.send(source).unwrap();
                }
            }));
            tokio::task::yield_now().await;
        }
        drop((inside, told));
        let mut order = Vec::new();
        while let Some(source) = heard.recv().await {
            order.push(source);
        }
        order
    }

    #[tokio::test]
    async fn every_source_has_its_turn() {
        let order = order(Gate::new(1, 10), &["a", "a", "a", "b", "c", "a"]).await;
        assert_eq!(order, ["a", "b", "c", "a", "a", "a"]);
    }

    #[tokio::test]
    async fn a_full_queue_still_has_room_for_a_source_that_waits_less() {
        let order = order(Gate::new(1, 3), &["a", "a", "a", "a", "b", "b"]).await;
        assert_eq!(order, ["a", "b", "a"]);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_is_passed_over_and_the_places_come_back() {
        let gate = Gate::new(1, 10);
        let inside = gate.enter("a").await.unwrap();
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter("b").await.map(|_| ()) }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        let _ = waiting.await;
        drop(inside);
        assert_eq!(gate.waiting(), 0);
        let again = gate.enter("c").await.unwrap();
        drop(again);
        assert_eq!(gate.queue().inside, 0);
    }
}
