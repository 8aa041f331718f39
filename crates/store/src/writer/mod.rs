//! Group commit: threads that write what waits in their queues, one transaction for all of it, and answer each
//! sender after the commit.
//!
//! Rule: what concerns one room always goes to the same writer, so that its events leave in commit order.

mod announce;
mod attached;
mod batch;
mod changes;
mod draft;
mod keys;
mod marks;
mod pg;
#[cfg(test)]
mod plans_tests;
mod room_tables;
mod settle;
mod sqlite;
mod tables;
mod thread;
pub(crate) mod unit;
mod work;

use std::hash::{Hash, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use pollgate_model::{Counted, Counts, InstanceId, RoomId, UserId};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;

use crate::checkpoint::Checkpoints;
use crate::connection::{Connector, Lock, Place};
use crate::directs::Directs;
use crate::error::StoreError;
use crate::fill::Fill;
use crate::health::Health;
use crate::outgoing::OnCommit;
use crate::settings::StoreSettings;
use crate::sql::Id;
use crate::statements::Counter;
use crate::task::{self, Ended};
use batch::Shared;
use settle::Settling;
use tables::Tickets;
use thread::Writer;
use unit::{Claim, Unit};

/// What askers hear whose turn never came.
const WAITED: &str = "waited too long for the database";
const CLOSING: &str = "the store is closing";
/// Bounds of the sizes of batches.
const BATCHES: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// What the writers are made of.
pub(crate) struct Parts<'p> {
    pub(crate) settings: &'p StoreSettings,
    pub(crate) connector: &'p Connector,
    pub(crate) instance: InstanceId,
    pub(crate) on_commit: Arc<dyn OnCommit>,
    pub(crate) health: Arc<Health>,
    pub(crate) directs: Arc<Directs>,
    /// The highest ticket in the outbox.
    pub(crate) last_ticket: i64,
    /// Held until the last writer has ended.
    pub(crate) lock: Option<Arc<Lock>>,
}

/// The handle to all writers.
pub(crate) struct Writers {
    queues: Vec<mpsc::Sender<Unit>>,
    settling: Arc<Settling>,
    /// The database takes one writer at a time.
    alone: bool,
    // async: held while the ends are awaited, by one caller at a time
    ends: Mutex<Vec<Ended>>,
    stopping: AtomicBool,
    /// Units that found their queue full.
    refused: AtomicU64,
    statements: Counter,
    batches: Arc<Counts<10>>,
    health: Arc<Health>,
    /// How long a unit may wait for its turn.
    longest_wait: Duration,
    /// How long it may take from then on.
    patience: Duration,
}

impl Writers {
    /// Starts the threads.
    pub(crate) fn start(parts: Parts<'_>) -> Result<Self, StoreError> {
        let settings = parts.settings;
        let count = match (&parts.connector.place, settings.writers) {
            (Place::Sqlite(_), _) => 1,
            (Place::Pg(_), 0) => 2,
            (Place::Pg(_), count) => count,
        };
        let checkpoints = match &parts.connector.place {
            Place::Sqlite(_) => Some(Checkpoints::start(parts.connector)?),
            Place::Pg(_) => None,
        };
        let tickets = Arc::new(Tickets::default());
        tickets.start_after(parts.last_ticket);
        let settling = Arc::new(Settling::default());
        let statements = Counter::default();
        let batches = Arc::new(Counts::new(&BATCHES));
        let (mut queues, mut ends) = (Vec::new(), Vec::new());
        for number in 0..count {
            let (queue, units) = mpsc::channel(settings.writer_queue.max(1));
            let writer = Writer::new(thread::Parts {
                units,
                connector: parts.connector.clone(),
                shared: Shared {
                    instance: Id(parts.instance.uuid()),
                    directs: parts.directs.clone(),
                    tickets: tickets.clone(),
                    keys_kept: settings.keys_kept,
                },
                settling: settling.clone(),
                on_commit: parts.on_commit.clone(),
                health: parts.health.clone(),
                statements: statements.clone(),
                batches: batches.clone(),
                batch: settings.batch.max(1),
                longest_wait: settings.statement_timeout,
                checkpoints: checkpoints.clone(),
            })?;
            let lock = parts.lock.clone();
            ends.push(task::thread(&format!("writer-{number}"), move || {
                let _lock = lock;
                writer.run();
            })?);
            queues.push(queue);
        }
        Ok(Self {
            queues,
            settling,
            alone: matches!(parts.connector.place, Place::Sqlite(_)),
            ends: Mutex::new(ends),
            stopping: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            statements,
            batches,
            health: parts.health,
            longest_wait: settings.statement_timeout,
            patience: settings.statement_timeout.saturating_mul(2) + settings.connect_timeout,
        })
    }

