//! Tickets that are to leave the outbox, waiting for a transaction that takes them along.
//!
//! Bounded by the outbox itself: a ticket stands here at most once for each row that is there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long a ticket waits for a transaction of others before it gets one of its own.
const PATIENCE: Duration = Duration::from_millis(20);
/// Most tickets that one transaction takes along.
const MOST: usize = 4096;

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    // a std lock: held for a copy, never over I/O
    tickets: Mutex<Vec<i64>>,
    arrived: Notify,
}

impl Settling {
    pub(crate) fn add(&self, mut tickets: Vec<i64>) {
        if tickets.is_empty() {
            return;
        }
        self.lock().append(&mut tickets);
        self.arrived.notify_one();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes the next ones, ascending; what the transaction does not settle has to be given back.
    pub(crate) fn take(&self) -> Vec<i64> {
        let mut all = self.lock();
        let rest = all.len().saturating_sub(MOST);
        let mut taken = all.split_off(rest);
        drop(all);
        taken.sort_unstable();
        taken.dedup();
        taken
    }

    /// Resolves when tickets have waited long enough. Cancel safe.
    pub(crate) async fn due(&self) {
        if self.is_empty() {
            self.arrived.notified().await;
        }
        tokio::time::sleep(PATIENCE).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<i64>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
