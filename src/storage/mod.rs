//! The database: users, roles, service providers, sessions, keys and the audit log. The only room
//! that knows SQL; it decides nothing.
//!
//! Every statement is a literal in the subset that SQLite, PostgreSQL and `MySQL` share (decision 12):
//! no RETURNING, no upsert, instants as integers, names compared byte for byte, ids made by us.
//! Only [`Store`] knows which engine is behind it.

mod artifacts;
mod audit;
mod chain;
mod cleanup;
mod consents;
mod credentials;
mod ending;
mod engine;
mod error;
mod facts;
pub(crate) mod hex;
mod keys;
mod leases;
mod lock;
mod logout_rows;
mod logouts;
mod many;
mod metadata_sources;
mod migrate;
mod own_keys;
mod queue;
mod release;
mod roles;
mod server;
mod service_providers;
mod sessions;
mod snapshot;
mod source_write;
mod sp_index;
mod sp_protection;
mod sp_refresh;
mod sp_release;
mod sp_write;
mod start_chain;
mod tally;
mod throttle;
mod ties;
mod transfer;
mod untold;
mod user_import;
mod users;
mod write;
mod writer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::directory::name::EntityId;

pub use artifacts::{NewArtifact, UsedArtifact};
pub use audit::{AuditFilter, AuditRow, Break, Verification};
pub use chain::Link;
pub use cleanup::Cleaned;
pub use consents::GivenConsent;
pub use credentials::Credential;
pub use ending::Ending;
pub use engine::{Durability, Settings};
pub use error::{DatabaseError, StoreError};
pub use keys::StoredDataKey;
pub use logouts::{Changed, NewLogout, Settled};
pub use metadata_sources::EntityKey;
pub use own_keys::{Activated, StoredKey, StoredKeys};
pub use roles::RoleRow;
pub use server::Worry;
pub use service_providers::{Registrations, Unreadable};
pub use sessions::{NewSession, SignedIn};
pub use sp_index::SpEntry;
pub use tally::Counted;
pub use ties::{Import, Imported};
pub use transfer::{
    Everything, Filling, Page, Sums, Total, TransferError, changes_of, epoch_of, shape, table_named,
};
pub use untold::LogoutPlace;
pub use user_import::{KnownUser, USERS_AT_ONCE, UserChange, UserWrite};
pub use users::NewUser;
pub use writer::{Announced, Recorded};

use chain::Chain;
use engine::{Pool, Product, query};
use tally::Tally;
use writer::Writer;

/// The database. A clone is the same database.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Arc<Pool>,
    product: Option<Product>,
    started: OnceLock<Started>,
    tally: Arc<Tally>,
}

/// What [`Store::start`] sets going.
#[derive(Debug)]
struct Started {
    chain: Arc<Mutex<Chain>>,
    writer: Writer,
}

/// How often a database that is being made by another process is tried, and how long apart: two
/// seconds together.
const OPENING_TRIES: u32 = 40;
const OPENING_PAUSE: Duration = Duration::from_millis(50);

impl Store {
    /// Opens the database of a `database_url`: makes the file (0600) and its folder if there is
    /// none, and brings the schema up to date.
    ///
    /// Of several processes that open a fresh database at once, one makes it and the others wait:
    /// while a file is being switched to its journal, SQLite turns others away at once, whatever
    /// their busy timeout is.
    pub async fn open(url: &str, durability: Durability) -> Result<Self, StoreError> {
        let settings = Settings {
            durability,
            ..Settings::default()
        };
        Self::open_with(url, settings).await
    }

    /// The same with all settings.
    pub async fn open_with(url: &str, settings: Settings) -> Result<Self, StoreError> {
        // A server's lock has been waited for by then.
        let tries = if url.starts_with("sqlite") {
            OPENING_TRIES
        } else {
            0
        };
        for _ in 0..tries {
            match Self::try_open(url, settings).await {
                Err(StoreError::Busy) => tokio::time::sleep(OPENING_PAUSE).await,
                opened => return opened,
            }
        }
        Self::try_open(url, settings).await
    }

    async fn try_open(url: &str, settings: Settings) -> Result<Self, StoreError> {
        let pool = Pool::open(url, settings).await?;
        let product = pool.product().await?;
        migrate::migrate(&pool).await?;
        Ok(Self(Arc::new(Inner {
            pool: Arc::new(pool),
            product,
            started: OnceLock::new(),
            tally: Arc::default(),
        })))
    }

    /// Begins this process's audit chain under `chain_key`, and the grouped writer. Nothing that
    /// is audited can be written before. `label` names the process in the chain's id; the first
    /// row is written with the first event.
    #[expect(
        clippy::unused_async,
        reason = "an engine behind a network begins its chain over a connection"
    )]
    pub async fn start(
        &self,
        chain_key: [u8; 32],
        label: String,
        clock: Clock,
    ) -> Result<(), StoreError> {
        let chain = Arc::new(Mutex::new(Chain::new(chain_key, &label, clock)));
        let writer = Writer::start(
            Arc::clone(&self.0.pool),
            Arc::clone(&chain),
            Arc::clone(&self.0.tally),
        )
        .map_err(StoreError::NoThread)?;
        let started = Started { chain, writer };
        self.0
            .started
            .set(started)
            .map_err(|_| StoreError::Conflict)
    }

    /// Writes what is queued, and closes the database.
    pub async fn shut_down(&self) {
        if let Ok(started) = self.started() {
            started.writer.shut_down().await;
        }
        self.0.pool.close().await;
    }

    /// Whether the database answers (`/readyz`).
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _: i64 = query("SELECT id FROM audit_heads_named")
            .fetch_one(self.pool())
            .await?;
        Ok(())
    }

    /// The number of the last migration.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        query("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
            .fetch_one(self.pool())
            .await
    }

    /// Where this process's audit chain has got to, as the log names it: chain, row and link.
    pub async fn audit_head(&self) -> Result<Option<String>, StoreError> {
        let chain = self.started()?.chain.lock().await;
        let written = chain.head().map(|head| {
            let link = hex::encode(&head.link);
            format!("{} {} {link}", chain.id(), head.seq)
        });
        Ok(written)
    }

    /// Goes on as a process that has just begun: the database was filled anew under it, and what it
    /// wrote before is not there.
    pub async fn begin_anew(&self) -> Result<(), StoreError> {
        self.started()?.chain.lock().await.abandon();
        Ok(())
    }

    fn started(&self) -> Result<&Started, StoreError> {
        self.0.started.get().ok_or(StoreError::NotRunning)
    }

    fn pool(&self) -> &Pool {
        &self.0.pool
    }
}

/// SHA-256 of the secret that a browser holds, in hex: what the session table knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of a browser's session token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(hex::sha256(token.as_bytes()))
    }

    /// Takes over a hash that was read back.
    fn from_stored(hash: String) -> Self {
        Self(hash)
    }

    /// The hash in lower-case hex.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an entityID is looked up by.
fn entity_key(id: &EntityId) -> String {
    hex::sha256(id.as_str().as_bytes())
}
