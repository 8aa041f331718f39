//! Depths on PostgreSQL: each statement takes all mailboxes as arrays.

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{Array, BigInt, Text};

use super::tables::{Depths, Name, Read, Row, Totals};
use super::{Revisits, millis};
use crate::error::Failure;
use crate::sql::statement;

statement! {
    /// In order, so that two who lock the same rows never wait for each other.
    Lock on Pg => PgConnection, rows BigInt {
        "SELECT count(*) FROM (SELECT 1 FROM mailbox_depths WHERE (user_id, session) IN (SELECT * FROM unnest("
        [users: &'a [&'a str], Array<Text>] ", " [sessions: &'a [&'a str], Array<Text>]
        ")) ORDER BY user_id, session FOR UPDATE) AS locked"
    }
}
statement! {
    Rise on Pg => PgConnection, rows (Text, Text) {
        "INSERT INTO mailbox_depths AS d \
         (user_id, session, ready, unacked, consumers, alarm, used_at_ms, looked_at_ms, due_at_ms) \
         SELECT new.*, 0, NULL, 0, 1, now.ms, now.ms, now.ms FROM unnest("
        [users: &'a [&'a str], Array<Text>] ", " [sessions: &'a [&'a str], Array<Text>]
        ") AS new (who, session), (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms) AS now \
         ON CONFLICT (user_id, session) DO UPDATE SET alarm = 1 WHERE d.alarm = 0 RETURNING d.user_id, d.session"
    }
}
statement! {
    Fall on Pg => PgConnection, rows (Text, Text) {
        "UPDATE mailbox_depths AS d SET alarm = 0 FROM unnest("
        [users: &'a [&'a str], Array<Text>] ", " [sessions: &'a [&'a str], Array<Text>]
        ") AS old (who, session) WHERE d.user_id = old.who AND d.session = old.session AND d.alarm = 1 \
         RETURNING d.user_id, d.session"
    }
}
statement! {
    Put on Pg => PgConnection {
        "INSERT INTO mailbox_depths AS d \
         (user_id, session, ready, unacked, consumers, alarm, used_at_ms, looked_at_ms, due_at_ms) \
         SELECT who, session, ready, nullif(unacked, -1), consumers, 0, ms, ms, ms + " [every: &'a i64, BigInt]
        " FROM unnest(" [users: &'a [&'a str], Array<Text>] ", " [sessions: &'a [&'a str], Array<Text>] ", "
        [ready: &'a [i64], Array<BigInt>] ", " [unacked: &'a [i64], Array<BigInt>] ", "
        [consumers: &'a [i64], Array<BigInt>] ") AS new (who, session, ready, unacked, consumers), \
         (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms) AS now \
         ON CONFLICT (user_id, session) DO UPDATE SET ready = excluded.ready, unacked = excluded.unacked, \
         consumers = excluded.consumers, looked_at_ms = excluded.looked_at_ms, \
         used_at_ms = CASE WHEN excluded.consumers > 0 THEN excluded.used_at_ms ELSE d.used_at_ms END, \
         due_at_ms = CASE WHEN d.session <> '' AND excluded.consumers = 0 \
         AND excluded.used_at_ms - d.used_at_ms >= " [quiet_after: &'a i64, BigInt]
        " THEN excluded.looked_at_ms + " [quiet_for: &'a i64, BigInt] " ELSE excluded.due_at_ms END"
    }
}
statement! {
    DropRows on Pg => PgConnection, rows (Text, Text, BigInt) {
        "DELETE FROM mailbox_depths AS d USING unnest("
        [users: &'a [&'a str], Array<Text>] ", " [sessions: &'a [&'a str], Array<Text>]
        ") AS old (who, session) WHERE d.user_id = old.who AND d.session = old.session \
         RETURNING d.user_id, d.session, d.alarm"
    }
}
statement! {
    /// SKIP LOCKED: several gateways claim at the same time, each its own rows.
    Claim on Pg => PgConnection, rows (Text, Text) {
        "UPDATE mailbox_depths AS d SET due_at_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + "
        [time: &'a i64, BigInt] " FROM (SELECT user_id, session FROM mailbox_depths WHERE due_at_ms <= \
         (extract(epoch FROM clock_timestamp()) * 1000)::bigint ORDER BY due_at_ms LIMIT " [most: &'a i64, BigInt]
        " FOR UPDATE SKIP LOCKED) AS due WHERE d.user_id = due.user_id AND d.session = due.session \
         RETURNING d.user_id, d.session"
    }
}
statement! {
    CountAll on Pg => PgConnection, rows (BigInt, BigInt, BigInt, BigInt, BigInt) {
        "SELECT count(*), count(*) FILTER (WHERE alarm = 1), count(*) FILTER (WHERE ready >= 10), \
         count(*) FILTER (WHERE ready >= 100), count(*) FILTER (WHERE ready >= 1000) FROM mailbox_depths \
         WHERE ready >= " [least: &'a i64, BigInt]
    }
}
statement! {
    Prune on Pg => PgConnection {
        "DELETE FROM mailbox_depths WHERE (user_id, session) IN (SELECT user_id, session FROM mailbox_depths \
         ORDER BY alarm DESC, ready DESC OFFSET " [most: &'a i64, BigInt] " FOR UPDATE SKIP LOCKED)"
    }
}

impl Depths for PgConnection {
    fn lock(&mut self, names: &[Name<'_>]) -> Result<(), Failure> {
        let (users, sessions) = columns(names);
        let _locked: Vec<i64> = Lock { users: &users, sessions: &sessions }.load(self)?;
        Ok(())
    }

    fn rise(&mut self, rows: &[Row<'_>]) -> Result<Vec<Read>, Failure> {
        let (users, sessions) = columns(&names(rows));
        Ok(Rise { users: &users, sessions: &sessions }.load(self)?)
    }

    fn fall(&mut self, names: &[Name<'_>]) -> Result<Vec<Read>, Failure> {
        let (users, sessions) = columns(names);
        Ok(Fall { users: &users, sessions: &sessions }.load(self)?)
    }

    fn put(&mut self, rows: &[Row<'_>], revisits: &Revisits) -> Result<(), Failure> {
        let (users, sessions) = columns(&names(rows));
        let of = |value: fn(&Row<'_>) -> i64| rows.iter().map(value).collect::<Vec<i64>>();
        Put {
            every: &millis(revisits.every),
            users: &users,
            sessions: &sessions,
            ready: &of(|row| row.ready),
            unacked: &of(|row| row.unacked),
            consumers: &of(|row| row.consumers),
            quiet_after: &millis(revisits.quiet_after),
            quiet_for: &millis(revisits.quiet_for),
        }
        .execute(self)?;
        Ok(())
    }

    fn drop_rows(&mut self, names: &[Name<'_>]) -> Result<Vec<Read>, Failure> {
        let (users, sessions) = columns(names);
        let dropped: Vec<(String, String, i64)> =
            DropRows { users: &users, sessions: &sessions }.load(self)?;
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

fn names<'a>(rows: &[Row<'a>]) -> Vec<Name<'a>> {
    rows.iter().map(|row| (row.user, row.session)).collect()
}

fn columns<'a>(names: &[Name<'a>]) -> (Vec<&'a str>, Vec<&'a str>) {
    names.iter().copied().unzip()
}
