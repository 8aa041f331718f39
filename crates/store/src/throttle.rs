//! The count of requests that several gateways share: token buckets in PostgreSQL, settled for many users at once.
//!
//! Rule: a bucket is the time at which it is full again, by the database's clock. One statement settles a batch: each
//! row is locked, computed with and written in one go, so no two gateways get the same token. The rule itself is
//! docs/throttling.md's, and a test holds it to the gateways' own.

use std::collections::HashMap;

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{Array, BigInt, Text};
use pollgate_model::{Charge, Grant};

use crate::Store;
use crate::connection::AnyConnection;
use crate::error::{Failure, StoreError};
use crate::sql::statement;

statement! {
    /// `put` is the bucket with what was returned and without what was spent, at most one bucket below empty; `granted`
    /// is what of it is taken. Both stand here twice: once for a bucket that is full, once for one that is not.
    SettlePg on Pg => PgConnection, rows (Text, BigInt, BigInt) {
        "INSERT INTO throttle AS t (bucket, full_at_us, step_us, size, spent, returned, wanted, granted) \
         SELECT a.bucket, put + granted * step_us, step_us, size, spent, returned, wanted, granted \
         FROM unnest("
        [buckets: &'a [&'a str], Array<Text>] ", " [steps: &'a [i64], Array<BigInt>] ", "
        [sizes: &'a [i64], Array<BigInt>] ", " [spent: &'a [i64], Array<BigInt>] ", "
        [returned: &'a [i64], Array<BigInt>] ", " [wanted: &'a [i64], Array<BigInt>]
        ") AS a (bucket, step_us, size, spent, returned, wanted) \
         CROSS JOIN LATERAL (SELECT (extract(epoch FROM statement_timestamp()) * 1000000)::bigint AS now) AS c \
         CROSS JOIN LATERAL (SELECT now + least(spent, 2 * size) * step_us AS put) AS p \
         CROSS JOIN LATERAL (SELECT greatest(0, least(wanted, (now + size * step_us - put) / step_us)) AS granted) AS g \
         ON CONFLICT (bucket) DO UPDATE SET \
         (step_us, size, spent, returned, wanted, full_at_us, granted) = (\
         SELECT excluded.step_us, excluded.size, excluded.spent, excluded.returned, excluded.wanted, \
         put + granted * excluded.step_us, granted \
         FROM (SELECT (extract(epoch FROM statement_timestamp()) * 1000000)::bigint AS now) AS c \
         CROSS JOIN LATERAL (SELECT least(\
         greatest(t.full_at_us - excluded.returned * excluded.step_us, now) + excluded.spent * excluded.step_us, \
         now + 2 * excluded.size * excluded.step_us) AS put) AS p \
         CROSS JOIN LATERAL (SELECT greatest(0, least(excluded.wanted, \
         (now + excluded.size * excluded.step_us - put) / excluded.step_us)) AS granted) AS g) \
         RETURNING t.bucket, t.granted, \
         greatest(0, t.full_at_us - (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)"
    }
}
statement! {
    /// SKIP LOCKED: several gateways may clean up at the same time, and nobody waits for a bucket that is in use.
    ForgetPg on Pg => PgConnection {
        "DELETE FROM throttle WHERE bucket IN (SELECT bucket FROM throttle WHERE full_at_us <= \
         (extract(epoch FROM statement_timestamp()) * 1000000)::bigint LIMIT "
        [limit: &'a i64, BigInt] " FOR UPDATE SKIP LOCKED)"
    }
}

fn settle(conn: &mut PgConnection, charges: &[Charge]) -> Result<Vec<Grant>, Failure> {
    // in the order of their names, so that two batches never wait for each other
    let mut sorted: Vec<&Charge> = charges.iter().collect();
    sorted.sort_unstable_by(|one, other| one.bucket.cmp(&other.bucket));
    let column = |of: fn(&Charge) -> i64| sorted.iter().map(|charge| of(charge)).collect::<Vec<_>>();
    let rows: Vec<(String, i64, i64)> = SettlePg {
        buckets: &sorted.iter().map(|charge| charge.bucket.as_str()).collect::<Vec<_>>(),
        // at most an hour: far below what the type holds
        steps: &column(|charge| i64::try_from(charge.rate.step_us()).unwrap_or(i64::MAX)),
        sizes: &column(|charge| i64::from(charge.rate.size())),
        spent: &column(|charge| i64::from(charge.spent)),
        returned: &column(|charge| i64::from(charge.returned)),
        wanted: &column(|charge| i64::from(charge.wanted)),
    }
    .load(conn)?;
    let answer = |(bucket, granted, full_in): (String, i64, i64)| {
        let granted = u32::try_from(granted).map_err(Failure::corrupt)?;
        let full_in_us = u64::try_from(full_in).map_err(Failure::corrupt)?;
        Ok((bucket, Grant { granted, full_in_us }))
    };
    let answers: HashMap<String, Grant> = rows.into_iter().map(answer).collect::<Result<_, Failure>>()?;
    let found = |charge: &Charge| {
        answers.get(&charge.bucket).copied().ok_or_else(|| Failure::corrupt("a bucket without an answer"))
    };
    charges.iter().map(found).collect()
}

fn alone() -> Failure {
    Failure::Statement("SQLite serves one gateway, which counts by itself".into())
}

impl Store {
    /// Several gateways may share this database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.inner.shared
    }

    /// Counts what gateways used and gives them what they want, each bucket by itself; answers in the order of the
    /// charges, whose buckets must be different ones. One call at a time. PostgreSQL only.
    ///
    /// # Errors
    /// The database is not available, or has not answered the call before. It may have been counted all the same.
    pub async fn settle_buckets(&self, charges: Vec<Charge>) -> Result<Vec<Grant>, StoreError> {
        // held until the database has answered, however long ago the caller has given up
        let Ok(turn) = self.inner.settling.clone().try_acquire_owned() else {
            return Err(StoreError::Busy("settling of buckets"));
        };
        let work = move |conn: &mut AnyConnection| {
            let _turn = &turn;
            match conn {
                AnyConnection::Pg(c) => settle(c, &charges),
                AnyConnection::Sqlite(_) => Err(alone()),
            }
        };
        self.inner.readers.run(work).await
    }

    /// Removes at most `limit` buckets that are full again; how many it were. PostgreSQL only.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn forget_buckets(&self, limit: u32) -> Result<usize, StoreError> {
        let limit = i64::from(limit);
        let work = move |conn: &mut AnyConnection| match conn {
            AnyConnection::Pg(c) => Ok(ForgetPg { limit: &limit }.execute(c)?),
            AnyConnection::Sqlite(_) => Err(alone()),
        };
        self.inner.readers.run(work).await
    }
}
