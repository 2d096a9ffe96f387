//! Writing rows into an empty database, and looking whether they have arrived.

use std::ops::Range;

use super::super::Store;
use super::super::engine::query;
use super::epoch;
use super::mark::{HALF_FILLED, Mark};
use super::rows;
use super::tables::{TABLES, Table};
use super::{Page, Sums, Total, TransferError};
use crate::directory::time::UnixTime;

const REMOVE_OTHER_SETTINGS: &str = "DELETE FROM settings WHERE name <> ?";

/// Bytes of rows that one statement has room for: servers take 4 MiB at least, of everything.
const LARGEST: usize = 1 << 20;

/// A database that is being filled.
pub struct Filling<'s> {
    store: &'s Store,
    mark: Mark,
    with_the_moment: bool,
    sums: Sums,
}

impl Store {
    /// Begins to fill this database, which has to be empty, or half filled and then is begun anew.
    /// `with_the_moment`: whether sessions and what is under way are filled in as well.
    ///
    /// # Errors
    /// [`TransferError::BeingFilled`]: somebody else is at it, which takes some seconds to see.
    pub async fn fill(&self, with_the_moment: bool) -> Result<Filling<'_>, TransferError> {
        let mut filling = Filling {
            mark: Mark::take(self).await?,
            store: self,
            with_the_moment,
            sums: Sums::default(),
        };
        for table in TABLES.iter().rev() {
            filling.clear(table).await?;
        }
        Ok(filling)
    }
}

impl Filling<'_> {
    async fn clear(&mut self, table: &Table) -> Result<(), TransferError> {
        loop {
            let mut tx = self.store.write_unaudited().await?;
            let step = self.mark.step(&mut tx).await?;
            let is_done = if table.name == "settings" {
                let others = query(REMOVE_OTHER_SETTINGS).bind(HALF_FILLED);
                others.execute(&mut tx).await?;
                true
            } else {
                let page = query(table.first).fetch_rows(&mut tx).await?;
                if let Some(last) = page.last() {
                    let row = rows::read(table, last)?;
                    if let (Some(kind), Some(first)) = (table.kinds.first(), row.first()) {
                        let remove = rows::bind(query(table.remove), *kind, first);
                        remove.execute(&mut tx).await?;
                    }
                }
                page.is_empty()
            };
            tx.commit().await?;
            self.mark.stepped(step);
            if is_done {
                return Ok(());
            }
        }
    }

    /// Writes some rows.
    pub async fn write(&mut self, page: &Page) -> Result<(), TransferError> {
        let no_such_row = || TransferError::NoSuchRow(page.table.to_owned());
        let table = TABLES.iter().find(|table| table.name == page.table);
        let table = table.ok_or_else(no_such_row)?;
        if table.of_the_moment && !self.with_the_moment {
            return self.mark.beat(self.store).await;
        }
        let decoded = page.rows.iter().map(|row| rows::decode(table, row));
        let decoded = decoded
            .collect::<Option<Vec<_>>>()
            .ok_or_else(no_such_row)?;
        let mut tx = self.store.write_unaudited().await?;
        let step = self.mark.step(&mut tx).await?;
        for part in parts(&page.rows) {
            let part = decoded.get(part).unwrap_or_default();
            for (text, run) in table.insert.runs(part) {
                let insert = run.iter().fold(query(text), |insert, row| {
                    let cells = table.kinds.iter().zip(row);
                    cells.fold(insert, |insert, (kind, cell)| {
                        rows::bind(insert, *kind, cell)
                    })
                });
                insert.patiently().execute(&mut tx).await?;
            }
        }
        tx.commit().await?;
        self.mark.stepped(step);
        self.sums.add(page);
        Ok(())
    }

    /// Reads everything back, compares it with what was written, and makes the database one like any
    /// other, of an epoch of its own ([`super::epoch_of`]). `on_page` hears how many rows were read.
    pub async fn finish(
        mut self,
        now: UnixTime,
        mut on_page: impl FnMut(u64),
    ) -> Result<Vec<Total>, TransferError> {
        let mut written = self.store.everything().await?;
        while let Some(page) = written.next().await? {
            on_page(page.rows.len() as u64);
            self.mark.beat(self.store).await?;
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
        let mut tx = self.store.write_unaudited().await?;
        self.mark.remove(&mut tx).await?;
        epoch::begin(&mut tx, now).await?;
        tx.commit().await?;
        Ok(found)
    }
}

/// Which rows go together: as few parts as there may be, none of them too large unless it is a
/// single row that is.
fn parts(rows: &[Vec<u8>]) -> Vec<Range<usize>> {
    let (mut parts, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (place, row) in rows.iter().enumerate() {
        if place > begin && bytes + row.len() > LARGEST {
            parts.push(begin..place);
            (begin, bytes) = (place, 0);
        }
        bytes += row.len();
    }
    parts.push(begin..rows.len());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_together_until_they_are_too_large() {
        let row = |bytes| vec![0; bytes];
        let ends = |rows: &[Vec<u8>]| -> Vec<usize> {
            parts(rows).into_iter().map(|part| part.end).collect()
        };
        assert_eq!(ends(&[]), [0]);
        assert_eq!(ends(&[row(10), row(20), row(0)]), [3]);
        let half = || row(LARGEST / 2);
        assert_eq!(ends(&[half(), half(), row(1), half()]), [2, 4]);
        assert_eq!(ends(&[row(3 * LARGEST), row(1)]), [1, 2]);
    }
}
