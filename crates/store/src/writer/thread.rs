//! One writer: a thread, its connection, and its queue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pollgate_model::Counts;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::batch::{self, Applied, Shared};
use super::settle::Settling;
use super::unit::{Aside, Unit, Verdict};
use super::work::Work;
use crate::checkpoint::{self, Checkpoints};
use crate::connection::{AnyConnection, Connector, on_each};
use crate::error::{Failure, StoreError};
use crate::health::Health;
use crate::idempotency::Published;
use crate::outgoing::OnCommit;
use crate::statements::Counter;

/// Times that a transaction is tried when others are in its way.
const TRIES: u32 = 6;
/// Rows that are taken for what was written aside.
const ROWS_ASIDE: usize = 500;
/// Pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a writer is made of.
pub(super) struct Parts {
    pub(super) units: mpsc::Receiver<Unit>,
    pub(super) connector: Connector,
    pub(super) shared: Shared,
    pub(super) settling: Arc<Settling>,
    pub(super) on_commit: Arc<dyn OnCommit>,
    pub(super) health: Arc<Health>,
    pub(super) statements: Counter,
    pub(super) batches: Arc<Counts<10>>,
    /// Most units in one transaction.
    pub(super) batch: usize,
    /// What waited longer in the queue is not written any more.
    pub(super) longest_wait: Duration,
    pub(super) checkpoints: Option<Checkpoints>,
}

/// See the module's text.
pub(super) struct Writer {
    parts: Parts,
    // its own: it must work on while the process's runtime is being shut down
    waits: Runtime,
    conn: Option<AnyConnection>,
    pause: Duration,
    connect_at: Instant,
    refused: String,
}

/// Why the writer woke up.
enum Wake {
    Units,
    Settle,
    Connect,
    Closed,
}

/// How a transaction failed.
enum Broken {
    /// Nothing of it is there.
    Before(Failure),
    /// All of it may be there.
    Commit(String),
}

