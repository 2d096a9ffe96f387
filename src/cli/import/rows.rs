//! The rows of a CSV file of users, read one after the other: what is in memory does not grow with
//! the file.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::super::error::{CliError, refused};
use super::super::user::{display_name, email};
use crate::authn::foreign;
use crate::directory::name::{RoleName, UserName};

/// A row is not longer than this. A quote that was left open would else make a row of all the rest.
const LONGEST_ROW: usize = 64 * 1024;

/// What is read from the file at once.
const AT_ONCE: usize = 64 * 1024;

const COLUMNS: [&str; 5] = ["name", "email", "display_name", "roles", "password_hash"];

/// A person, as the file describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Where in the file.
    pub(super) line: u64,
    pub(super) name: UserName,
    pub(super) email: Option<String>,
    pub(super) display_name: String,
    pub(super) roles: BTreeSet<RoleName>,
    pub(super) password_hash: Option<String>,
}

/// A row that is not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadRow {
    pub(super) line: u64,
    pub(super) problem: String,
}

/// The file, being read.
pub(super) struct Rows<R = File> {
    reader: Reader<Bounded<R>>,
    left: Rc<Cell<usize>>,
    columns: Columns,
    record: ByteRecord,
    size: u64,
}

/// Which field of a row is which.
struct Columns {
    /// In the order of [`COLUMNS`]; the last one may be absent.
    places: [Option<usize>; COLUMNS.len()],
    count: usize,
}

/// A file of which no more is read for one row than a row may have.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.get().checked_sub(read) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::other("a row is too long")),
        }
        Ok(read)
    }
}

impl Rows {
    /// Opens the file and reads its first line, which names the columns.
    pub(super) fn open(path: &Path) -> Result<Self, CliError> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let size = file.metadata().map_err(|error| unreadable(path, &error))?;
        Self::new(file, size.len(), path)
    }
}

impl<R: Read> Rows<R> {
    /// Reads the first line, which names the columns; `path` is what is read, in messages.
    pub(super) fn new(inner: R, size: u64, path: &Path) -> Result<Self, CliError> {
        let left = Rc::new(Cell::new(LONGEST_ROW + AT_ONCE));
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            // A CR before it is a blank at the end of the last field, and every field is trimmed.
            // The reader would take it for the end of a row, and count its line one too low.
            .terminator(Terminator::Any(b'\n'))
            .buffer_capacity(AT_ONCE)
            .from_reader(Bounded {
                inner,
                left: Rc::clone(&left),
            });
        let head = reader.byte_headers();
        let head = head.map_err(|error| unreadable(path, &error))?;
        let columns = Columns::read(head)?;
        Ok(Self {
            reader,
            left,
            columns,
            record: ByteRecord::new(),
            size,
        })
    }

    /// The next row, or why it is none. An error ends the reading: where the next row begins is not
    /// known.
    pub(super) fn next(&mut self) -> Result<Option<Result<Row, BadRow>>, CliError> {
        loop {
            self.left.set(LONGEST_ROW + AT_ONCE);
            let begins = self.reader.position().line();
            match self.reader.read_byte_record(&mut self.record) {
                Ok(false) => return Ok(None),
                Ok(true) if is_blank(&self.record) => {}
                Ok(true) => {
                    // A row of several lines is found by the one where it begins.
                    let line = self.record.position().map_or(begins, csv::Position::line);
                    let row = self.columns.row(line, &self.record);
                    return Ok(Some(row.map_err(|problem| BadRow { line, problem })));
                }
                Err(error) => return Err(cut_off(begins, &error)),
            }
        }
    }

    /// How many bytes of how many have been read.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.reader.position().byte(), self.size)
    }
}

impl Columns {
    fn read(head: &ByteRecord) -> Result<Self, CliError> {
        let fix = "the first line has to be \
                   name,email,display_name,roles or name,email,display_name,roles,password_hash";
        let mut places = [None; COLUMNS.len()];
        for (place, name) in head.iter().enumerate() {
            let name = String::from_utf8_lossy(name).trim().to_owned();
            let mut known = COLUMNS.iter().zip(&mut places);
            let Some((_, found)) = known.find(|(column, _)| **column == name) else {
                return Err(refused(format!("there is no column {name:?}"), fix));
            };
            if found.replace(place).is_some() {
                return Err(refused(
                    format!("the column {name:?} stands there twice"),
                    fix,
                ));
            }
        }
        let required = COLUMNS.iter().zip(&places).take(4);
        for (column, place) in required {
            if place.is_none() {
                return Err(refused(format!("the column {column:?} is missing"), fix));
            }
        }
        Ok(Self {
            places,
            count: head.len(),
        })
    }

