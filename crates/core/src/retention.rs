//! Removing old messages, when the configuration says so: by age, by number in a room, or both.
//!
//! One gateway does it at a time, in small transactions with pauses between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pollgate_model::Timestamp;
use pollgate_store::{Store, StoreError};
use tokio::time::sleep;
use tracing::{debug, info};

use crate::task::Stop;

/// Messages of one transaction.
const BATCH: u32 = 200;
/// Between two transactions: hardly any pause, or a real one while senders wait.
const BREATH: Duration = Duration::from_millis(5);
const PAUSE: Duration = Duration::from_millis(100);
/// A gateway that has begun and says nothing for so long is taken for dead.
const LEASE: Duration = Duration::from_secs(60);
const CHORE: &str = "retention";

/// What is kept. Nothing is removed when neither is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Messages that are older go.
    pub age: Option<Duration>,
    /// Of each room, so many of its newest places stay.
    pub per_room: Option<u32>,
    /// From one sweep to the next.
    pub every: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: None, per_room: None, every: Duration::from_secs(600) }
    }
}

/// Sweeps old messages away.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    removed: AtomicU64,
}

/// How a sweep ended.
enum Swept {
    All,
    /// Another gateway is at it, or was not long ago.
    NotMine,
    Stopped,
}

impl Sweeper {
    /// Messages that this process has removed.
    pub(crate) fn removed(&self) -> u64 {
        self.removed.load(Ordering::Relaxed)
    }

    /// The service; ends with the stop signal.
    pub(crate) async fn run(self: Arc<Self>, store: Store, rules: Retention, mut stop: Stop) {
        if rules.age.is_none() && rules.per_room.is_none() {
            return stop.wait().await;
        }
        loop {
            let before = self.removed();
            match self.sweep(&store, rules, &mut stop).await {
                Ok(Swept::Stopped) => return,
                Ok(Swept::NotMine) => {}
                Ok(Swept::All) => {
                    let removed = self.removed().saturating_sub(before);
                    if removed > 0 {
                        info!(removed, "old messages were removed");
                    }
                }
                Err(error) => debug!(%error, "old messages were not removed, trying again"),
            }
            tokio::select! {
                () = stop.wait() => return,
                () = sleep(rules.every) => {}
            }
        }
    }

    async fn sweep(&self, store: &Store, rules: Retention, stop: &mut Stop) -> Result<Swept, StoreError> {
        if let Some(age) = rules.age {
            let than = Timestamp::from_ms(Timestamp::now().as_ms().saturating_sub(ms(age)));
            let mut after = None;
            loop {
                if !store.take_chore(CHORE, LEASE).await? {
                    return Ok(Swept::NotMine);
                }
                let done = store.remove_older(than, after, BATCH).await?;
                self.note(done.messages);
                after = done.next;
                if after.is_none() {
                    break;
                }
                if breathe(store, stop).await {
                    return Ok(Swept::Stopped);
                }
            }
        }
        if let Some(keep) = rules.per_room {
            let mut after = None;
            loop {
                if !store.take_chore(CHORE, LEASE).await? {
                    return Ok(Swept::NotMine);
                }
                let done = store.remove_beyond(keep, after, BATCH).await?;
                self.note(done.messages);
                after = done.next;
                if after.is_none() {
                    break;
                }
                if breathe(store, stop).await {
                    return Ok(Swept::Stopped);
                }
            }
        }
        // the others need not look before this one will
        store.take_chore(CHORE, rules.every).await?;
        Ok(Swept::All)
    }

    fn note(&self, removed: usize) {
        self.removed.fetch_add(removed as u64, Ordering::Relaxed);
    }
}

/// Leaves the database to the others for a moment; `true`: it is time to stop.
async fn breathe(store: &Store, stop: &mut Stop) -> bool {
    let pause = if store.fill().writer_queue.used > 0 { PAUSE } else { BREATH };
    tokio::select! {
        () = stop.wait() => true,
        () = sleep(pause) => false,
    }
}

fn ms(age: Duration) -> i64 {
    i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
}
