//! A transaction on a connection to a server.

use std::fmt;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::super::error::{DatabaseError, StoreError};
use super::connections::Lent;
use super::row::Row;
use super::server::Server;
use super::value::Value;

/// So long an answer may take before the server counts as gone: longer than it waits for a lock
/// (2 s), and with the wait for a connection less than a proxy waits for us (4 s).
const ANSWERED_WITHIN: Duration = Duration::from_millis(2400);

/// So long a COMMIT may take. Where it is not answered nobody knows what was done, so it is waited
/// for longer than the proxy waits.
const COMMITTED_WITHIN: Duration = Duration::from_secs(5);

/// So long a statement may take that reads or sorts very much.
const READ_WITHIN: Duration = Duration::from_secs(90);

/// So long one may take that counts what there is, of a database of any size.
const COUNTED_WITHIN: Duration = Duration::from_hours(1);

/// How long an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::storage) enum Patience {
    /// Somebody waits for it.
    #[default]
    Short,
    /// It is a COMMIT.
    ForOutcome,
    /// It reads everything that there is.
    Long,
    /// It counts everything that there is, and nobody is held up by that.
    Endless,
}

/// A transaction. It ends with its first error: PostgreSQL refuses what comes after one, and what
/// one engine refuses no engine does. Dropped, it is rolled back: over its connection where nothing
/// is under way on it, else by closing that.
pub(in crate::storage) struct Open<S: Server> {
    lent: Option<Lent<S>>,
    /// Whether the connection has answered all that it was asked, without an error.
    is_sound: bool,
}

impl<S: Server> Open<S> {
    /// Begins one.
    pub(in crate::storage) async fn begin(
        lent: Lent<S>,
        words: &'static [&'static str],
    ) -> Result<Self, StoreError> {
        let mut open = Self {
            lent: Some(lent),
            is_sound: true,
        };
        for statement in words {
            let (connection, is_sound) = open.asked()?;
            *is_sound = false;
            answered(Patience::Short, S::say(connection, statement)).await?;
            *is_sound = true;
        }
        Ok(open)
    }

    /// Runs a statement within it.
    pub(in crate::storage) async fn execute(
        &mut self,
        text: &'static str,
        values: &[Value<'_>],
        patience: Patience,
    ) -> Result<u64, StoreError> {
        let (connection, is_sound) = self.asked()?;
        *is_sound = false;
        let met = answered(patience, S::execute(connection, text, values)).await?;
        *is_sound = true;
        Ok(met)
    }

    /// The rows of a statement.
    pub(in crate::storage) async fn rows(
        &mut self,
        text: &'static str,
        values: &[Value<'_>],
        most: usize,
        patience: Patience,
    ) -> Result<Vec<Row>, StoreError> {
        let (connection, is_sound) = self.asked()?;
        *is_sound = false;
        let rows = answered(patience, S::rows(connection, text, values, most)).await?;
        *is_sound = true;
        Ok(rows)
    }

    /// Makes it so. The connection comes back, if it is its holder's to keep.
    pub(in crate::storage) async fn commit(mut self) -> Result<Option<Lent<S>>, StoreError> {
        let (connection, is_sound) = self.asked()?;
        *is_sound = false;
        answered(Patience::ForOutcome, S::say(connection, "COMMIT"))
            .await
            .map_err(StoreError::of_commit)?;
        Ok(self.lent.take().and_then(Lent::give_back))
    }

    fn asked(&mut self) -> Result<(&mut S::Connection, &mut bool), StoreError> {
        match &mut self.lent {
            Some(lent) if self.is_sound => Ok((lent.connection(), &mut self.is_sound)),
            _ => Err(StoreError::Ended),
        }
    }
}

impl<S: Server> fmt::Debug for Open<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_sound = self.is_sound;
        f.debug_struct("Open")
            .field("is_sound", &is_sound)
            .finish_non_exhaustive()
    }
}

impl<S: Server> Drop for Open<S> {
    fn drop(&mut self) {
        let Some(mut lent) = self.lent.take() else {
            return;
        };
        if !self.is_sound {
            lent.suspect_others();
            return;
        }
        // Without a runtime nothing can be said any more: it is closed.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let said = S::say(lent.connection(), "ROLLBACK");
                if answered(Patience::Short, said).await.is_ok() {
                    lent.give_back();
                }
            });
        }
    }
}

/// Waits for an answer, but not for ever.
pub(in crate::storage) async fn answered<T>(
    patience: Patience,
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    let within = match patience {
        Patience::Short => ANSWERED_WITHIN,
        Patience::ForOutcome => COMMITTED_WITHIN,
        Patience::Long => READ_WITHIN,
        Patience::Endless => COUNTED_WITHIN,
    };
    match timeout(within, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::unreachable(DatabaseError::Late(within))),
    }
}
