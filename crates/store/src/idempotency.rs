//! Keys that make a request one, however often it is sent: kept with what they stand for, and forgotten in time.
//!
//! Rule: a key is written in the transaction that accepts its request. So there is never a key without what was accepted
//! under it, nor the other way round, wherever a process ends.

use std::time::Duration;

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::BigInt;
use diesel::sqlite::{Sqlite, SqliteConnection};
use pollgate_model::{EventId, Timestamp};
use uuid::Uuid;

use crate::Store;
use crate::connection::AnyConnection;
use crate::error::{Failure, StoreError};
use crate::sql::statement;

/// SHA-256 of something.
pub type Digest = [u8; 32];

/// Most keys that are forgotten at once.
const MOST_FORGOTTEN: usize = 10_000;

/// A caller's key for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Of the caller, the endpoint and the key itself.
    pub id: Digest,
    /// Of what was asked: the same key with another one is refused.
    pub fingerprint: Digest,
}

/// A key, and what is answered to all requests with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key.
    pub key: RequestKey,
    /// The ids of the events, in order.
    pub ids: Vec<EventId>,
}

/// How a publication under a key ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is stored now.
    Now,
    /// It was stored before under the same key, with these ids; nothing was written.
    Before(Vec<EventId>),
}

/// Ids as they stand in a row: 16 bytes each.
pub(crate) fn to_bytes(ids: &[EventId]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.uuid().into_bytes()).collect()
}

/// The other way round.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Vec<EventId>, Failure> {
    let ids = bytes.chunks(16).map(|id| Uuid::from_slice(id).map(EventId::from));
    ids.collect::<Result<_, _>>().map_err(|e| Failure::corrupt(format!("ids under a key: {e}")))
}

/// Keys older than this are free again.
pub(crate) fn oldest_kept(now: Timestamp, kept: Duration) -> i64 {
    now.as_ms().saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX))
}

statement! {
    /// SKIP LOCKED: several instances may clean up at the same time, each other rows.
    ForgetPg on Pg => PgConnection {
        "DELETE FROM idempotency_keys WHERE id IN (SELECT id FROM idempotency_keys WHERE created_at_ms < "
        [before: &'a i64, BigInt] " ORDER BY created_at_ms LIMIT " [limit: &'a i64, BigInt] " FOR UPDATE SKIP LOCKED)"
    }
}
statement! {
    ForgetSqlite on Sqlite => SqliteConnection {
        "DELETE FROM idempotency_keys WHERE id IN (SELECT id FROM idempotency_keys WHERE created_at_ms < "
        [before: &'a i64, BigInt] " ORDER BY created_at_ms LIMIT " [limit: &'a i64, BigInt] ")"
    }
}

impl Store {
    /// Removes at most `limit` keys that are older than [`StoreSettings::keys_kept`](crate::StoreSettings::keys_kept);
    /// how many it were.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn forget_keys(&self, limit: usize) -> Result<usize, StoreError> {
        let before = oldest_kept(Timestamp::now(), self.inner.keys_kept);
        let limit = i64::try_from(limit.min(MOST_FORGOTTEN)).unwrap_or(i64::MAX);
        let forget = move |conn: &mut AnyConnection| {
            Ok(match conn {
                AnyConnection::Pg(c) => ForgetPg { before: &before, limit: &limit }.execute(c)?,
                AnyConnection::Sqlite(c) => ForgetSqlite { before: &before, limit: &limit }.execute(c)?,
            })
        };
        self.inner.readers.run(forget).await
    }
}
