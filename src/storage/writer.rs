//! The hot path's writes, grouped by one thread that owns its connection (decision 14): handlers
//! never hold a COMMIT.
//!
//! What is committed together is a batch of [`Queue`]. A batch that fails for certain is tried one
//! by one, so that a bad row fails alone. Where the outcome of a COMMIT is not known, all of them
//! fail, and the connection is opened anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::runtime::Handle;
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::directory::audit::AuditEvent;
use crate::directory::name::SpId;
use crate::directory::session::Release;

use super::audit::{Fields, insert_event};
use super::chain::Chain;
use super::engine::{Kept, Pool, TRIES, Tx};
use super::error::StoreError;
use super::queue::{self, Queue};
use super::tally::{Tally, counted};
use super::{Store, release, start_chain};

/// What became of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is written down: the assertion may leave.
    Done,
    /// The session ended meanwhile: nothing is written, nothing leaves.
    SessionGone,
    /// The sign-in for this flow has been used up by another answer: nothing is written.
    FlowUsedUp,
    /// Another answer was this SP's first in the session meanwhile, under another SessionIndex:
    /// nothing is written. Fresh facts know it.
    VisitedMeanwhile,
}

/// Something to be written.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) event: AuditEvent,
    pub(super) visit: Option<Visit>,
}

/// What a release writes beside its audit row.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) release: Release,
    pub(super) sp: SpId,
    pub(super) persistent: bool,
}

type Answer = Result<Recorded, StoreError>;

#[derive(Debug)]
struct Waiting {
    job: Job,
    answer: oneshot::Sender<Answer>,
}

/// The thread and the queue that leads to it.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Queue<Waiting>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A write that is on its way: others that have come already wait for it a moment, so that they
/// share a COMMIT. Taken before work of which a write is the end; dropped, it waits for nothing.
#[derive(Debug)]
pub struct Announced(queue::Announced<Waiting>);

impl Announced {
    /// Writes down what has to be before the assertion of a grant may leave: the sign-in is used
    /// up, the participant and the persistent id are there, the audit row is committed. All of it
    /// or nothing.
    pub async fn release(
        self,
        release: Release,
        sp: &SpId,
        name_id_is_persistent: bool,
        event: AuditEvent,
    ) -> Result<Recorded, StoreError> {
        let visit = Visit {
            release,
            sp: sp.clone(),
            persistent: name_id_is_persistent,
        };
        let job = Job {
            event,
            visit: Some(visit),
        };
        self.write(job).await
    }

    async fn write(self, job: Job) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.0.push(Waiting { job, answer })?;
        answered.await.unwrap_or(Err(StoreError::NotRunning))
    }
}

