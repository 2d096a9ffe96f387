//! The server behind the database: what it is, what its clock says, and what it promises.

use std::time::{Duration, Instant};

use crate::clock::Clock;

use super::Store;
use super::engine::{Pool, query};
use super::error::StoreError;

/// A clock of a database that answers more slowly is not gone by: half of the way there and back is
/// the most that may be wrong.
const QUICK: Duration = Duration::from_secs(1);

/// Something about the server that the operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worry {
    /// What it is.
    pub what: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

const POSTGRES_SETTINGS: &str = "\
    SELECT name, setting FROM pg_settings WHERE name IN \
    ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names') \
    UNION ALL SELECT 'standbys', CAST(COUNT(*) AS TEXT) FROM pg_stat_replication";
const MYSQL_SETTINGS: &str = "\
    SHOW GLOBAL VARIABLES WHERE Variable_name IN ('innodb_flush_log_at_trx_commit', 'sync_binlog', \
    'log_bin', 'binlog_format', 'rpl_semi_sync_master_enabled', 'rpl_semi_sync_source_enabled', \
    'innodb_doublewrite')";

impl Store {
    /// Which engine it is, and its version.
    #[must_use]
    pub fn engine(&self) -> String {
        let product = self.0.product.as_ref();
        product.map_or_else(|| "SQLite".to_owned(), ToString::to_string)
    }

    /// Whether other nodes may use the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        !self.pool().is_file()
    }

    /// How many milliseconds the database's clock is ahead of this machine's, whose corrected form
    /// `clock` is. `None`: it is this machine's, or answers too slowly to tell.
    pub async fn ahead(&self, clock: &Clock) -> Result<Option<i64>, StoreError> {
        let (asked, asked_at) = (Instant::now(), clock.now().millis());
        let Some(database) = self.pool().now().await? else {
            return Ok(None);
        };
        let took = asked.elapsed();
        if took > QUICK {
            return Ok(None);
        }
        // It was read half-way between question and answer, as near as can be known.
        let half = i64::try_from(took.as_millis() / 2).unwrap_or_default();
        let ours = asked_at
            .saturating_sub(clock.correction())
            .saturating_add(half);
        Ok(Some(database.saturating_sub(ours)))
    }

    /// What the server's settings do not promise that Doorward relies on: that what was committed
    /// stays, also when the server or its machine dies and another takes over.
    pub async fn worries(&self) -> Result<Vec<Worry>, StoreError> {
        let statement = match self.pool() {
            Pool::Sqlite(_) => return Ok(Vec::new()),
            Pool::Postgres(_) => POSTGRES_SETTINGS,
            Pool::MySql(_) => MYSQL_SETTINGS,
        };
        let settings: Vec<(String, String)> = query(statement).fetch_all(self.pool()).await?;
        let settings = Settings(settings);
        Ok(match self.pool() {
            Pool::Sqlite(_) => Vec::new(),
            Pool::Postgres(_) => of_postgres(&settings),
            Pool::MySql(_) => of_mysql(&settings),
        })
    }
}

/// The server's settings by their names.
struct Settings(Vec<(String, String)>);

impl Settings {
    fn is(&self, name: &str, values: &[&str]) -> bool {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        found.any(|(_, set)| values.iter().any(|value| set.eq_ignore_ascii_case(value)))
    }

    fn is_but(&self, name: &str, value: &str) -> bool {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        found.any(|(_, set)| !set.eq_ignore_ascii_case(value))
    }
}

fn of_postgres(settings: &Settings) -> Vec<Worry> {
    let mut worries = Vec::new();
    if settings.is("fsync", &["off"]) || settings.is("full_page_writes", &["off"]) {
        worries.push(Worry::that(
            "fsync or full_page_writes is off: a crash of the machine may ruin the database",
            "set both to on",
        ));
    }
    if settings.is("synchronous_commit", &["off"]) {
        worries.push(Worry::that(
            "synchronous_commit is off: after a crash the last audit rows and revocations are gone",
            "set it to on",
        ));
    }
    let is_alone = settings.is("standbys", &["0"]);
    let is_asynchronous = settings.is("synchronous_standby_names", &[""])
        || settings.is("synchronous_commit", &["local", "off"]);
    if !is_alone && is_asynchronous {
        worries.push(Worry::that(
            "its standbys follow asynchronously: when one takes over, what was committed last \
             (audit rows, revocations, single-use things that were used up) is gone",
            "set synchronous_standby_names, or know what a failover loses",
        ));
    }
    worries
}

fn of_mysql(settings: &Settings) -> Vec<Worry> {
    let mut worries = Vec::new();
    if settings.is_but("innodb_flush_log_at_trx_commit", "1") {
        worries.push(Worry::that(
            "innodb_flush_log_at_trx_commit is not 1: after a crash the last audit rows and \
             revocations are gone",
            "set it to 1",
        ));
    }
    if settings.is("innodb_doublewrite", &["off"]) {
        worries.push(Worry::that(
            "innodb_doublewrite is off: a crash of the machine may ruin the database",
            "set it to on",
        ));
    }
    if settings.is("log_bin", &["off", "0"]) {
        return worries;
    }
    if settings.is_but("sync_binlog", "1") {
        worries.push(Worry::that(
            "sync_binlog is not 1: after a crash replicas may lack what was committed last",
            "set it to 1",
        ));
    }
    if settings.is("binlog_format", &["statement"]) {
        worries.push(Worry::that(
            "binlog_format is STATEMENT, which cannot log what READ COMMITTED does",
            "set it to ROW",
        ));
    }
    let waits = |name| settings.is(name, &["on", "1"]);
    if !waits("rpl_semi_sync_master_enabled") && !waits("rpl_semi_sync_source_enabled") {
        worries.push(Worry::that(
            "it writes a binary log, and replicas that follow it do so asynchronously: when one \
             takes over, what was committed last is gone",
            "turn on semi-synchronous replication, or know what a failover loses",
        ));
    }
    worries
}

impl Worry {
    fn that(what: &'static str, fix: &'static str) -> Self {
        Self { what, fix }
    }
}
