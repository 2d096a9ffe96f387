//! Connections to a server, lent out one at a time.
//!
//! A connection goes back only when what it was lent for has ended well. After an error, an answer
//! that did not come in time, or a request that was given up half-way, nobody knows what it is
//! still about: it is closed, and the server rolls back what was open on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::super::error::{DatabaseError, StoreError};
use super::server::Server;

/// How long somebody waits for a connection, be it that all are lent or that the server does not
/// answer: a database that is gone is told to people within this time. Together with the two seconds
/// for which a statement waits for a lock it is less than a proxy waits for an answer
/// (`deploy/nginx`, 4 s): else who waits for the database would look like a node that hangs.
const LENT_WITHIN: Duration = Duration::from_millis(1500);

/// A connection that has rested for longer is asked whether it is still there before it is lent.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// What an idle connection may take to say that it is there.
const TESTED_WITHIN: Duration = Duration::from_secs(1);

/// A connection that nobody wanted for so long is closed.
const KEPT_IDLE: Duration = Duration::from_secs(30);

/// The connections to one server.
#[derive(Debug)]
pub(in crate::storage) struct Connections<S: Server> {
    options: <S::Connection as Connection>::Options,
    room: Arc<Semaphore>,
    idle: Mutex<Idle<S::Connection>>,
}

#[derive(Debug)]
struct Idle<C> {
    /// The one that came back last stands last.
    resting: Vec<(C, Instant)>,
    /// When a connection was last found broken: those that rest since before are asked first.
    broken_at: Option<Instant>,
}

/// A connection that is lent. Dropped without [`Lent::give_back`], it is closed.
#[derive(Debug)]
pub(in crate::storage) struct Lent<S: Server> {
    connection: S::Connection,
    /// Where it goes back to; none for one that its holder keeps.
    home: Option<(Arc<Connections<S>>, OwnedSemaphorePermit)>,
}

impl<S: Server> Connections<S> {
    /// Up to `most` connections; none is made before it is needed.
    pub(in crate::storage) fn new(
        options: <S::Connection as Connection>::Options,
        most: u32,
    ) -> Self {
        let most = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            options,
            room: Arc::new(Semaphore::new(most)),
            idle: Mutex::new(Idle {
                resting: Vec::new(),
                broken_at: None,
            }),
        }
    }

    /// Lends one that is there. [`StoreError::Busy`]: all are lent for too long;
    /// [`StoreError::Unreachable`]: the server does not answer.
    pub(in crate::storage) async fn lend(self: &Arc<Self>) -> Result<Lent<S>, StoreError> {
        let room = Arc::clone(&self.room).acquire_owned();
        let permit = match timeout(LENT_WITHIN, room).await {
            Err(_) => return Err(StoreError::Busy),
            Ok(Err(_)) => return Err(StoreError::NotRunning),
            Ok(Ok(permit)) => permit,
        };
        let connection = match self.rested().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lent {
            connection,
            home: Some((Arc::clone(self), permit)),
        })
    }

    /// A connection beside the others, for one who keeps it.
    pub(in crate::storage) async fn lend_for_good(&self) -> Result<Lent<S>, StoreError> {
        let connection = self.connect().await?;
        Ok(Lent {
            connection,
            home: None,
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
        for (connection, _) in resting {
            // It is told goodbye, if it listens.
            let _ = timeout(TESTED_WITHIN, connection.close()).await;
        }
    }

    async fn rested(&self) -> Option<S::Connection> {
        loop {
            let (mut connection, is_fresh) = self.pop()?;
            if is_fresh {
                return Some(connection);
            }
            if let Ok(Ok(())) = timeout(TESTED_WITHIN, connection.ping()).await {
                return Some(connection);
            }
            self.suspect();
        }
    }

    fn pop(&self) -> Option<(S::Connection, bool)> {
        let mut idle = self.idle();
        let (connection, since) = idle.resting.pop()?;
        let is_fresh = since.elapsed() < FRESH_FOR && idle.broken_at.is_none_or(|at| since > at);
        Some((connection, is_fresh))
    }

    /// A fresh connection, set up.
    pub(in crate::storage) async fn connect(&self) -> Result<S::Connection, StoreError> {
        let connecting = async {
            let mut connection = self.options.connect().await?;
            S::set_up(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        match timeout(LENT_WITHIN, connecting).await {
            Ok(connected) => connected.map_err(StoreError::of_connecting),
            Err(_) => Err(StoreError::unreachable(DatabaseError::Late(LENT_WITHIN))),
        }
    }

    fn take_back(&self, connection: S::Connection) {
        let mut idle = self.idle();
        if self.room.is_closed() {
            return;
        }
        let now = Instant::now();
        idle.resting.push((connection, now));
        idle.resting
            .retain(|(_, since)| now.duration_since(*since) < KEPT_IDLE);
    }

    fn idle(&self) -> MutexGuard<'_, Idle<S::Connection>> {
        // A list of idle connections is as good after a panic as before.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Server> Lent<S> {
    /// The connection itself.
    pub(in crate::storage) fn connection(&mut self) -> &mut S::Connection {
        &mut self.connection
    }

    /// It was found broken, as others may be.
    pub(in crate::storage) fn suspect_others(&self) {
        if let Some((home, _)) = &self.home {
            home.suspect();
        }
    }

    /// Returns it: nothing is open on it. What its holder keeps comes back to the holder.
    pub(in crate::storage) fn give_back(self) -> Option<Self> {
        let Some((home, permit)) = self.home else {
            return Some(self);
        };
        home.take_back(self.connection);
        drop(permit);
        None
    }
}
