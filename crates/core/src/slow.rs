//! Makes slow stages stand out in the log without flooding it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pollgate_model::Timestamp;
use tracing::warn;

/// At most one line in so many milliseconds.
const EVERY_MS: u64 = 1000;

/// One stage of a message's way (commit, publish), and the time it should not take.
#[derive(Debug)]
pub(crate) struct SlowStage {
    stage: &'static str,
    limit: Duration,
    last_said_ms: AtomicU64,
    unsaid: AtomicU64,
}

impl SlowStage {
    pub(crate) fn new(stage: &'static str, limit: Duration) -> Self {
        Self { stage, limit, last_said_ms: AtomicU64::new(0), unsaid: AtomicU64::new(0) }
    }

    /// Says so when this took too long.
    pub(crate) fn note(&self, took: Duration) {
        if took <= self.limit {
            return;
        }
        let now = u64::try_from(Timestamp::now().as_ms()).unwrap_or(0);
        let last = self.last_said_ms.load(Ordering::Relaxed);
        let due = now.saturating_sub(last) >= EVERY_MS;
        // of several at once one wins and speaks for the others
        if !due
            || self.last_said_ms.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            self.unsaid.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let others = self.unsaid.swap(0, Ordering::Relaxed);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        warn!(stage = self.stage, took_ms, others, "slow stage: {} took {took_ms} ms", self.stage);
    }
}
