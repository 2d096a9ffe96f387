//! Carrying a whole database to another one, or to a file and back, on whichever engine.
//!
//! [`Everything`] reads every row as of one instant, table by table in the order of the keys, a page
//! at a time. [`Filling`] writes pages into an empty database, and then reads everything back and
//! compares. Both keep count of the rows and a SHA-256 over them.
//!
//! A database that is being filled says so in its settings; nothing else is done with it until that
//! is over ([`Store::is_half_filled`]). An interrupted filling is begun again from nothing: what it
//! came from may have changed. Of two who fill one database, one does ([`mark`]).

mod epoch;
mod filling;
mod mark;
mod rows;
mod tables;

use openssl::sha::Sha256;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::engine::{Tx, query};
use super::error::StoreError;
use super::{Store, hex};
use mark::HALF_FILLED;
use rows::Cell;
use tables::{TABLES, after_key};

pub use epoch::{changes_of, epoch_of};
pub use filling::Filling;

/// Why a database was not filled.
#[derive(Debug, Error)]
pub enum TransferError {
    /// It has rows already. Operator: name an empty database.
    #[error("the database to be filled is not empty: {table} has rows")]
    NotEmpty {
        /// A table with rows.
        table: &'static str,
    },
    /// Somebody else is filling it at this moment. Operator: let it finish, or stop it.
    #[error("another copy or restore is filling the database at this moment")]
    BeingFilled,
    /// This one stood still for so long that another took it for dead and began anew. Operator: look
    /// at what the other one says.
    #[error(
        "another copy or restore has taken the database over: this one stood still for too long"
    )]
    TakenOver,
    /// What was read back is not what was written. Operator: look at the disk and at the server's
    /// log, and do it again.
    #[error("{table} is not what was written: {found} rows, not {expected}, or other values")]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows that were written.
        expected: u64,
        /// Rows that are there.
        found: u64,
    },
    /// The rows belong to another version of the schema. Operator: use the Doorward that made them.
    #[error("{0} is no table of this version, or a row of it is none")]
    NoSuchRow(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Some rows of one table, in the order of its key.
#[derive(Debug, Clone)]
pub struct Page {
    /// Which table.
    pub table: &'static str,
    /// Its rows, as bytes.
    pub rows: Vec<Vec<u8>>,
}

/// How much of a table was carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// Which table.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 over their bytes in the order of the key, in hex.
    pub sha256: String,
}

/// Counts and hashes rows, table by table.
#[derive(Clone)]
pub struct Sums(Vec<(u64, Sha256)>);

/// All rows of a database as of one instant.
pub struct Everything {
    tx: Tx,
    table: usize,
    after: Option<Vec<Cell>>,
    sums: Sums,
}

/// The names of the tables with their columns: what a file of rows has to agree with.
#[must_use]
pub fn shape() -> Vec<(&'static str, &'static str)> {
    TABLES
        .iter()
        .map(|table| (table.name, table.columns))
        .collect()
}

/// The table of this name, as this program has it.
#[must_use]
pub fn table_named(name: &str) -> Option<&'static str> {
    let table = TABLES.iter().find(|table| table.name == name);
    table.map(|table| table.name)
}

impl Store {
    /// Begins to read everything as it is now.
    pub async fn everything(&self) -> Result<Everything, StoreError> {
        Ok(Everything {
            tx: self.pool().snapshot_at_leisure().await?,
            table: 0,
            after: None,
            sums: Sums::default(),
        })
    }
}

impl Everything {
    /// How many rows there are.
    pub async fn count(&mut self) -> Result<u64, StoreError> {
        let mut all = 0;
        for table in TABLES {
            let rows: i64 = query(table.count)
                .at_leisure()
                .fetch_one(&mut self.tx)
                .await?;
            all += u64::try_from(rows).unwrap_or(0);
        }
        Ok(all)
    }

    /// The next rows; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Page>, StoreError> {
        while let Some(table) = TABLES.get(self.table) {
            let statement = match &self.after {
                None => query(table.first),
                Some(key) => {
                    after_key(table.key)
                        .iter()
                        .fold(query(table.next), |statement, column| {
                            match (table.kinds.get(*column), key.get(*column)) {
                                (Some(kind), Some(cell)) => rows::bind(statement, *kind, cell),
                                _ => statement,
                            }
                        })
                }
            };
            let found = statement.patiently().fetch_rows(&mut self.tx).await?;
            let Some(last) = found.last() else {
                self.after = None;
                self.table += 1;
                continue;
            };
            self.after = Some(rows::read(table, last)?);
            let read = found.iter().map(|row| rows::read(table, row));
            let mut read = read.collect::<Result<Vec<_>, _>>()?;
            if table.name == "settings" {
                read.retain(|row| row.first() != Some(&Cell::Text(HALF_FILLED.to_owned())));
            }
            let page = Page {
                table: table.name,
                rows: read.iter().map(|row| rows::encode(row)).collect(),
            };
            self.sums.add(&page);
            return Ok(Some(page));
        }
        Ok(None)
    }

    /// What was read.
    #[must_use]
    pub fn totals(&self) -> Vec<Total> {
        self.sums.totals()
    }
}

impl Default for Sums {
    fn default() -> Self {
        Self(TABLES.iter().map(|_| (0, Sha256::new())).collect())
    }
}

impl std::fmt::Debug for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.totals()).finish()
    }
}

impl Sums {
    /// Adds some rows.
    pub fn add(&mut self, page: &Page) {
        let tables = TABLES.iter().zip(&mut self.0);
        for (_, (count, hash)) in tables.filter(|(table, _)| table.name == page.table) {
            for row in &page.rows {
                *count += 1;
                hash.update(row);
            }
        }
    }

    /// What was added so far.
    #[must_use]
    pub fn totals(&self) -> Vec<Total> {
        let tables = TABLES.iter().zip(&self.0);
        tables
            .map(|(table, (rows, hash))| Total {
                table: table.name.to_owned(),
                rows: *rows,
                sha256: hex::encode(&hash.clone().finish()),
            })
            .collect()
    }
}