impl Writer {
    pub(super) fn new(parts: Parts) -> Result<Self, StoreError> {
        let waits = Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|e| StoreError::Unavailable(format!("no runtime for a writer: {e}")))?;
        let now = Instant::now();
        Ok(Self { parts, waits, conn: None, pause: FIRST_PAUSE, connect_at: now, refused: String::new() })
    }

    /// Works until it is told to stop or nobody holds its queue any more.
    pub(super) fn run(mut self) {
        let mut units = Vec::with_capacity(self.parts.batch);
        loop {
            match self.next(&mut units) {
                Wake::Units => {
                    if let Some(stop) = self.handle(&mut units) {
                        let left = self.finish();
                        self.refuse_the_rest();
                        drop(stop.send(left));
                        return;
                    }
                }
                Wake::Settle => self.commit(Vec::new()),
                Wake::Connect => drop(self.connect()),
                Wake::Closed => return,
            }
        }
    }

    fn next(&mut self, units: &mut Vec<Unit>) -> Wake {
        let Parts { units: queue, settling, batch, .. } = &mut self.parts;
        let connected = self.conn.is_some();
        let connect_at = tokio::time::Instant::from_std(self.connect_at);
        self.waits.block_on(async {
            tokio::select! {
                biased;
                got = queue.recv_many(units, *batch) => if got == 0 { Wake::Closed } else { Wake::Units },
                () = settling.due(), if connected => Wake::Settle,
                () = tokio::time::sleep_until(connect_at), if !connected => Wake::Connect,
            }
        })
    }

    /// Begins with what came in; whoever asked the writer to stop after it.
    fn handle(&mut self, units: &mut Vec<Unit>) -> Option<oneshot::Sender<Result<(), StoreError>>> {
        let mut stop = None;
        let (mut fresh, mut asides) = (Vec::with_capacity(units.len()), Vec::new());
        for unit in units.drain(..) {
            match unit {
                Unit::Stop(reply) => stop = Some(reply),
                unit if unit.is_wanted(self.parts.longest_wait) => match unit {
                    Unit::Aside(aside) => asides.push(aside),
                    unit => fresh.push(unit),
                },
                unit => unit.fail(StoreError::Unavailable(super::WAITED.into())),
            }
        }
        if !fresh.is_empty() {
            self.commit(fresh);
        }
        for aside in asides {
            self.write_aside(aside);
        }
        stop
    }

    /// Something that is not to hold anybody up: when everybody in the batch has been answered.
    fn write_aside(&mut self, aside: Aside) {
        let connected = self.connect().map_err(StoreError::from);
        let lost = match (connected, self.conn.as_mut()) {
            (Ok(()), Some(conn)) => (aside.work)(Ok(conn)),
            (Err(error), _) => (aside.work)(Err(error)),
            (Ok(()), None) => (aside.work)(Err(StoreError::Unavailable(self.refused.clone()))),
        };
        if let Some(why) = lost {
            self.disconnect(&why);
        }
        self.copy_log(ROWS_ASIDE);
    }

    /// Settles what is left; what cannot be settled stands in the outbox and is published again by another instance.
    fn finish(&mut self) -> Result<(), StoreError> {
        while !self.parts.settling.is_empty() {
            self.commit(Vec::new());
            if self.conn.is_none() {
                return Err(StoreError::Unavailable(self.refused.clone()));
            }
        }
        Ok(())
    }

    /// What came in while the writer was already told to stop.
    fn refuse_the_rest(&mut self) {
        self.parts.units.close();
        while let Ok(unit) = self.parts.units.try_recv() {
            unit.fail(StoreError::Unavailable(super::CLOSING.into()));
        }
    }

    /// One transaction for these units and the tickets to settle, or several when one of them spoils it.
    fn commit(&mut self, units: Vec<Unit>) {
        let settle = self.parts.settling.take();
        match self.transact(&units, &settle) {
            Ok(applied) => self.answer(units, applied),
            Err(broken) => {
                self.parts.settling.add(settle);
                self.answer_broken(units, broken);
            }
        }
    }

    fn answer_broken(&mut self, mut units: Vec<Unit>, broken: Broken) {
        match broken {
            Broken::Commit(why) => {
                self.disconnect(&why);
                self.parts.on_commit.uncertain();
                for unit in units {
                    unit.fail(StoreError::Uncertain(why.clone()));
                }
            }
            Broken::Before(Failure::Statement(_) | Failure::Corrupt(_) | Failure::Race(_))
                if units.len() > 1 =>
            {
                // one of them may be the cause: the others shall not pay for it
                let second = units.split_off(units.len() / 2);
                self.commit(units);
                self.commit(second);
            }
            Broken::Before(failure) => {
                let error = StoreError::from(failure);
                for unit in units {
                    unit.fail(error.clone());
                }
            }
        }
    }

    /// Tells the relay first, so that a sender who hears of the commit can count on its event being on its way.
    fn answer(&mut self, units: Vec<Unit>, applied: Applied) {
        self.parts.health.answered();
        if !units.is_empty() {
            self.parts.batches.note(units.len() as u64);
        }
        for direct in &applied.made {
            self.parts.shared.directs.made(direct);
        }
        for (room, members) in &applied.learnt {
            self.parts.shared.directs.learn(*room, members);
        }
        let rows = applied.outgoing.len();
        if !applied.outgoing.is_empty() {
            self.parts.on_commit.committed(applied.outgoing);
        }
        let (mut sends, mut publishes) = (applied.sends.into_iter(), applied.publishes.into_iter());
        let (mut changes, mut marks) = (applied.changes.into_iter(), applied.marks.into_iter());
        for unit in units {
            // the asker may have left, which does not matter
            match unit {
                Unit::Send(send) => drop(send.reply.send(sends.next().unwrap_or(Ok(Verdict::Again)))),
                Unit::Publish(publish) => {
                    drop(publish.reply.send(publishes.next().unwrap_or(Ok(Published::Now))))
                }
                Unit::Change(change) => drop(change.reply.send(changes.next().unwrap_or(Ok(Bytes::new())))),
                Unit::Mark(mark) => drop(mark.reply.send(marks.next().unwrap_or(Ok(())))),
                // not part of a batch
                Unit::Aside(_) => {}
                Unit::Stop(reply) => drop(reply.send(Ok(()))),
            }
        }
        self.copy_log(rows);
    }

    /// Does the writer's part in keeping SQLite's log small, when everybody has been answered.
    fn copy_log(&mut self, rows: usize) {
        let due = self.parts.checkpoints.as_mut().is_some_and(|checkpoints| checkpoints.wrote(rows));
        let Some(conn) = self.conn.as_mut().filter(|_| due) else { return };
        if let Err(failure) = conn.run(checkpoint::COPY) {
            debug!(?failure, "the rest of the log was not copied, trying again later");
        }
    }

    fn transact(&mut self, units: &[Unit], settle: &[i64]) -> Result<Applied, Broken> {
        let mut tries = 0;
        loop {
            tries += 1;
            let had_one = self.conn.is_some();
            self.connect().map_err(Broken::Before)?;
            match self.attempt(units, settle) {
                Err((_begun, Broken::Before(Failure::Race(_)))) if tries < TRIES => {}
                // a connection that died while nothing happened: a new one may do
                Err((false, Broken::Before(Failure::Lost(why)))) if had_one => self.drop_connection(&why),
                Err((_begun, broken)) => {
                    if let Broken::Before(Failure::Lost(why)) = &broken {
                        self.disconnect(why);
                    }
                    return Err(broken);
                }
                Ok(applied) => return Ok(applied),
            }
        }
    }

    /// One transaction; on failure also whether it had begun.
    fn attempt(&mut self, units: &[Unit], settle: &[i64]) -> Result<Applied, (bool, Broken)> {
        let Some(conn) = self.conn.as_mut() else {
            return Err((false, Broken::Before(Failure::Lost(self.refused.clone()))));
        };
        let begin = match conn {
            AnyConnection::Pg(_) => "BEGIN",
            AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
        };
        conn.run(begin).map_err(|e| (false, Broken::Before(e)))?;
        let work = Work::of(units);
        let shared = &self.parts.shared;
        match on_each!(conn, |c| batch::apply(c, shared, &work, settle)) {
            Ok(applied) => match conn.run("COMMIT") {
                Ok(()) => Ok(applied),
                Err(Failure::Race(why)) => Err((true, Broken::Before(self.roll_back(Failure::Race(why))))),
                Err(e) => Err((true, Broken::Commit(e.why()))),
            },
            Err(failure) => Err((true, Broken::Before(self.roll_back(failure)))),
        }
    }

    /// Ends a transaction that failed; the failure, or the worse one that the connection is lost.
    fn roll_back(&mut self, failure: Failure) -> Failure {
        if matches!(failure, Failure::Lost(_)) {
            return failure;
        }
        match self.conn.as_mut().map(|conn| conn.run("ROLLBACK")) {
            Some(Ok(())) => failure,
            Some(Err(e)) => Failure::Lost(e.why()),
            None => failure,
        }
    }

    /// Makes a connection unless there is one, not more often than the pauses allow.
    fn connect(&mut self) -> Result<(), Failure> {
        if self.conn.is_some() {
            return Ok(());
        }
        if Instant::now() < self.connect_at {
            return Err(Failure::Lost(self.refused.clone()));
        }
        match self.parts.connector.connect_writer() {
            Ok(mut conn) => {
                self.parts.statements.watch(&mut conn);
                self.conn = Some(conn);
                self.pause = FIRST_PAUSE;
                self.parts.health.connected();
                Ok(())
            }
            Err(failure) => {
                let why = failure.why();
                self.parts.health.refused(&why);
                self.connect_at = Instant::now() + self.pause;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                self.refused.clone_from(&why);
                Err(Failure::Lost(why))
            }
        }
    }

    /// The database is gone.
    fn disconnect(&mut self, why: &str) {
        self.drop_connection(why);
        self.parts.health.lost(why);
    }

    fn drop_connection(&mut self, why: &str) {
        self.conn = None;
        self.connect_at = Instant::now();
        why.clone_into(&mut self.refused);
    }
}
