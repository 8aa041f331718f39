//! Expiry: deadlines in a heap, looked at when they are due, never everything at once.
//!
//! A user stands in the heap once for its next deadline. A deadline that moved away is found wrong when it is due
//! and put back; only a deadline that moved nearer is added at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use pollgate_model::UserId;
use tokio::sync::Notify;

use super::Shared;

/// Slept at most, so that a broker that was dropped lets its task go.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Looked at in one go before others get their turn.
const BATCH: usize = 1000;

/// When which user has to be looked at.
#[derive(Default)]
pub(super) struct Deadlines {
    heap: Mutex<BinaryHeap<Reverse<(i64, UserId)>>>,
    nearer: Arc<Notify>,
}

impl Deadlines {
    pub(super) fn add(&self, at_ms: i64, user: &UserId) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let first = heap.peek().is_none_or(|Reverse((first, _user))| at_ms < *first);
        heap.push(Reverse((at_ms, user.clone())));
        drop(heap);
        if first {
            self.nearer.notify_one();
        }
    }

    /// Ends the sweeper's sleep.
    pub(super) fn wake(&self) {
        self.nearer.notify_one();
    }

    fn due(&self, now_ms: i64) -> Option<(i64, UserId)> {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        if heap.peek().is_none_or(|Reverse((at, _user))| *at > now_ms) {
            return None;
        }
        heap.pop().map(|Reverse(entry)| entry)
    }

    fn wait(&self, now_ms: i64) -> Duration {
        let heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Reverse((at, _user))) = heap.peek() else { return LONGEST_SLEEP };
        let ms = u64::try_from(at.saturating_sub(now_ms)).unwrap_or(0);
        Duration::from_millis(ms).min(LONGEST_SLEEP)
    }
}

/// Expires until the broker is gone.
pub(super) async fn run(shared: Weak<Shared>) {
    loop {
        let (nearer, wait) = {
            let Some(shared) = shared.upgrade() else { return };
            if shared.ledger.is_closed() {
                return;
            }
            for _each in 0..BATCH {
                let Some((at_ms, user)) = shared.deadlines.due(super::now_ms()) else { break };
                shared.check(at_ms, &user);
            }
            (Arc::clone(&shared.deadlines.nearer), shared.deadlines.wait(super::now_ms()))
        };
        // a time-out is the deadline itself
        let _nearer = tokio::time::timeout(wait, nearer.notified()).await;
    }
}
