//! Watches the product's database from outside: whether anybody has written to it.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// A second reader of the product's database.
pub(crate) struct Watch {
    connection: Connection,
    version: i64,
    content: String,
}

impl Watch {
    /// Begins to watch: what is there now is as it should be.
    pub(crate) fn over(path: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(path, flags).expect("the database is there");
        let mut watch = Self {
            connection,
            version: 0,
            content: String::new(),
        };
        watch.accept();
        watch
    }

    /// Takes whatever is there for right.
    pub(crate) fn accept(&mut self) {
        self.version = self.data_version();
        self.content = dump(&self.connection);
    }

    /// Fails where something was written since.
    pub(crate) fn unchanged(&mut self, vector: &str) {
        // Another number only says that somebody committed; it may have changed nothing.
        if self.data_version() == self.version {
            return;
        }
        let now = dump(&self.connection);
        let new: Vec<_> = now
            .lines()
            .filter(|line| !self.content.contains(line))
            .collect();
        assert!(
            now == self.content,
            "{vector} wrote to the database:\n{}",
            new.join("\n")
        );
        self.version = self.data_version();
    }

    fn data_version(&self) -> i64 {
        let version = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0));
        version.expect("SQLite counts its commits")
    }
}

/// Every row of every table, as text.
fn dump(connection: &Connection) -> String {
    let mut names = connection
        .prepare(
            // Who cleans up next is written down every minute, whatever comes in.
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'leases' ORDER BY name",
        )
        .expect("the schema can be read");
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .expect("the schema can be read")
        .map(|name| name.expect("a name"))
        .collect();
    let mut text = String::new();
    for name in names {
        let mut rows = connection
            .prepare(&format!("SELECT * FROM \"{name}\""))
            .expect("a table can be read");
        let columns = rows.column_count();
        let mut rows = rows.query([]).expect("a table can be read");
        while let Some(row) = rows.next().expect("a row can be read") {
            let cells = (0..columns).map(|n| format!("{:?}", row.get_ref(n).expect("a cell")));
            let cells: Vec<_> = cells.collect();
            let _ = writeln!(text, "{name}: {}", cells.join(", "));
        }
    }
    text
}
