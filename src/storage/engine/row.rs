//! What a statement gives: rows of the engine's own, read by position.
//!
//! A cell is read as what the statement's reader expects, whatever integer or text type the engine
//! gives it: a literal 0 is an INT4 on PostgreSQL, a column that compares byte for byte is VARBINARY
//! on `MySQL`.

use rusqlite::types::{FromSql, ValueRef};
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::super::error::StoreError;

/// A row of whichever engine.
pub(in crate::storage) enum Row {
    /// Through sqlx.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
    /// From `MySQL` or MariaDB.
    MySql(MySqlRow),
    /// Read in the thread.
    InThread(Vec<rusqlite::types::Value>),
}

impl Row {
    /// The cell at this place, counted from 0.
    pub(in crate::storage) fn get<T: Cell>(&self, place: usize) -> Result<T, StoreError> {
        T::read(self, place)
    }
}

/// What can be read from a cell: a number, a text, bytes, or nothing.
pub(in crate::storage) trait Cell: Sized {
    /// Reads the cell at this place.
    fn read(row: &Row, place: usize) -> Result<Self, StoreError>;
}

macro_rules! cell {
    ($($type:ty),+) => {$(
        impl Cell for $type {
            fn read(row: &Row, place: usize) -> Result<Self, StoreError> {
                match row {
                    Row::Sqlite(row) => Ok(row.try_get_unchecked(place)?),
                    Row::Postgres(row) => Ok(row.try_get_unchecked(place)?),
                    Row::MySql(row) => Ok(row.try_get_unchecked(place)?),
                    Row::InThread(cells) => in_thread(cells, place),
                }
            }
        }
    )+};
}
cell!(
    i64,
    String,
    Vec<u8>,
    Option<i64>,
    Option<String>,
    Option<Vec<u8>>
);

fn in_thread<T: FromSql>(cells: &[rusqlite::types::Value], place: usize) -> Result<T, StoreError> {
    let cell = cells
        .get(place)
        .ok_or(rusqlite::Error::InvalidColumnIndex(place))?;
    let read = T::column_result(ValueRef::from(cell)).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(place, cell.data_type(), Box::new(cause))
    });
    Ok(read?)
}

/// The cells of a row, one after the other.
pub(in crate::storage) struct Cells<'r> {
    row: &'r Row,
    place: usize,
}

impl<'r> Cells<'r> {
    /// From the first one on.
    pub(in crate::storage) fn of(row: &'r Row) -> Self {
        Self { row, place: 0 }
    }

    /// The next one.
    pub(in crate::storage) fn next<T: Cell>(&mut self) -> Result<T, StoreError> {
        let cell = self.row.get(self.place)?;
        self.place += 1;
        Ok(cell)
    }
}

/// What a row is read into.
pub(in crate::storage) trait FromRow: Sized {
    /// Reads it.
    fn from_row(row: &Row) -> Result<Self, StoreError>;
}

macro_rules! single {
    ($($type:ty),+) => {$(
        impl FromRow for $type {
            fn from_row(row: &Row) -> Result<Self, StoreError> {
                row.get(0)
            }
        }
    )+};
}
single!(i64, String, Vec<u8>, Option<String>);

macro_rules! tuple {
    ($($cell:ident)+) => {
        impl<$($cell: Cell),+> FromRow for ($($cell,)+) {
            fn from_row(row: &Row) -> Result<Self, StoreError> {
                let mut cells = Cells::of(row);
                Ok(($(cells.next::<$cell>()?,)+))
            }
        }
    };
}
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);

/// A struct whose fields are a statement's columns, in their order.
macro_rules! columns {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        $(#[$meta])*
        $vis struct $name {
            $($field: $type),+
        }

        impl $crate::storage::engine::FromRow for $name {
            fn from_row(
                row: &$crate::storage::engine::Row,
            ) -> Result<Self, $crate::storage::StoreError> {
                let mut cells = $crate::storage::engine::Cells::of(row);
                Ok(Self {
                    $($field: cells.next()?),+
                })
            }
        }
    };
}
pub(in crate::storage) use columns;

/// A row that is read where it stands: on SQLite's hot path nothing is copied that is not kept.
pub(in crate::storage) trait Columns {
    /// A number.
    fn int(&self, place: usize) -> Result<i64, StoreError>;
    /// A number, or nothing.
    fn optional_int(&self, place: usize) -> Result<Option<i64>, StoreError>;
    /// A text; `None` if it is none.
    fn text(&self, place: usize) -> Option<&str>;
    /// A text to keep.
    fn string(&self, place: usize) -> Result<String, StoreError>;
    /// A text to keep, or nothing.
    fn optional_string(&self, place: usize) -> Result<Option<String>, StoreError>;
}

impl Columns for rusqlite::Row<'_> {
    fn int(&self, place: usize) -> Result<i64, StoreError> {
        Ok(self.get(place)?)
    }

    fn optional_int(&self, place: usize) -> Result<Option<i64>, StoreError> {
        Ok(self.get(place)?)
    }

    fn text(&self, place: usize) -> Option<&str> {
        self.get_ref(place).ok()?.as_str().ok()
    }

    fn string(&self, place: usize) -> Result<String, StoreError> {
        Ok(self.get(place)?)
    }

    fn optional_string(&self, place: usize) -> Result<Option<String>, StoreError> {
        Ok(self.get(place)?)
    }
}

impl Columns for Row {
    fn int(&self, place: usize) -> Result<i64, StoreError> {
        self.get(place)
    }

    fn optional_int(&self, place: usize) -> Result<Option<i64>, StoreError> {
        self.get(place)
    }

    fn text(&self, place: usize) -> Option<&str> {
        match self {
            Self::Sqlite(row) => row.try_get_unchecked(place).ok().flatten(),
            Self::Postgres(row) => row.try_get_unchecked(place).ok().flatten(),
            Self::MySql(row) => row.try_get_unchecked(place).ok().flatten(),
            Self::InThread(cells) => match cells.get(place)? {
                rusqlite::types::Value::Text(text) => Some(text),
                _ => None,
            },
        }
    }

    fn string(&self, place: usize) -> Result<String, StoreError> {
        self.get(place)
    }

    fn optional_string(&self, place: usize) -> Result<Option<String>, StoreError> {
        self.get(place)
    }
}
