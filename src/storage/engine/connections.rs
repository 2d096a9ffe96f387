//! Connections to a server, lent out one at a time.
//!
//! A connection goes back only when what it was lent for has ended well. After an error, an answer
//! that did not come in time, or a request that was given up half-way, nobody knows what it is
//! still about: it is closed, and the server rolls back what was open on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{timeout, timeout_at};

use super::super::error::{DatabaseError, StoreError};
use super::server::Server;
use crate::clock::random;

/// How long somebody waits for a connection, be it that all are lent, that those that rested are
/// broken, or that the server does not answer: a database that is gone is told to people within this
/// time. Together with what a statement may take ([`super::open`]) it is less than a proxy waits for
/// an answer (`deploy/nginx`, 4 s): else who waits for the database would look like a node that hangs.
const LENT_WITHIN: Duration = Duration::from_millis(1500);

/// A connection that has rested for longer is asked whether it is still there before it is lent.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// What an idle connection may take to say that it is there.
const TESTED_WITHIN: Duration = Duration::from_millis(700);

/// A connection that nobody wanted for so long is closed.
const KEPT_IDLE: Duration = Duration::from_secs(30);

/// The connections to one server.
#[derive(Debug)]
pub(in crate::storage) struct Connections<S: Server> {
    options: <S::Connection as Connection>::Options,
    /// How long a connection is used at most. What the name of the server leads to, and whether it
    /// is the one that is written to, is found out anew with each.
    oldest: Duration,
    room: Arc<Semaphore>,
    idle: Mutex<Idle<S::Connection>>,
}

#[derive(Debug)]
struct Idle<C> {
    /// The one that came back last stands last.
    resting: Vec<(Aged<C>, Instant)>,
    /// When a connection was last found broken: those that rest since before are asked first.
    broken_at: Option<Instant>,
}

/// A connection, and until when it is used.
#[derive(Debug)]
struct Aged<C> {
    connection: C,
    until: Instant,
}

/// A connection that is lent. Dropped without [`Lent::give_back`], it is closed.
#[derive(Debug)]
pub(in crate::storage) struct Lent<S: Server> {
    aged: Aged<S::Connection>,
    /// Where it goes back to; none for one that its holder keeps.
    home: Option<(Arc<Connections<S>>, OwnedSemaphorePermit)>,
    /// Since when its holder has kept it without a use.
    rests_since: Instant,
}

