//! Writing beside the messages: housekeeping that must not get into the senders' way.
//!
//! PostgreSQL takes it over a reader's connection, next to the writers. SQLite has one writer at a time, so there the
//! writer itself does it, between two batches.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::Store;
use crate::connection::AnyConnection;
use crate::error::{Failure, StoreError};
use crate::writer::unit::{Aside, Claim, Unit};

impl Store {
    /// Runs `work` in a transaction of its own, which it must keep short. It may be run twice when a connection is lost, so it
    /// must do the same then.
    pub(crate) async fn aside<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut AnyConnection) -> Result<T, Failure> + Send + 'static,
    {
        if !self.inner.writers.is_alone() {
            return self.inner.readers.run(move |conn| transaction(conn, &work)).await;
        }
        let (reply, answer) = oneshot::channel();
        let work = move |conn: Result<&mut AnyConnection, StoreError>| {
            let done = conn.map_err(|error| (error, None)).and_then(|conn| {
                transaction(conn, &work).map_err(|failure| {
                    let lost = if let Failure::Lost(why) = &failure { Some(why.clone()) } else { None };
                    (StoreError::from(failure), lost)
                })
            });
            let (result, lost) = match done {
                Ok(value) => (Ok(value), None),
                Err((error, lost)) => (Err(error), lost),
            };
            // the asker may have left, which does not matter
            drop(reply.send(result));
            lost
        };
        let claim = Claim::default();
        let unit = Aside { work: Box::new(work), queued: Instant::now(), claim: claim.clone() };
        self.inner.writers.offer(0, Unit::Aside(unit))?;
        self.inner.writers.answer(&claim, answer).await
    }
}

/// All of it or nothing.
pub(crate) fn transaction<T>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    conn.run(match conn {
        AnyConnection::Pg(_) => "BEGIN",
        AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
    })?;
    let failure = match work(conn) {
        Ok(value) => match conn.run("COMMIT") {
            Ok(()) => return Ok(value),
            Err(failure) => failure,
        },
        Err(failure) => failure,
    };
    if matches!(failure, Failure::Lost(_)) {
        return Err(failure);
    }
    // a connection that cannot even do that is of no more use
    conn.run("ROLLBACK").map_err(|e| Failure::Lost(e.why()))?;
    Err(failure)
}
