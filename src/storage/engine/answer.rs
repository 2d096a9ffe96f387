//! What a database's refusal means, whichever engine says it.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Answer {
    /// A key is taken.
    Conflict,
    /// It names what is not there, or is named by something that stays.
    Dangling,
    /// Two transactions met; this one was undone and may be tried again.
    Deadlock,
    /// Somebody else is at it for too long, or too many are.
    Busy,
    /// There is no room on the disk.
    Full,
    /// The server goes away, or is not one that can be written to.
    Gone,
}

/// What this one means; `None`: something that should not happen.
pub(in crate::storage) fn meaning(error: &(dyn DatabaseError + 'static)) -> Option<Answer> {
    if error.is_unique_violation() {
        return Some(Answer::Conflict);
    }
    if error.is_foreign_key_violation() {
        return Some(Answer::Dangling);
    }
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return of_postgres(error.code());
    }
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return of_mysql(error.number());
    }
    let code = error.code()?.parse().ok()?;
    match code {
        code if is_busy(code) => Some(Answer::Busy),
        code if is_full(code) => Some(Answer::Full),
        _ => None,
    }
}

/// SQLSTATE, by PostgreSQL's appendix A.
fn of_postgres(code: &str) -> Option<Answer> {
    match code {
        // serialization_failure, deadlock_detected.
        "40001" | "40P01" => Some(Answer::Deadlock),
        // restrict_violation.
        "23001" => Some(Answer::Dangling),
        // lock_not_available, query_canceled (by a timeout), too_many_connections,
        // configuration_limit_exceeded.
        "55P03" | "57014" | "53300" | "53400" => Some(Answer::Busy),
        // disk_full.
        "53100" => Some(Answer::Full),
        // admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout,
        // idle_in_transaction_session_timeout; read_only_sql_transaction: a standby.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25006" => Some(Answer::Gone),
        code if code.starts_with("08") => Some(Answer::Gone),
        _ => None,
    }
}

/// The server's own numbers: its SQLSTATE says too little.
fn of_mysql(number: u16) -> Option<Answer> {
    match number {
        // ER_LOCK_DEADLOCK; ER_CHECKREAD, by which MariaDB tells of a row that changed meanwhile.
        1213 | 1020 => Some(Answer::Deadlock),
        // ER_LOCK_WAIT_TIMEOUT, ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS,
        // ER_STATEMENT_TIMEOUT (MariaDB), ER_QUERY_TIMEOUT (MySQL).
        1205 | 1040 | 1203 | 1969 | 3024 => Some(Answer::Busy),
        // ER_DISK_FULL, ER_RECORD_FILE_FULL.
        1021 | 1114 => Some(Answer::Full),
        // ER_SERVER_SHUTDOWN, ER_QUERY_INTERRUPTED, ER_CONNECTION_KILLED,
        // ER_CLIENT_INTERACTION_TIMEOUT; ER_OPTION_PREVENTS_STATEMENT,
        // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE: a replica.
        1053 | 1317 | 1927 | 4031 | 1290 | 1792 | 1836 => Some(Answer::Gone),
        _ => None,
    }
}

/// Whether a result code of SQLite means that somebody else is at it.
pub(in crate::storage) fn is_busy(code: i32) -> bool {
    const SQLITE_BUSY: i32 = 5;
    const SQLITE_LOCKED: i32 = 6;
    matches!(code & 0xff, SQLITE_BUSY | SQLITE_LOCKED)
}

/// Whether a result code of SQLite means that there is no room.
pub(in crate::storage) fn is_full(code: i32) -> bool {
    const SQLITE_FULL: i32 = 13;
    code & 0xff == SQLITE_FULL
}
