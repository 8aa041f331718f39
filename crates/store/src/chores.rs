//! Leases on what one gateway does for all of them, by the database's clock.

use std::time::Duration;

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};

use crate::Store;
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::sql::{Id, Id16, statement};

statement! {
    TakePg on Pg => PgConnection {
        "INSERT INTO chores AS c (name, instance, until_ms) VALUES (" [name: &'a str, Text] ", "
        [instance: &'a Id, Id16] ", (extract(epoch FROM clock_timestamp()) * 1000)::bigint + " [ms: &'a i64, BigInt]
        ") ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, until_ms = excluded.until_ms \
         WHERE c.instance = excluded.instance OR c.until_ms <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    }
}
statement! {
    TakeSqlite on Sqlite => SqliteConnection {
        "INSERT INTO chores AS c (name, instance, until_ms) VALUES (" [name: &'a str, Text] ", "
        [instance: &'a Id, Id16] ", CAST(unixepoch('subsec') * 1000 AS INTEGER) + " [ms: &'a i64, BigInt]
        ") ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, until_ms = excluded.until_ms \
         WHERE c.instance = excluded.instance OR c.until_ms <= CAST(unixepoch('subsec') * 1000 AS INTEGER)"
    }
}

impl Store {
    /// Takes a chore, or keeps it, for so long; `false`: another gateway has it.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn take_chore(&self, name: &'static str, time: Duration) -> Result<bool, StoreError> {
        let (instance, ms) = (self.inner.instance, i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2));
        let take = move |conn: &mut AnyConnection| {
            let (instance, ms) = (&instance, &ms);
            let rows = match conn {
                AnyConnection::Pg(c) => TakePg { name, instance, ms }.execute(c)?,
                AnyConnection::Sqlite(c) => TakeSqlite { name, instance, ms }.execute(c)?,
            };
            Ok(rows == 1)
        };
        self.aside(take).await
    }
}
