//! Mailboxes that were deleted by an operator: gateways read this list every moment, so that whoever polls one of them next,
//! at whichever gateway, is told.

use std::time::Duration;

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use pollgate_model::{Mailbox, Timestamp};

use super::{mailbox, millis, name};
use crate::Store;
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::sql::statement;

/// Whoever was answered last before `missed_at` may have missed what was in the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// Which.
    pub mailbox: Mailbox,
    /// By the database's clock.
    pub missed_at: Timestamp,
}

statement! {
    NotePg on Pg => PgConnection {
        "INSERT INTO mailbox_purges (user_id, session, missed_at_ms) VALUES (" [user: &'a str, Text] ", "
        [session: &'a str, Text] ", (extract(epoch FROM clock_timestamp()) * 1000)::bigint + " [after: &'a i64, BigInt]
        ") ON CONFLICT (user_id, session) DO UPDATE SET missed_at_ms = excluded.missed_at_ms"
    }
}
statement! {
    NoteSqlite on Sqlite => SqliteConnection {
        "INSERT INTO mailbox_purges (user_id, session, missed_at_ms) VALUES (" [user: &'a str, Text] ", "
        [session: &'a str, Text] ", CAST(unixepoch('subsec') * 1000 AS INTEGER) + " [after: &'a i64, BigInt]
        ") ON CONFLICT (user_id, session) DO UPDATE SET missed_at_ms = excluded.missed_at_ms"
    }
}
statement! {
    SeenPg on Pg => PgConnection, rows (Text, Text, BigInt) {
        "SELECT user_id, session, missed_at_ms FROM mailbox_purges WHERE missed_at_ms >= \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint - " [age: &'a i64, BigInt]
        " ORDER BY missed_at_ms DESC LIMIT " [most: &'a i64, BigInt]
    }
}
statement! {
    SeenSqlite on Sqlite => SqliteConnection, rows (Text, Text, BigInt) {
        "SELECT user_id, session, missed_at_ms FROM mailbox_purges WHERE missed_at_ms >= \
         CAST(unixepoch('subsec') * 1000 AS INTEGER) - " [age: &'a i64, BigInt]
        " ORDER BY missed_at_ms DESC LIMIT " [most: &'a i64, BigInt]
    }
}
statement! {
    ForgetPg on Pg => PgConnection {
        "DELETE FROM mailbox_purges WHERE missed_at_ms < \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint - " [age: &'a i64, BigInt]
    }
}
statement! {
    ForgetSqlite on Sqlite => SqliteConnection {
        "DELETE FROM mailbox_purges WHERE missed_at_ms < CAST(unixepoch('subsec') * 1000 AS INTEGER) - "
        [age: &'a i64, BigInt]
    }
}

impl Store {
    /// Says that a mailbox was deleted, and that every gateway knows it after so long.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn note_purge(&self, purged: Mailbox, after: Duration) -> Result<(), StoreError> {
        let after = millis(after);
        let work = move |conn: &mut AnyConnection| {
            let (user, session) = name(&purged);
            match conn {
                AnyConnection::Pg(c) => NotePg { user, session, after: &after }.execute(c)?,
                AnyConnection::Sqlite(c) => NoteSqlite { user, session, after: &after }.execute(c)?,
            };
            Ok(())
        };
        self.aside(work).await
    }

    /// What was deleted not longer ago than this, the newest first, at most `most`.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn purges(&self, age: Duration, most: u32) -> Result<Vec<Purge>, StoreError> {
        let (age, most) = (millis(age), i64::from(most));
        let work = move |conn: &mut AnyConnection| {
            let found: Vec<(String, String, i64)> = match conn {
                AnyConnection::Pg(c) => SeenPg { age: &age, most: &most }.load(c)?,
                AnyConnection::Sqlite(c) => SeenSqlite { age: &age, most: &most }.load(c)?,
            };
            let purge = |(user, session, at)| {
                Ok(Purge { mailbox: mailbox((user, session))?, missed_at: Timestamp::from_ms(at) })
            };
            found.into_iter().map(purge).collect()
        };
        self.inner.readers.run(work).await
    }

    /// Forgets what was deleted longer ago than this.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn forget_purges(&self, age: Duration) -> Result<(), StoreError> {
        let age = millis(age);
        let work = move |conn: &mut AnyConnection| {
            match conn {
                AnyConnection::Pg(c) => ForgetPg { age: &age }.execute(c)?,
                AnyConnection::Sqlite(c) => ForgetSqlite { age: &age }.execute(c)?,
            };
            Ok(())
        };
        self.aside(work).await
    }
}
