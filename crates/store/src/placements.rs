//! Lists of broker clusters: which ones gateways use or used lately, by the database's clock.
//!
//! A row outlives the gateways that used its list, so that those who come after know where events may have gone.

use std::time::Duration;

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use pollgate_model::Timestamp;

use crate::Store;
use crate::connection::AnyConnection;
use crate::error::{Failure, StoreError};
use crate::sql::statement;

/// A list of clusters, and when a gateway said last that it uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListUse {
    /// The list, as it was said.
    pub list: String,
    /// When, by the database's clock.
    pub used_at: Timestamp,
}

statement! {
    UsePg on Pg => PgConnection {
        "INSERT INTO placements (list, used_at_ms) VALUES (" [list: &'a str, Text]
        ", (extract(epoch FROM clock_timestamp()) * 1000)::bigint) \
         ON CONFLICT (list) DO UPDATE SET used_at_ms = excluded.used_at_ms"
    }
}
statement! {
    UseSqlite on Sqlite => SqliteConnection {
        "INSERT INTO placements (list, used_at_ms) VALUES (" [list: &'a str, Text]
        ", CAST(unixepoch('subsec') * 1000 AS INTEGER)) \
         ON CONFLICT (list) DO UPDATE SET used_at_ms = excluded.used_at_ms"
    }
}
statement! {
    ForgetPg on Pg => PgConnection {
        "DELETE FROM placements WHERE used_at_ms < \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint - " [age: &'a i64, BigInt]
    }
}
statement! {
    ForgetSqlite on Sqlite => SqliteConnection {
        "DELETE FROM placements WHERE used_at_ms < CAST(unixepoch('subsec') * 1000 AS INTEGER) - "
        [age: &'a i64, BigInt]
    }
}
statement! {
    SeenPg on Pg => PgConnection, rows (Text, BigInt) {
        "SELECT list, used_at_ms FROM placements ORDER BY used_at_ms DESC LIMIT " [most: &'a i64, BigInt]
    }
}
statement! {
    SeenSqlite on Sqlite => SqliteConnection, rows (Text, BigInt) {
        "SELECT list, used_at_ms FROM placements ORDER BY used_at_ms DESC LIMIT " [most: &'a i64, BigInt]
    }
}

fn note(conn: &mut AnyConnection, list: &str, age: i64, most: i64) -> Result<Vec<ListUse>, Failure> {
    let found: Vec<(String, i64)> = match conn {
        AnyConnection::Pg(c) => {
            UsePg { list }.execute(c)?;
            ForgetPg { age: &age }.execute(c)?;
            SeenPg { most: &most }.load(c)?
        }
        AnyConnection::Sqlite(c) => {
            UseSqlite { list }.execute(c)?;
            ForgetSqlite { age: &age }.execute(c)?;
            SeenSqlite { most: &most }.load(c)?
        }
    };
    Ok(found.into_iter().map(|(list, ms)| ListUse { list, used_at: Timestamp::from_ms(ms) }).collect())
}

impl Store {
    /// Says that this list is in use, forgets those unused for longer than `within`, and names the others with it: at
    /// most `most`, the ones used last first.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn use_list(
        &self,
        list: String,
        within: Duration,
        most: u32,
    ) -> Result<Vec<ListUse>, StoreError> {
        let age = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
        self.inner.readers.run(move |conn| note(conn, &list, age, i64::from(most))).await
    }
}
