//! Watches the product's database from outside: whether anybody has written to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::database::Database;

/// A second reader of the product's database.
pub(crate) struct Watch {
    database: Arc<Database>,
    /// What tells every row of every table.
    query: String,
    content: BTreeSet<String>,
}

impl Watch {
    /// Begins to watch: what is there now is as it should be.
    pub(crate) fn over(database: Arc<Database>) -> Self {
        // Who cleans up next is written down every minute, whatever comes in.
        let query = database.every_row(&["leases"]);
        let mut watch = Self {
            database,
            query,
            content: BTreeSet::new(),
        };
        watch.accept();
        watch
    }

    /// Takes whatever is there for right.
    pub(crate) fn accept(&mut self) {
        self.content = self.read();
    }

    /// Fails where something was written since.
    pub(crate) fn unchanged(&mut self, vector: &str) {
        let now = self.read();
        let new: Vec<_> = now.difference(&self.content).collect();
        let gone: Vec<_> = self.content.difference(&now).collect();
        assert!(
            now == self.content,
            "{vector} wrote to the database: {new:#?}\nin place of {gone:#?}"
        );
    }

    fn read(&self) -> BTreeSet<String> {
        self.database.texts(&self.query).into_iter().collect()
    }
}
