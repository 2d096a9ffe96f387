//! What is inside the sealed file: a manifest, the rows of each table, and what they come to.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::keystore::CarriedKey;
use crate::storage::{Page, Sums, Total, table_named};

const MANIFEST: u8 = b'M';
const TABLE: u8 = b'T';
const ROW: u8 = b'R';
const END: u8 = b'E';

/// Longer than any row that is ever written.
const LONGEST: u64 = 256 << 20;

/// Rows that are handed on at a time.
const ROWS_AT_ONCE: usize = 500;

/// Bytes of rows after which they are handed on, however few they are.
const BYTES_AT_ONCE: usize = 4 << 20;

/// What stands first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The version of Doorward that made it.
    pub(super) program: String,
    /// The number of its last migration.
    pub(super) schema: i64,
    /// When it was made.
    pub(super) taken_at: String,
    /// The tables, each with its columns.
    pub(super) tables: Vec<(String, String)>,
    /// How many rows there are.
    pub(super) rows: u64,
    /// The master keys, under a passphrase only.
    pub(super) master_keys: Vec<CarriedKey>,
}

/// Writes it.
pub(super) struct Rows<W: Write> {
    to: W,
    table: Option<&'static str>,
}

impl<W: Write> Rows<W> {
    pub(super) fn new(mut to: W, manifest: &Manifest) -> io::Result<Self> {
        frame(&mut to, MANIFEST, &serde_json::to_vec(manifest)?)?;
        Ok(Self { to, table: None })
    }

    pub(super) fn write(&mut self, page: &Page) -> io::Result<()> {
        if self.table != Some(page.table) {
            self.table = Some(page.table);
            frame(&mut self.to, TABLE, page.table.as_bytes())?;
        }
        page.rows
            .iter()
            .try_for_each(|row| frame(&mut self.to, ROW, row))
    }

    pub(super) fn end(mut self, totals: &[Total]) -> io::Result<W> {
        frame(&mut self.to, END, &serde_json::to_vec(totals)?)?;
        Ok(self.to)
    }
}

fn frame(to: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&[kind])?;
    to.write_all(&(bytes.len() as u64).to_be_bytes())?;
    to.write_all(bytes)
}

/// Reads it.
pub(super) struct Reader<R: Read> {
    from: R,
    table: Option<&'static str>,
    sums: Sums,
    next: Option<(u8, Vec<u8>)>,
}

impl<R: Read> Reader<R> {
    /// Reads the manifest.
    pub(super) fn new(mut from: R) -> io::Result<(Self, Manifest)> {
        let (kind, bytes) = read_frame(&mut from)?;
        if kind != MANIFEST {
            return Err(wrong("it does not begin with a manifest"));
        }
        let manifest = serde_json::from_slice(&bytes)?;
        let reader = Self {
            from,
            table: None,
            sums: Sums::default(),
            next: None,
        };
        Ok((reader, manifest))
    }

    /// Some rows of one table; `None` at the end, once what was read is what was written.
    pub(super) fn next(&mut self) -> io::Result<Option<Page>> {
        let (mut rows, mut size) = (Vec::new(), 0);
        loop {
            let (kind, bytes) = match self.next.take() {
                Some(frame) => frame,
                None => read_frame(&mut self.from)?,
            };
            let is_row = kind == ROW;
            let is_full = rows.len() == ROWS_AT_ONCE || size >= BYTES_AT_ONCE;
            if !rows.is_empty() && (!is_row || is_full) {
                self.next = Some((kind, bytes));
                return self.page(rows).map(Some);
            }
            match kind {
                ROW => {
                    size += bytes.len();
                    rows.push(bytes);
                }
                TABLE => {
                    let name = String::from_utf8_lossy(&bytes);
                    let known = table_named(&name);
                    self.table = Some(known.ok_or_else(|| wrong("it names an unknown table"))?);
                }
                END => return self.end(&bytes).map(|()| None),
                _ => return Err(wrong("it holds something unknown")),
            }
        }
    }

    fn page(&mut self, rows: Vec<Vec<u8>>) -> io::Result<Page> {
        let table = self.table.ok_or_else(|| wrong("it has rows of no table"))?;
        let page = Page { table, rows };
        self.sums.add(&page);
        Ok(page)
    }

    fn end(&mut self, bytes: &[u8]) -> io::Result<()> {
        let totals: Vec<Total> = serde_json::from_slice(bytes)?;
        let mut rest = [0];
        if self.from.read(&mut rest)? > 0 {
            return Err(wrong("it goes on after its end"));
        }
        if totals != self.sums.totals() {
            return Err(wrong("its rows are not those that were written"));
        }
        Ok(())
    }
}

fn read_frame(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let (mut kind, mut length) = ([0], [0; 8]);
    from.read_exact(&mut kind)?;
    from.read_exact(&mut length)?;
    let length = u64::from_be_bytes(length);
    if length > LONGEST {
        return Err(wrong("it holds something too long"));
    }
    let mut bytes = Vec::new();
    let read = from.take(length).read_to_end(&mut bytes)?;
    if read as u64 != length {
        return Err(wrong("it ends too early"));
    }
    let [kind] = kind;
    Ok((kind, bytes))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