impl<S: Server> Connections<S> {
    /// Up to `most` connections, none of them older than `oldest`; none is made before it is needed.
    pub(in crate::storage) fn new(
        options: <S::Connection as Connection>::Options,
        most: u32,
        oldest: Duration,
    ) -> Self {
        let most = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            options,
            oldest,
            room: Arc::new(Semaphore::new(most)),
            idle: Mutex::new(Idle {
                resting: Vec::new(),
                broken_at: None,
            }),
        }
    }

    /// Lends one that is there. [`StoreError::Busy`]: all are lent for too long;
    /// [`StoreError::Unreachable`]: the server does not answer, or takes no writes.
    pub(in crate::storage) async fn lend(self: &Arc<Self>) -> Result<Lent<S>, StoreError> {
        let until = Instant::now() + LENT_WITHIN;
        let room = Arc::clone(&self.room).acquire_owned();
        let permit = match timeout_at(until.into(), room).await {
            Err(_) => return Err(StoreError::Busy),
            Ok(Err(_)) => return Err(StoreError::NotRunning),
            Ok(Ok(permit)) => permit,
        };
        let aged = match self.rested(until).await {
            Some(aged) => aged,
            None => self.connect_until(until).await?,
        };
        Ok(Lent {
            aged,
            home: Some((Arc::clone(self), permit)),
            rests_since: Instant::now(),
        })
    }

    /// A connection beside the others, for one who keeps it.
    pub(in crate::storage) async fn lend_for_good(&self) -> Result<Lent<S>, StoreError> {
        let aged = self.connect_until(Instant::now() + LENT_WITHIN).await?;
        Ok(Lent {
            aged,
            home: None,
            rests_since: Instant::now(),
        })
    }

    /// Notes that a connection was found broken: the server may have been restarted.
    pub(in crate::storage) fn suspect(&self) {
        self.idle().broken_at = Some(Instant::now());
    }

    /// Closes what rests, and lends nothing more.
    pub(in crate::storage) async fn close(&self) {
        self.room.close();
        let resting = std::mem::take(&mut self.idle().resting);
        for (aged, _) in resting {
            // It is told goodbye, if it listens.
            let _ = timeout(TESTED_WITHIN, aged.connection.close()).await;
        }
    }

    /// One that rested, and is there. Where one gives no answer at all, none of those that rested as
    /// long is asked any more: somebody waits.
    async fn rested(&self, until: Instant) -> Option<Aged<S::Connection>> {
        let until = until.min(Instant::now() + TESTED_WITHIN);
        loop {
            let (mut aged, is_fresh) = self.pop()?;
            if is_fresh {
                return Some(aged);
            }
            match timeout_at(until.into(), aged.connection.ping()).await {
                Ok(Ok(())) => return Some(aged),
                Ok(Err(_)) => self.suspect(),
                Err(_) => {
                    self.suspect();
                    self.idle().resting.clear();
                    return None;
                }
            }
        }
    }

    fn pop(&self) -> Option<(Aged<S::Connection>, bool)> {
        let mut idle = self.idle();
        loop {
            let (aged, since) = idle.resting.pop()?;
            let now = Instant::now();
            if now >= aged.until {
                say_goodbye(aged.connection);
                continue;
            }
            let is_fresh =
                now.duration_since(since) < FRESH_FOR && idle.broken_at.is_none_or(|at| since > at);
            return Some((aged, is_fresh));
        }
    }

    /// A fresh connection, set up, to a server that takes writes: a decision is made on what the
    /// primary says (decision 4).
    pub(in crate::storage) async fn connect(&self) -> Result<S::Connection, StoreError> {
        let aged = self.connect_until(Instant::now() + LENT_WITHIN).await?;
        Ok(aged.connection)
    }

    async fn connect_until(&self, until: Instant) -> Result<Aged<S::Connection>, StoreError> {
        let connecting = async {
            let mut connection = self.options.connect().await?;
            S::set_up(&mut connection).await?;
            let told = S::rows(&mut connection, S::READ_ONLY, &[], 1).await?;
            Ok::<_, sqlx::Error>((connection, told))
        };
        let (connection, told) = match timeout_at(until.into(), connecting).await {
            Ok(connected) => connected.map_err(StoreError::of_connecting)?,
            Err(_) => return Err(StoreError::unreachable(DatabaseError::Late(LENT_WITHIN))),
        };
        if told.first().map(|row| row.get::<i64>(0)).transpose()? != Some(0) {
            say_goodbye(connection);
            return Err(StoreError::unreachable(DatabaseError::ReadOnly));
        }
        let until = Instant::now() + self.age()?;
        Ok(Aged { connection, until })
    }

    /// Three quarters of the longest or more: connections that were made together do not end
    /// together.
    fn age(&self) -> Result<Duration, StoreError> {
        let [chance] = random::<1>()?;
        Ok(self.oldest.mul_f64(0.75 + 0.25 * f64::from(chance) / 255.0))
    }

    fn take_back(&self, aged: Aged<S::Connection>) {
        let mut idle = self.idle();
        if self.room.is_closed() {
            return;
        }
        let now = Instant::now();
        idle.resting.push((aged, now));
        let (stay, go): (_, Vec<_>) = std::mem::take(&mut idle.resting)
            .into_iter()
            .partition(|(aged, since)| now.duration_since(*since) < KEPT_IDLE && now < aged.until);
        idle.resting = stay;
        drop(idle);
        for (aged, _) in go {
            say_goodbye(aged.connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle<S::Connection>> {
        // A list of idle connections is as good after a panic as before.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a connection as the server expects it, which nobody waits for.
fn say_goodbye<C: Connection + Send + 'static>(connection: C) {
    // Without a runtime nothing can be said any more: it is closed all the same.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(timeout(TESTED_WITHIN, connection.close()));
    }
}

impl<S: Server> Lent<S> {
    /// The connection itself.
    pub(in crate::storage) fn connection(&mut self) -> &mut S::Connection {
        &mut self.aged.connection
    }

    /// Whether one that its holder has kept can be used once more: young enough, and there.
    pub(in crate::storage) async fn is_good(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.aged.until {
            return false;
        }
        if now.duration_since(self.rests_since) < FRESH_FOR {
            return true;
        }
        let asked = timeout(TESTED_WITHIN, self.aged.connection.ping());
        matches!(asked.await, Ok(Ok(())))
    }

    /// It was found broken, as others may be.
    pub(in crate::storage) fn suspect_others(&self) {
        if let Some((home, _)) = &self.home {
            home.suspect();
        }
    }

    /// Returns it: nothing is open on it. What its holder keeps comes back to the holder.
    pub(in crate::storage) fn give_back(mut self) -> Option<Self> {
        let Some((home, permit)) = self.home else {
            self.rests_since = Instant::now();
            return Some(self);
        };
        home.take_back(self.aged);
        drop(permit);
        None
    }
}
