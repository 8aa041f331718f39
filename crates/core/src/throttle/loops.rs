//! Polls are in no class: they are cheap, and held. But a loop of polls that find nothing and are not held either would
//! be as fast as the network: such a loop may do ten a second.
//!
//! It is counted at each gateway by itself, and only polls that were answered at once and empty are.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use pollgate_model::{Mailbox, Rate};
use tokio::time::Instant;

use super::bucket::Bucket;
use crate::figures::Limit;

/// Most mailboxes that are counted for at once. At that bound a further one is not.
const MOST: usize = 100_000;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Loops {
    /// Ten a second; `None`: nothing is counted.
    rate: Option<Rate>,
    buckets: DashMap<Mailbox, Bucket>,
    started: Instant,
    refused: AtomicU64,
    /// How often there was no room.
    met: AtomicU64,
}

impl Loops {
    pub(super) fn new(enabled: bool) -> Self {
        let rate = if enabled { Rate::from_str("10/s").ok() } else { None };
        let (buckets, started) = (DashMap::new(), Instant::now());
        Self { rate, buckets, started, refused: AtomicU64::new(0), met: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The mailbox may be polled.
    ///
    /// # Errors
    /// After so long it may.
    pub(super) fn check(&self, mailbox: &Mailbox) -> Result<(), Duration> {
        let Some(rate) = self.rate else { return Ok(()) };
        let Some(wait) = self.buckets.get(mailbox).map(|bucket| bucket.wait(rate, self.now())) else {
            return Ok(());
        };
        if wait == 0 {
            return Ok(());
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(Duration::from_micros(wait))
    }

    /// A poll found nothing, and took so long.
    pub(crate) fn found_nothing(&self, mailbox: &Mailbox, took: Duration) {
        let Some(rate) = self.rate else { return };
        // one that is held for that long cannot be part of such a loop
        if took >= rate.time_for(1) {
            return;
        }
        let now = self.now();
        if let Some(mut bucket) = self.buckets.get_mut(mailbox) {
            // several at once may have been checked before: all of them count
            bucket.count(rate, now);
            return;
        }
        if self.buckets.len() >= MOST {
            self.met.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.buckets.entry(mailbox.clone()).or_default().count(rate, now);
    }

    /// Forgets those that are full again.
    pub(super) fn sweep(&self) {
        let now = self.now();
        self.buckets.retain(|_, bucket| !bucket.is_full(now));
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn limit(&self) -> Limit {
        Limit {
            name: "poll_loops",
            most: MOST as u64,
            used: Some(self.buckets.len() as u64),
            refused: Some(self.met.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: &str) -> Mailbox {
        Mailbox::main(name.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn ten_empty_polls_at_once_and_then_ten_a_second() {
        let (loops, bob) = (Loops::new(true), mailbox("bob"));
        for _ in 0..10 {
            loops.check(&bob).unwrap();
            loops.found_nothing(&bob, Duration::ZERO);
        }
        assert_eq!(loops.check(&bob), Err(Duration::from_millis(100)));
        loops.check(&mailbox("ann")).unwrap();
        tokio::time::advance(Duration::from_millis(100)).await;
        loops.check(&bob).unwrap();
        assert_eq!((loops.refused(), loops.limit().used), (1, Some(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        loops.sweep();
        assert_eq!(loops.limit().used, Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_poll_that_was_held_does_not_count() {
        let (loops, bob) = (Loops::new(true), mailbox("bob"));
        for _ in 0..100 {
            loops.check(&bob).unwrap();
            loops.found_nothing(&bob, Duration::from_millis(100));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded_and_one_more_is_not_counted() {
        let loops = Loops::new(true);
        for number in 0..=MOST {
            loops.found_nothing(&mailbox(&number.to_string()), Duration::ZERO);
        }
        let limit = loops.limit();
        assert_eq!((limit.used, limit.refused), (Some(MOST as u64), Some(1)));
    }
}
