//! A schema in the machine's database.

use uuid::Uuid;

use super::{machine, psql};

/// A schema of one's own in the machine's database (`POLLGATE_TEST_POSTGRES`); dropping it drops what is in it.
pub struct PgSchema {
    database: String,
    name: String,
}

impl PgSchema {
    /// Makes one.
    #[must_use]
    pub fn create() -> Self {
        let schema = Self { database: machine(), name: format!("t{}", Uuid::now_v7().simple()) };
        schema.query(&format!("create schema {}", schema.name));
        schema
    }

    /// The database, with this schema as the only one in the search path.
    #[must_use]
    pub fn url(&self) -> String {
        let joint = if self.database.contains('?') { '&' } else { '?' };
        format!("{}{joint}options=-csearch_path%3D{}", self.database, self.name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rows a table has.
    #[must_use]
    pub fn count(&self, table: &str) -> i64 {
        let printed = self.query(&format!("select count(*) from {}.{table}", self.name));
        printed.trim().parse().expect("a number")
    }

    /// Runs one statement; returns the rows, columns separated by `|`.
    pub fn query(&self, statement: &str) -> String {
        psql(&self.url(), statement)
    }
}

impl Drop for PgSchema {
    fn drop(&mut self) {
        // a gateway that was stopped in mid-statement may hold its locks a little longer
        self.query(&format!("set client_min_messages = error; drop schema {} cascade", self.name));
    }
}
