//! Depths on SQLite: each statement takes all mailboxes as one JSON array.

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use serde::Serialize;

use super::tables::{Depths, Name, Read, Row, Totals};
use super::{Revisits, millis};
use crate::error::Failure;
use crate::sql::statement;

statement! {
    Rise on Sqlite => SqliteConnection, rows (Text, Text) {
        "INSERT INTO mailbox_depths AS d \
         (user_id, session, ready, unacked, consumers, alarm, used_at_ms, looked_at_ms, due_at_ms) \
         SELECT value ->> 'user', value ->> 'session', 0, NULL, 0, 1, now.ms, now.ms, now.ms FROM json_each("
        [rows: &'a str, Text] "), (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS ms) AS now WHERE true \
         ON CONFLICT (user_id, session) DO UPDATE SET alarm = 1 WHERE d.alarm = 0 RETURNING user_id, session"
    }
}
statement! {
    Fall on Sqlite => SqliteConnection, rows (Text, Text) {
        "UPDATE mailbox_depths SET alarm = 0 WHERE alarm = 1 AND (user_id, session) IN \
         (SELECT value ->> 0, value ->> 1 FROM json_each(" [names: &'a str, Text] ")) RETURNING user_id, session"
    }
}
statement! {
    Put on Sqlite => SqliteConnection {
        "INSERT INTO mailbox_depths AS d \
         (user_id, session, ready, unacked, consumers, alarm, used_at_ms, looked_at_ms, due_at_ms) \
         SELECT value ->> 'user', value ->> 'session', value ->> 'ready', nullif(value ->> 'unacked', -1), \
         value ->> 'consumers', 0, now.ms, now.ms, now.ms + " [every: &'a i64, BigInt] " FROM json_each("
        [rows: &'a str, Text] "), (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS ms) AS now WHERE true \
         ON CONFLICT (user_id, session) DO UPDATE SET ready = excluded.ready, unacked = excluded.unacked, \
         consumers = excluded.consumers, looked_at_ms = excluded.looked_at_ms, \
         used_at_ms = CASE WHEN excluded.consumers > 0 THEN excluded.used_at_ms ELSE d.used_at_ms END, \
         due_at_ms = CASE WHEN d.session <> '' AND excluded.consumers = 0 \
         AND excluded.used_at_ms - d.used_at_ms >= " [quiet_after: &'a i64, BigInt]
        " THEN excluded.looked_at_ms + " [quiet_for: &'a i64, BigInt] " ELSE excluded.due_at_ms END"
    }
}
statement! {
    DropRows on Sqlite => SqliteConnection, rows (Text, Text, BigInt) {
        "DELETE FROM mailbox_depths WHERE (user_id, session) IN \
         (SELECT value ->> 0, value ->> 1 FROM json_each(" [names: &'a str, Text] ")) \
         RETURNING user_id, session, alarm"
    }
}
statement! {
    Claim on Sqlite => SqliteConnection, rows (Text, Text) {
        "UPDATE mailbox_depths SET due_at_ms = CAST(unixepoch('subsec') * 1000 AS INTEGER) + " [time: &'a i64, BigInt]
        " WHERE (user_id, session) IN (SELECT user_id, session FROM mailbox_depths WHERE due_at_ms <= \
         CAST(unixepoch('subsec') * 1000 AS INTEGER) ORDER BY due_at_ms LIMIT " [most: &'a i64, BigInt]
        ") RETURNING user_id, session"
    }
}
statement! {
    CountAll on Sqlite => SqliteConnection, rows (BigInt, BigInt, BigInt, BigInt, BigInt) {
        "SELECT count(*), count(*) FILTER (WHERE alarm = 1), count(*) FILTER (WHERE ready >= 10), \
         count(*) FILTER (WHERE ready >= 100), count(*) FILTER (WHERE ready >= 1000) FROM mailbox_depths \
         WHERE ready >= " [least: &'a i64, BigInt]
    }
}
statement! {
    Prune on Sqlite => SqliteConnection {
        "DELETE FROM mailbox_depths WHERE (user_id, session) IN (SELECT user_id, session FROM mailbox_depths \
         ORDER BY alarm DESC, ready DESC LIMIT -1 OFFSET " [most: &'a i64, BigInt] ")"
    }
}

impl Depths for SqliteConnection {
    fn lock(&mut self, _names: &[Name<'_>]) -> Result<(), Failure> {
        Ok(()) // the transaction has the whole database
    }

    fn rise(&mut self, rows: &[Row<'_>]) -> Result<Vec<Read>, Failure> {
        Ok(Rise { rows: &list(rows)? }.load(self)?)
    }

    fn fall(&mut self, names: &[Name<'_>]) -> Result<Vec<Read>, Failure> {
        Ok(Fall { names: &list(names)? }.load(self)?)
    }

    fn put(&mut self, rows: &[Row<'_>], revisits: &Revisits) -> Result<(), Failure> {
        Put {
            every: &millis(revisits.every),
            rows: &list(rows)?,
            quiet_after: &millis(revisits.quiet_after),
            quiet_for: &millis(revisits.quiet_for),
        }
        .execute(self)?;
        Ok(())
    }

    fn drop_rows(&mut self, names: &[Name<'_>]) -> Result<Vec<Read>, Failure> {
        let dropped: Vec<(String, String, i64)> = DropRows { names: &list(names)? }.load(self)?;
        let alarming = dropped.into_iter().filter(|(_, _, alarm)| *alarm == 1);
        Ok(alarming.map(|(user, session, _)| (user, session)).collect())
    }

    fn claim(&mut self, most: i64, time: i64) -> Result<Vec<Read>, Failure> {
        Ok(Claim { time: &time, most: &most }.load(self)?)
    }

    fn totals(&mut self) -> Result<Totals, Failure> {
        Ok(CountAll { least: &0 }.get_result(self)?)
    }

    fn prune(&mut self, most: i64) -> Result<usize, Failure> {
        Ok(Prune { most: &most }.execute(self)?)
    }
}

/// A list as one value.
fn list(items: &[impl Serialize]) -> Result<String, Failure> {
    serde_json::to_string(items).map_err(Failure::corrupt)
}