    /// Which writer is responsible for a room.
    pub(crate) fn of_room(&self, room: RoomId) -> usize {
        self.pick(room)
    }

    /// Which writer is responsible for what goes to a user alone.
    pub(crate) fn of_user(&self, user: &UserId) -> usize {
        self.pick(user)
    }

    fn pick(&self, key: impl Hash) -> usize {
        let mut hasher = std::hash::DefaultHasher::new();
        key.hash(&mut hasher);
        let count = u64::try_from(self.queues.len().max(1)).unwrap_or(1);
        usize::try_from(hasher.finish() % count).unwrap_or(0)
    }

    /// Nobody but the writer may write.
    pub(crate) const fn is_alone(&self) -> bool {
        self.alone
    }

    /// Queues a unit, unless the queue is full.
    pub(crate) fn offer(&self, writer: usize, unit: Unit) -> Result<(), StoreError> {
        let stopped = || StoreError::Unavailable(CLOSING.into());
        if self.stopping.load(Ordering::Acquire) {
            return Err(stopped());
        }
        let queue = self.queues.get(writer).ok_or_else(stopped)?;
        queue.try_send(unit).map_err(|e| match e {
            TrySendError::Full(_) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                StoreError::Busy("writer queue")
            }
            TrySendError::Closed(_) => stopped(),
        })
    }

    /// The fullest queue.
    pub(crate) fn fill(&self) -> Fill {
        let refused = self.refused.load(Ordering::Relaxed);
        let fill = |queue: &mpsc::Sender<Unit>| {
            let most = queue.max_capacity();
            Fill { most, used: most - queue.capacity(), refused }
        };
        self.queues.iter().map(fill).max_by_key(|fill| fill.used).unwrap_or_default()
    }

    /// How much was written in one transaction.
    pub(crate) fn batches(&self) -> Counted {
        self.batches.read()
    }

    /// Statements of all writers.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.read()
    }

    /// Waits for a writer's answer: as long as the unit may wait for its turn, and longer when that has come.
    pub(crate) async fn answer<T>(
        &self,
        claim: &Claim,
        mut answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut answered = timeout(self.longest_wait, &mut answer).await;
        if answered.is_err() {
            if claim.take() {
                self.health.lost(WAITED);
                return Err(StoreError::Unavailable(WAITED.into()));
            }
            answered = timeout(self.patience, answer).await;
        }
        match answered {
            Ok(Ok(result)) => result,
            // the writer ended, or hangs: nobody knows how far it got
            Ok(Err(_gone)) => Err(StoreError::Uncertain("the writer ended".into())),
            Err(_elapsed) => {
                let why = "no answer within the time-outs";
                self.health.lost(why);
                Err(StoreError::Uncertain(why.into()))
            }
        }
    }

    /// These leave the outbox soon.
    pub(crate) fn settle(&self, tickets: Vec<i64>) {
        self.settling.add(tickets);
    }

    /// Lets the writers finish what they have, and waits for their end.
    pub(crate) async fn stop(&self) -> Result<(), StoreError> {
        self.stopping.store(true, Ordering::Release);
        let mut failed = None;
        for queue in &self.queues {
            let (reply, answer) = oneshot::channel();
            let sent = timeout(self.patience, queue.send(Unit::Stop(reply))).await;
            match sent {
                Ok(Ok(())) => {}
                // ended already, or so far behind that it cannot be waited for
                Ok(Err(_closed)) => continue,
                Err(_elapsed) => {
                    failed = Some(StoreError::Unavailable("a writer does not finish".into()));
                    continue;
                }
            }
            match timeout(self.longest_wait + self.patience, answer).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => failed = Some(error),
                Ok(Err(_)) | Err(_) => {
                    failed = Some(StoreError::Unavailable("a writer did not finish".into()));
                }
            }
        }
        for end in self.ends.lock().await.drain(..) {
            // its end is told by dropping, so only the time-out matters
            let _elapsed = timeout(self.patience, end).await;
        }
        failed.map_or(Ok(()), Err)
    }
}