impl Writer {
    /// Starts the thread. It ends when the queue is closed and empty.
    pub(super) fn start(
        pool: Arc<Pool>,
        chain: Arc<AsyncMutex<Chain>>,
        tally: Arc<Tally>,
    ) -> std::io::Result<Self> {
        let queue = Queue::new();
        let desk = Desk {
            pool,
            chain,
            tally,
            connection: None,
        };
        let thread = std::thread::Builder::new()
            .name("audit-writer".to_owned())
            .spawn({
                let (queue, runtime) = (queue.clone(), Handle::current());
                move || serve(desk, &queue, &runtime)
            })?;
        Ok(Self {
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// How many wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.waiting()
    }

    /// Writes what is queued and ends the thread.
    pub(super) async fn shut_down(&self) {
        self.queue.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A thread that panicked has dropped its connection, and with it what was not committed.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Store {
    /// Says that a write is on its way.
    pub fn announce(&self) -> Result<Announced, StoreError> {
        Ok(Announced(self.started()?.writer.queue.announce()))
    }

    /// Writes an audit row; returns when it is committed.
    pub async fn record(&self, event: AuditEvent) -> Result<(), StoreError> {
        let job = Job { event, visit: None };
        self.announce()?.write(job).await.map(|_| ())
    }

    /// The same as [`Announced::release`], for what comes without having been announced.
    pub async fn release(
        &self,
        release: &Release,
        sp: &SpId,
        name_id_is_persistent: bool,
        event: AuditEvent,
    ) -> Result<Recorded, StoreError> {
        self.announce()?
            .release(release.clone(), sp, name_id_is_persistent, event)
            .await
    }
}

/// On the runtime's behalf, but in a thread of its own: SQLite is written in it, and a connection to
/// a server is waited for in it.
fn serve(mut desk: Desk, queue: &Queue<Waiting>, runtime: &Handle) {
    while let Some(batch) = queue.take() {
        let (jobs, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| (waiting.job, waiting.answer))
            .unzip();
        let written = runtime.block_on(desk.write(&jobs));
        for (answer, result) in answers.into_iter().zip(written) {
            // Whoever asked may have hung up; it is written all the same.
            let _ = answer.send(result);
        }
    }
}

/// What the thread has in hand.
struct Desk {
    pool: Arc<Pool>,
    chain: Arc<AsyncMutex<Chain>>,
    tally: Arc<Tally>,
    connection: Option<Kept>,
}

impl Desk {
    async fn write(&mut self, jobs: &[Job]) -> Vec<Answer> {
        let chain = Arc::clone(&self.chain);
        let mut chain = chain.lock().await;
        match self.write_together(&mut chain, jobs).await {
            Ok(recorded) => recorded.into_iter().map(Ok).collect(),
            Err(error) if surely_not_done(&error) => {
                let mut answers = Vec::with_capacity(jobs.len());
                for job in jobs.chunks(1) {
                    answers.push(self.write_alone(&mut chain, job).await);
                }
                answers
            }
            Err(error) => jobs.iter().map(|_| Err(error.for_another())).collect(),
        }
    }

    /// Tries one by itself. On a server a refusal may come of another node's write at the same
    /// moment: the next try finds what that one has left.
    async fn write_alone(&mut self, chain: &mut Chain, job: &[Job]) -> Answer {
        let mut tries = 1;
        loop {
            tries += 1;
            match self.write_together(chain, job).await {
                Err(error) if surely_not_done(&error) && tries < TRIES => {}
                Err(error) => return Err(error.for_another()),
                Ok(recorded) => return recorded.first().copied().ok_or(StoreError::NotRunning),
            }
        }
    }

    async fn write_together(
        &mut self,
        chain: &mut Chain,
        jobs: &[Job],
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut tx = self.begin().await?;
        if chain.has_to_begin() {
            self.connection = start_chain::start(tx, chain).await?;
            tx = self.begin().await?;
        }
        // After any error the connection is dropped with the transaction that it holds.
        let (kept, recorded) = write_batch(tx, chain, jobs).await?;
        self.connection = kept;
        for (job, recorded) in jobs.iter().zip(&recorded) {
            if *recorded == Recorded::Done {
                self.tally.count(counted(&job.event));
            }
        }
        Ok(recorded)
    }

    async fn begin(&mut self) -> Result<Tx, StoreError> {
        let kept = match self.connection.take() {
            Some(mut kept) => kept.is_good().await.then_some(kept),
            None => None,
        };
        let Some(connection) = kept else {
            return self.pool.connect().await?.begin().await;
        };
        match connection.begin().await {
            // A server that was restarted meanwhile: nothing was asked on it yet.
            Err(error) if error.is_of_connection() => self.pool.connect().await?.begin().await,
            begun => begun,
        }
    }
}

/// Whether an error says that nothing was written, for certain, and another try may go better: a row
/// was refused, two transactions met, or the connection broke before COMMIT was said on it.
fn surely_not_done(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Conflict | StoreError::Dangling | StoreError::Deadlock
    ) || error.is_of_connection()
}

async fn write_batch(
    mut tx: Tx,
    chain: &mut Chain,
    jobs: &[Job],
) -> Result<(Option<Kept>, Vec<Recorded>), StoreError> {
    let mut head = chain.head();
    let mut recorded = Vec::with_capacity(jobs.len());
    for job in jobs {
        let done = match &job.visit {
            None => Recorded::Done,
            Some(visit) => release::put(&mut tx, visit, job.event.at).await?,
        };
        if done == Recorded::Done {
            let fields = Fields::from(&job.event);
            let next = chain.link(head, chain.id(), &fields);
            insert_event(&mut tx, chain.id(), &next, &fields).await?;
            head = Some(next);
        }
        recorded.push(done);
    }
    chain.about_to_commit();
    let kept = tx.commit_and_keep().await?;
    if let Some(head) = head {
        chain.advance(head);
    }
    Ok((kept, recorded))
}