    fn row(&self, line: u64, record: &ByteRecord) -> Result<Row, String> {
        if record.len() != self.count {
            let (found, expected) = (record.len(), self.count);
            return Err(format!("has {found} fields, not {expected}"));
        }
        let mut fields = [""; COLUMNS.len()];
        for (field, place) in fields.iter_mut().zip(self.places) {
            let bytes = place
                .and_then(|place| record.get(place))
                .unwrap_or_default();
            *field = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
        }
        let [name, mail, display, roles, hash] = fields;
        let name = UserName::parse(name).map_err(|why| format!("name {why}"))?;
        let mail = email(mail).map_err(|why| format!("email {why}"))?;
        let display_name = match display.trim() {
            "" => name.as_str().to_owned(),
            text => display_name(text).map_err(|why| format!("display_name {why}"))?,
        };
        let hash = hash.trim();
        let password_hash = (!hash.is_empty()).then(|| foreign::take_over(hash));
        Ok(Row {
            line,
            name,
            email: Some(mail).filter(|mail| !mail.is_empty()),
            display_name,
            roles: roles_of(roles)?,
            password_hash: password_hash.transpose().map_err(|why| why.to_string())?,
        })
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    refused(
        format!("cannot read {}: {error}", path.display()),
        "name a CSV file in UTF-8 that this user may read",
    )
}

/// The people whom a table describes, as they would be taken over: name, e-mail address, display name
/// and roles. What cannot be read ends it.
#[must_use]
pub fn people_of(table: &[u8]) -> Vec<(String, Option<String>, String, Vec<String>)> {
    let mut people = Vec::new();
    let rows = Rows::new(table, table.len() as u64, Path::new("-"));
    let Ok(mut rows) = rows else { return people };
    while let Ok(Some(row)) = rows.next() {
        people.extend(row.ok().map(|row| {
            let roles = row.roles.iter().map(ToString::to_string).collect();
            (row.name.to_string(), row.email, row.display_name, roles)
        }));
    }
    people
}

fn cut_off(line: u64, error: &csv::Error) -> CliError {
    refused(
        format!("line {line}: {error}, and nothing after it was read"),
        format!(
            "a row has at most {LONGEST_ROW} bytes: look for a quote that was left open, and run \
             it again"
        ),
    )
}

/// Whether there is nothing on the line but its end.
fn is_blank(record: &ByteRecord) -> bool {
    record.len() == 1 && record.iter().all(|field| field.trim_ascii().is_empty())
}

/// The roles, with `;` between them. Everybody holds `everyone`, so it is not granted.
fn roles_of(text: &str) -> Result<BTreeSet<RoleName>, String> {
    text.split(';')
        .map(str::trim)
        .filter(|role| !role.is_empty() && *role != RoleName::EVERYONE)
        .map(|role| RoleName::parse(role).map_err(|why| format!("role {role:?} {why}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Result<Row, BadRow>>, CliError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text).unwrap();
        let mut rows = Rows::open(file.path())?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            read.push(row);
        }
        Ok(read)
    }

    fn problems(text: &str) -> Vec<(u64, String)> {
        let rows = read(text.as_bytes()).unwrap();
        let bad = rows.into_iter().filter_map(Result::err);
        bad.map(|bad| (bad.line, bad.problem)).collect()
    }

    #[test]
    fn columns_are_found_by_their_names_in_any_order() {
        let text = "\u{feff}roles,name,display_name,email\r\n\
                    \" b ;a;;everyone;a\",Ada,\"Ada, \"\"the\"\" First\",ada@example.org\r\n\
                    ,grace,,\r\n\
                    \r\n";
        let rows: Vec<_> = read(text.as_bytes()).unwrap();
        assert_eq!(rows.len(), 2);
        let ada = rows[0].as_ref().unwrap();
        assert_eq!(ada.line, 2);
        assert_eq!(ada.display_name, "Ada, \"the\" First");
        let roles: Vec<_> = ada.roles.iter().map(RoleName::as_str).collect();
        assert_eq!(roles, ["a", "b"]);
        let grace = rows[1].as_ref().unwrap();
        assert_eq!((grace.line, grace.display_name.as_str()), (3, "grace"));
        assert_eq!((&grace.email, &grace.password_hash), (&None, &None));
    }

    #[test]
    fn a_first_line_that_names_other_columns_is_refused() {
        for (head, said) in [
            ("", "\"name\" is missing"),
            ("name,email,display_name", "\"roles\" is missing"),
            ("name,email,display_name,roles,shoe", "no column \"shoe\""),
            (
                "name,name,email,display_name,roles",
                "\"name\" stands there twice",
            ),
            ("name;email;display_name;roles", "no column"),
        ] {
            let Err(error) = read(head.as_bytes()) else {
                panic!("{head:?} was read");
            };
            assert!(error.to_string().contains(said), "{head:?}: {error}");
        }
    }

    #[test]
    fn bad_rows_are_found_by_their_lines_and_the_others_are_read() {
        let text = "name,email,display_name,roles,password_hash\n\
                    ,a@x.org,A,r,\n\
                    ada,a@x.org,A,r\n\
                    ada,nobody,A,r,\n\
                    \"multi\nline\",a@x.org,A,r,\n\
                    ada,a@x.org,A,r,correct horse\n\
                    ada,a@x.org,A,r,\n";
        let found = problems(text);
        let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 7], "{found:?}");
        assert!(found[0].1.contains("name is empty"), "{found:?}");
        assert!(found[1].1.contains("has 4 fields, not 5"), "{found:?}");
        assert!(found[4].1.contains("no scheme"), "{found:?}");
        assert!(!found[4].1.contains("horse"), "{found:?}");
        assert_eq!(read(text.as_bytes()).unwrap().len(), 6);
    }

    #[test]
    fn a_row_in_another_encoding_is_refused_alone() {
        let text = b"name,email,display_name,roles\nada,,\xc5sa,r\ngrace,,Grace,r\n";
        let rows = read(text).unwrap();
        assert_eq!(rows[0].as_ref().unwrap_err().problem, "is not UTF-8");
        assert!(rows[1].is_ok());
    }

    #[test]
    fn a_quote_that_was_left_open_does_not_swallow_the_file() {
        let mut text = "name,email,display_name,roles\nada,,\"Ada,r\n".to_owned();
        for number in 0..20_000 {
            text.push_str("user");
            text.push_str(&number.to_string());
            text.push_str(",,,r\n");
        }
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 2: "), "{error}");
        assert!(error.contains("quote that was left open"), "{error}");
    }
}
