//! A row as bytes that are the same whichever engine it came from: what is compared, hashed, and
//! written to a file.

use super::super::engine::{Query, Row};
use super::super::error::StoreError;
use super::tables::{Kind, Table};

const NULL: u8 = 0;
const INT: u8 = 1;
const TEXT: u8 = 2;
const BLOB: u8 = 3;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// Reads a row that the database gave.
pub(super) fn read(table: &Table, row: &Row) -> Result<Vec<Cell>, StoreError> {
    let cells = table.kinds.iter().enumerate();
    cells
        .map(|(place, kind)| {
            Ok(match kind {
                Kind::Int => row.get::<Option<i64>>(place)?.map_or(Cell::Null, Cell::Int),
                Kind::Text => {
                    let text: Option<String> = row.get(place)?;
                    text.map_or(Cell::Null, Cell::Text)
                }
                Kind::Blob => {
                    let bytes: Option<Vec<u8>> = row.get(place)?;
                    bytes.map_or(Cell::Null, Cell::Blob)
                }
            })
        })
        .collect()
}

/// The bytes of a row: for each value what it is, how long it is, and itself.
pub(super) fn encode(row: &[Cell]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |tag: u8, value: &[u8]| {
        bytes.push(tag);
        bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
        bytes.extend_from_slice(value);
    };
    for cell in row {
        match cell {
            Cell::Null => put(NULL, &[]),
            Cell::Int(number) => put(INT, &number.to_be_bytes()),
            Cell::Text(text) => put(TEXT, text.as_bytes()),
            Cell::Blob(value) => put(BLOB, value),
        }
    }
    bytes
}

/// The row of some bytes; `None` if they are not a row of this table.
pub(super) fn decode(table: &Table, mut bytes: &[u8]) -> Option<Vec<Cell>> {
    let mut row = Vec::with_capacity(table.kinds.len());
    for kind in table.kinds {
        let (tag, rest) = bytes.split_first()?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        row.push(match (*tag, kind) {
            // No column of ours holds bytes or nothing.
            (NULL, Kind::Int | Kind::Text) if value.is_empty() => Cell::Null,
            (INT, Kind::Int) => Cell::Int(i64::from_be_bytes(value.try_into().ok()?)),
            (TEXT, Kind::Text) => Cell::Text(String::from_utf8(value.to_vec()).ok()?),
            (BLOB, Kind::Blob) => Cell::Blob(value.to_vec()),
            _ => return None,
        });
        bytes = rest;
    }
    bytes.is_empty().then_some(row)
}

/// Binds a value of a column of this kind.
pub(super) fn bind<'q>(query: Query<'q>, kind: Kind, cell: &'q Cell) -> Query<'q> {
    match (kind, cell) {
        (Kind::Int, Cell::Int(number)) => query.bind(*number),
        (Kind::Int, _) => query.bind(None::<i64>),
        (Kind::Text, Cell::Text(text)) => query.bind(text),
        (Kind::Text, _) => query.bind(None::<&str>),
        (Kind::Blob, Cell::Blob(bytes)) => query.bind(bytes.as_slice()),
        (Kind::Blob, _) => query.bind(b"".as_slice()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::TABLES;
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_and_nothing_else_is_a_row() {
        let settings = TABLES
            .iter()
            .find(|table| table.name == "settings")
            .unwrap();
        let row = vec![Cell::Text("é".to_owned()), Cell::Blob(vec![0, 255])];
        let bytes = encode(&row);
        assert_eq!(decode(settings, &bytes), Some(row));
        for cut in 0..bytes.len() {
            assert_eq!(decode(settings, &bytes[..cut]), None, "cut at {cut}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(decode(settings, &longer), None);
        let other = encode(&[Cell::Int(1), Cell::Blob(vec![])]);
        assert_eq!(decode(settings, &other), None);
        let nothing = encode(&[Cell::Text("a".to_owned()), Cell::Null]);
        assert_eq!(decode(settings, &nothing), None);
    }

    #[test]
    fn no_two_rows_have_the_same_bytes() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let rows = [
            vec![text("ab"), text("c")],
            vec![text("a"), text("bc")],
            vec![text(""), Cell::Null],
            vec![Cell::Null, text("")],
            vec![Cell::Int(0), text("")],
        ];
        for (place, one) in rows.iter().enumerate() {
            for other in &rows[place + 1..] {
                assert_ne!(encode(one), encode(other));
            }
        }
    }
}
