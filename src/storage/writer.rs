//! The hot path's writes, grouped by one thread that owns its connection (decision 14): handlers
//! never hold a COMMIT.
//!
//! What is committed together is a batch of [`Queue`]. A batch that fails for certain is tried one
//! by one, so that a bad row fails alone. Where the outcome of a COMMIT is not known, all of them
//! fail, and the connection is opened anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::directory::audit::AuditEvent;
use crate::directory::name::SpId;
use crate::directory::session::Release;

use super::audit::{Fields, insert_event};
use super::chain::{Chain, Head};
use super::error::StoreError;
use super::queue::{self, Queue};
use super::sqlite::Sqlite;
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
        sqlite: Arc<Sqlite>,
        chain: Arc<AsyncMutex<Chain>>,
        tally: Arc<Tally>,
    ) -> std::io::Result<Self> {
        let queue = Queue::new();
        let desk = Desk {
            sqlite,
            chain,
            tally,
            connection: None,
        };
        let thread = std::thread::Builder::new()
            .name("audit-writer".to_owned())
            .spawn({
                let queue = queue.clone();
                move || serve(desk, &queue)
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

fn serve(mut desk: Desk, queue: &Queue<Waiting>) {
    while let Some(batch) = queue.take() {
        let (jobs, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| (waiting.job, waiting.answer))
            .unzip();
        for (answer, result) in answers.into_iter().zip(desk.write(&jobs)) {
            // Whoever asked may have hung up; it is written all the same.
            let _ = answer.send(result);
        }
    }
}

/// What the thread has in hand.
struct Desk {
    sqlite: Arc<Sqlite>,
    chain: Arc<AsyncMutex<Chain>>,
    tally: Arc<Tally>,
    connection: Option<Connection>,
}

impl Desk {
    fn write(&mut self, jobs: &[Job]) -> Vec<Answer> {
        let chain = Arc::clone(&self.chain);
        let mut chain = chain.blocking_lock();
        match self.write_together(&mut chain, jobs) {
            Ok(recorded) => recorded.into_iter().map(Ok).collect(),
            Err(error) if jobs.len() > 1 && is_about_one_row(&error) => jobs
                .chunks(1)
                .map(|job| self.write_alone(&mut chain, job))
                .collect(),
            Err(error) => jobs.iter().map(|_| Err(error.for_another())).collect(),
        }
    }

    fn write_alone(&mut self, chain: &mut Chain, job: &[Job]) -> Answer {
        let recorded = self.write_together(chain, job)?;
        recorded.first().copied().ok_or(StoreError::NotRunning)
    }

    fn write_together(
        &mut self,
        chain: &mut Chain,
        jobs: &[Job],
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.sqlite.writing_connection()?,
        };
        let written = write_batch(&mut connection, chain, jobs);
        // After anything but a refused row the connection is dropped: it may hold a transaction.
        if written.as_ref().err().is_none_or(is_about_one_row) {
            self.connection = Some(connection);
        }
        for (job, recorded) in jobs.iter().zip(written.iter().flatten()) {
            if *recorded == Recorded::Done {
                self.tally.count(counted(&job.event));
            }
        }
        written
    }
}

/// Whether an error says that a row was refused, for certain.
fn is_about_one_row(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict | StoreError::Dangling)
}

fn write_batch(
    connection: &mut Connection,
    chain: &mut Chain,
    jobs: &[Job],
) -> Result<Vec<Recorded>, StoreError> {
    if chain.has_to_begin() {
        start_chain::start(connection, chain)?;
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut head = chain.head();
    let mut recorded = Vec::with_capacity(jobs.len());
    for job in jobs {
        let done = match &job.visit {
            None => Recorded::Done,
            Some(visit) => release::put(&tx, visit, job.event.at)?,
        };
        if done == Recorded::Done {
            head = Some(note(&tx, chain, head, &job.event)?);
        }
        recorded.push(done);
    }
    chain.about_to_commit();
    tx.commit().map_err(StoreError::of_commit)?;
    if let Some(head) = head {
        chain.advance(head);
    }
    Ok(recorded)
}

fn note(
    connection: &Connection,
    chain: &Chain,
    before: Option<Head>,
    event: &AuditEvent,
) -> Result<Head, StoreError> {
    let fields = Fields::from(event);
    let head = chain.link(before, chain.id(), &fields);
    insert_event(connection, chain.id(), head, &fields)?;
    Ok(head)
}
