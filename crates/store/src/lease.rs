//! Leases: which gateway processes are alive, by the database's clock, and who takes over from the dead.

use std::time::Duration;

use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{InstanceId, Timestamp};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::outbox;
use crate::outgoing::Outgoing;
use crate::schema::instances;
use crate::sql::{Id, Id16, statement};

/// Most rows that are taken over at once.
const MOST_ADOPTED: i64 = 10_000;

statement! {
    RenewPg on Pg => PgConnection {
        "INSERT INTO instances (id, heartbeat_ms, report) VALUES (" [id: &'a Id, Id16]
        ", (extract(epoch FROM clock_timestamp()) * 1000)::bigint, " [report: Option<&'a str>, Nullable<Text>]
        ") ON CONFLICT (id) DO UPDATE SET heartbeat_ms = excluded.heartbeat_ms, report = excluded.report"
    }
}
statement! {
    RenewSqlite on Sqlite => SqliteConnection {
        "INSERT INTO instances (id, heartbeat_ms, report) VALUES (" [id: &'a Id, Id16]
        ", CAST(unixepoch('subsec') * 1000 AS INTEGER), " [report: Option<&'a str>, Nullable<Text>]
        ") ON CONFLICT (id) DO UPDATE SET heartbeat_ms = excluded.heartbeat_ms, report = excluded.report"
    }
}
statement! {
    SeenPg on Pg => PgConnection, rows (Id16, BigInt, BigInt, Nullable<Text>) {
        "SELECT id, heartbeat_ms, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, report FROM instances \
         ORDER BY heartbeat_ms DESC LIMIT " [most: &'a i64, BigInt]
    }
}
statement! {
    SeenSqlite on Sqlite => SqliteConnection, rows (Id16, BigInt, BigInt, Nullable<Text>) {
        "SELECT id, heartbeat_ms, CAST(unixepoch('subsec') * 1000 AS INTEGER), report FROM instances \
         ORDER BY heartbeat_ms DESC LIMIT " [most: &'a i64, BigInt]
    }
}
statement! {
    /// Leases that ran out are gone, and with them the claim to any row.
    ExpirePg on Pg => PgConnection {
        "DELETE FROM instances WHERE id <> " [id: &'a Id, Id16]
        " AND heartbeat_ms < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - " [age: &'a i64, BigInt]
    }
}
statement! {
    /// SKIP LOCKED: several instances may adopt at the same time, each other rows.
    AdoptPg on Pg => PgConnection, rows BigInt {
        "UPDATE outbox SET instance = " [id: &'a Id, Id16] " FROM (SELECT o.instance, o.ticket FROM outbox o \
         WHERE o.instance <> " [other: &'a Id, Id16]
        " AND NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = o.instance) ORDER BY o.ticket LIMIT "
        [limit: &'a i64, BigInt] " FOR UPDATE OF o SKIP LOCKED) AS left_over \
         WHERE outbox.instance = left_over.instance AND outbox.ticket = left_over.ticket RETURNING outbox.ticket"
    }
}
statement! {
    AdoptSqlite on Sqlite => SqliteConnection, rows BigInt {
        "UPDATE outbox SET instance = " [id: &'a Id, Id16] " WHERE ticket IN (SELECT ticket FROM outbox \
         WHERE instance <> " [other: &'a Id, Id16] " ORDER BY ticket LIMIT " [limit: &'a i64, BigInt]
        ") RETURNING ticket"
    }
}

/// A gateway that has a lease, by the database's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenInstance {
    /// Which one.
    pub id: InstanceId,
    /// When it renewed its lease.
    pub heartbeat_at: Timestamp,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// What it said of itself then; `None`: it is of a version that says nothing.
    pub report: Option<String>,
}

/// Says that this instance is alive, and how it is.
pub(crate) fn renew(conn: &mut AnyConnection, id: Id, report: Option<&str>) -> Result<(), Failure> {
    match conn {
        AnyConnection::Pg(c) => RenewPg { id: &id, report }.execute(c)?,
        AnyConnection::Sqlite(c) => RenewSqlite { id: &id, report }.execute(c)?,
    };
    Ok(())
}

fn seen(conn: &mut AnyConnection, most: i64) -> Result<Vec<SeenInstance>, Failure> {
    let rows: Vec<(Id, i64, i64, Option<String>)> = match conn {
        AnyConnection::Pg(c) => SeenPg { most: &most }.load(c)?,
        AnyConnection::Sqlite(c) => SeenSqlite { most: &most }.load(c)?,
    };
    let instance = |(Id(id), heartbeat_ms, now_ms, report)| SeenInstance {
        id: InstanceId::from(id),
        heartbeat_at: Timestamp::from_ms(heartbeat_ms),
        seen_at: Timestamp::from_ms(now_ms),
        report,
    };
    Ok(rows.into_iter().map(instance).collect())
}

/// Says that this instance is gone.
pub(crate) fn end(conn: &mut AnyConnection, id: Id) -> Result<(), Failure> {
    on_each!(conn, |c| diesel::delete(instances::table.filter(instances::id.eq(id))).execute(c))?;
    Ok(())
}

fn adopt(conn: &mut AnyConnection, id: Id, dead_after_ms: i64, limit: i64) -> Result<Vec<Outgoing>, Failure> {
    let tickets: Vec<i64> = match conn {
        AnyConnection::Pg(c) => {
            ExpirePg { id: &id, age: &dead_after_ms }.execute(c)?;
            AdoptPg { id: &id, other: &id, limit: &limit }.load(c)?
        }
        // nobody else can be alive
        AnyConnection::Sqlite(c) => {
            diesel::delete(instances::table.filter(instances::id.ne(id))).execute(c)?;
            AdoptSqlite { id: &id, other: &id, limit: &limit }.load(c)?
        }
    };
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    outbox::with_tickets(conn, id, &tickets)
}

impl Store {
    /// Renews this instance's lease, and leaves word of how it is.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn heartbeat(&self, report: Option<String>) -> Result<(), StoreError> {
        let id = self.inner.instance;
        self.inner.readers.run(move |conn| renew(conn, id, report.as_deref())).await
    }

    /// The gateways that have a lease, this one among them: at most `most`, those first that renewed it last.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn instances(&self, most: u32) -> Result<Vec<SeenInstance>, StoreError> {
        self.inner.readers.run(move |conn| seen(conn, i64::from(most))).await
    }

    /// Takes over at most `limit` outbox rows whose instance has not renewed its lease for `dead_after`, by the
    /// database's clock; in SQLite, which one process has to itself, the rows of every other instance.
    ///
    /// # Errors
    /// The database is not available. Rows may have been taken over nevertheless, which is reported to
    /// [`OnCommit::uncertain`](crate::OnCommit::uncertain).
    pub async fn adopt(&self, dead_after: Duration, limit: i64) -> Result<Vec<Outgoing>, StoreError> {
        let id = self.inner.instance;
        let age = i64::try_from(dead_after.as_millis()).unwrap_or(i64::MAX);
        let limit = limit.clamp(0, MOST_ADOPTED);
        let adopted = self.inner.readers.run(move |conn| adopt(conn, id, age, limit)).await;
        if adopted.is_err() {
            self.inner.on_commit.uncertain();
        }
        adopted
    }
}
