//! The hot path's writes, grouped by one thread that owns its connection (decision 14): handlers
//! never hold a COMMIT.
//!
//! A write that comes alone is committed at once; several that have come meanwhile are committed
//! together, up to [`TOGETHER`] of them or after [`PATIENCE`]. A batch that fails for certain is
//! tried one by one, so that a bad row fails alone. Where the outcome of a COMMIT is not known, all
//! of them fail, and the connection is opened anew.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use crate::directory::audit::AuditEvent;
use crate::directory::name::SpId;
use crate::directory::session::Release;

use super::audit::{Fields, insert_event};
use super::chain::{Chain, Head};
use super::error::StoreError;
use super::sqlite::Sqlite;
use super::{Store, release, start_chain};

/// So many writes share a COMMIT at most.
const TOGETHER: usize = 16;

/// So long a batch waits for more.
const PATIENCE: Duration = Duration::from_millis(2);

/// Where nothing more comes for so long, a batch waits no longer.
const LULL: Duration = Duration::from_micros(200);

/// So many writes wait at most; more are turned away.
const QUEUE: usize = 1024;

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
    queue: Mutex<Option<SyncSender<Waiting>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread. It ends when the last sender is gone and the queue is empty.
    pub(super) fn start(
        sqlite: Arc<Sqlite>,
        chain: Arc<AsyncMutex<Chain>>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        let desk = Desk {
            sqlite,
            chain,
            connection: None,
        };
        let thread = std::thread::Builder::new()
            .name("audit-writer".to_owned())
            .spawn(move || serve(desk, &receiver))?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        })
    }

    async fn write(&self, job: Job) -> Answer {
        let (answer, answered) = oneshot::channel();
        {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let queue = queue.as_ref().ok_or(StoreError::NotRunning)?;
            queue
                .try_send(Waiting { job, answer })
                .map_err(|refused| match refused {
                    TrySendError::Full(_) => StoreError::QueueFull,
                    TrySendError::Disconnected(_) => StoreError::NotRunning,
                })?;
        }
        answered.await.unwrap_or(Err(StoreError::NotRunning))
    }

    /// Writes what is queued and ends the thread.
    pub(super) async fn shut_down(&self) {
        drop(
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
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
    /// Writes an audit row; returns when it is committed.
    pub async fn record(&self, event: AuditEvent) -> Result<(), StoreError> {
        let job = Job { event, visit: None };
        self.started()?.writer.write(job).await.map(|_| ())
    }

    /// Writes down what has to be before the assertion of a grant may leave: the sign-in is used
    /// up, the participant and the persistent id are there, the audit row is committed. All of it
    /// or nothing.
    pub async fn release(
        &self,
        release: &Release,
        sp: &SpId,
        name_id_is_persistent: bool,
        event: AuditEvent,
    ) -> Result<Recorded, StoreError> {
        let visit = Visit {
            release: release.clone(),
            sp: sp.clone(),
            persistent: name_id_is_persistent,
        };
        let job = Job {
            event,
            visit: Some(visit),
        };
        self.started()?.writer.write(job).await
    }
}

fn serve(mut desk: Desk, queue: &Receiver<Waiting>) {
    while let Ok(first) = queue.recv() {
        let (jobs, answers): (Vec<_>, Vec<_>) = gather(first, queue)
            .into_iter()
            .map(|waiting| (waiting.job, waiting.answer))
            .unzip();
        for (answer, result) in answers.into_iter().zip(desk.write(&jobs)) {
            // Whoever asked may have hung up; it is written all the same.
            let _ = answer.send(result);
        }
    }
}

/// One write alone, or those that come together.
fn gather(first: Waiting, queue: &Receiver<Waiting>) -> Vec<Waiting> {
    let mut batch = vec![first];
    batch.extend(queue.try_iter().take(TOGETHER - 1));
    if batch.len() == 1 {
        return batch;
    }
    let until = Instant::now() + PATIENCE;
    while batch.len() < TOGETHER {
        let left = until.saturating_duration_since(Instant::now());
        match queue.recv_timeout(left.min(LULL)) {
            Ok(next) => batch.push(next),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    batch
}

/// What the thread has in hand.
struct Desk {
    sqlite: Arc<Sqlite>,
    chain: Arc<AsyncMutex<Chain>>,
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
