//! Carrying a whole database to another one, or to a file and back, on whichever engine.
//!
//! [`Everything`] reads every row as of one instant, table by table in the order of the keys, a page
//! at a time. [`Filling`] writes pages into an empty database, and then reads everything back and
//! compares. Both keep count of the rows and a SHA-256 over them.
//!
//! A database that is being filled says so in its settings; nothing else is done with it until that
//! is over ([`Store::is_half_filled`]). An interrupted filling is begun again from nothing: what it
//! came from may have changed.

mod rows;
mod tables;

use openssl::sha::Sha256;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::engine::{Tx, query};
use super::error::StoreError;
use super::{Store, hex};
use rows::Cell;
use tables::{TABLES, Table, after_key};

/// The setting of a database that is being filled.
const HALF_FILLED: &str = "half-filled";

const IS_HALF_FILLED: &str = "SELECT COUNT(*) FROM settings WHERE name = ?";
const MARK: &str = "INSERT INTO settings (name, value) VALUES (?, ?)";
const UNMARK: &str = "DELETE FROM settings WHERE name = ?";
const REMOVE_OTHER_SETTINGS: &str = "DELETE FROM settings WHERE name <> ?";

/// Why a database was not filled.
#[derive(Debug, Error)]
pub enum TransferError {
    /// It has rows already. Operator: name an empty database.
    #[error("the database to be filled is not empty: {table} has rows")]
    NotEmpty {
        /// A table with rows.
        table: &'static str,
    },
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

/// A database that is being filled.
pub struct Filling<'s> {
    store: &'s Store,
    with_the_moment: bool,
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
    /// Whether the database is one that is being filled, or whose filling was interrupted.
    pub async fn is_half_filled(&self) -> Result<bool, StoreError> {
        let marked = query(IS_HALF_FILLED).bind(HALF_FILLED);
        Ok(marked.fetch_one::<i64>(self.pool()).await? > 0)
    }

    /// Begins to read everything as it is now.
    pub async fn everything(&self) -> Result<Everything, StoreError> {
        Ok(Everything {
            tx: self.pool().snapshot().await?,
            table: 0,
            after: None,
            sums: Sums::default(),
        })
    }

    /// Begins to fill this database, which has to be empty, or half filled and then is begun anew.
    /// `with_the_moment`: whether sessions and what is under way are filled in as well.
    pub async fn fill(&self, with_the_moment: bool) -> Result<Filling<'_>, TransferError> {
        if !self.is_half_filled().await? {
            self.refuse_rows().await?;
            let mark = query(MARK).bind(HALF_FILLED).bind(b"1".as_slice());
            mark.execute(self.pool()).await?;
        }
        for table in TABLES.iter().rev() {
            self.clear(table).await?;
        }
        Ok(Filling {
            store: self,
            with_the_moment,
            sums: Sums::default(),
        })
    }

    /// What the migrations themselves put into a fresh database is one row of each of these.
    async fn refuse_rows(&self) -> Result<(), TransferError> {
        for table in TABLES {
            let rows: i64 = query(table.count)
                .patiently()
                .fetch_one(self.pool())
                .await?;
            let seeded = ["roles", "signing_key_version", "audit_heads_named"];
            if rows > i64::from(seeded.contains(&table.name)) {
                return Err(TransferError::NotEmpty { table: table.name });
            }
        }
        Ok(())
    }

    async fn clear(&self, table: &Table) -> Result<(), StoreError> {
        if table.name == "settings" {
            let others = query(REMOVE_OTHER_SETTINGS).bind(HALF_FILLED);
            others.execute(self.pool()).await?;
            return Ok(());
        }
        loop {
            let page = query(table.first).fetch_rows(self.pool()).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            let row = rows::read(table, last)?;
            let (Some(kind), Some(first)) = (table.kinds.first(), row.first()) else {
                return Ok(());
            };
            let remove = rows::bind(query(table.remove), *kind, first);
            remove.execute(self.pool()).await?;
        }
    }
}

impl Everything {
    /// How many rows there are.
    pub async fn count(&mut self) -> Result<u64, StoreError> {
        let mut all = 0;
        for table in TABLES {
            let rows: i64 = query(table.count)
                .patiently()
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
            let found = statement.fetch_rows(&mut self.tx).await?;
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

impl Filling<'_> {
    /// Writes some rows.
    pub async fn write(&mut self, page: &Page) -> Result<(), TransferError> {
        let no_such_row = || TransferError::NoSuchRow(page.table.to_owned());
        let table = TABLES.iter().find(|table| table.name == page.table);
        let table = table.ok_or_else(no_such_row)?;
        if table.of_the_moment && !self.with_the_moment {
            return Ok(());
        }
        let decoded = page.rows.iter().map(|row| rows::decode(table, row));
        let decoded = decoded
            .collect::<Option<Vec<_>>>()
            .ok_or_else(no_such_row)?;
        let mut tx = self.store.write_unaudited().await?;
        for (text, run) in table.insert.runs(&decoded) {
            let insert = run.iter().fold(query(text), |insert, row| {
                let cells = table.kinds.iter().zip(row);
                cells.fold(insert, |insert, (kind, cell)| {
                    rows::bind(insert, *kind, cell)
                })
            });
            insert.execute(&mut tx).await?;
        }
        tx.commit().await?;
        self.sums.add(page);
        Ok(())
    }

    /// Reads everything back, compares it with what was written, and makes the database one like any
    /// other. `on_page` hears how many rows were read.
    pub async fn finish(self, mut on_page: impl FnMut(u64)) -> Result<Vec<Total>, TransferError> {
        let mut written = self.store.everything().await?;
        while let Some(page) = written.next().await? {
            on_page(page.rows.len() as u64);
        }
        let (expected, found) = (self.sums.totals(), written.totals());
        drop(written);
        for ((table, expected), found) in TABLES.iter().zip(&expected).zip(&found) {
            if expected != found {
                return Err(TransferError::Differs {
                    table: table.name,
                    expected: expected.rows,
                    found: found.rows,
                });
            }
        }
        self.store.pool().follow_filled_rows().await?;
        query(UNMARK)
            .bind(HALF_FILLED)
            .execute(self.store.pool())
            .await?;
        Ok(found)
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
