//! Beats at a fixed rate, for open-loop load.
//!
//! The runtime's own timer ticks in milliseconds and rounds up, which would show as up to a millisecond of
//! latency. A thread that waits on a channel is woken within some fifty microseconds.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// A running beat; dropping it ends the thread.
pub(crate) struct Metronome {
    beats: Arc<Semaphore>,
    start: Instant,
    every: Duration,
    _stop: SyncSender<()>,
}

impl Metronome {
    /// `count` beats, `rate` a second, the first at once.
    pub(crate) fn start(rate: u32, count: usize) -> Self {
        let every = Duration::from_secs(1) / rate.max(1);
        let beats = Arc::new(Semaphore::new(0));
        let (stop, stopped) = sync_channel::<()>(1);
        let start = Instant::now();
        let gate = Arc::clone(&beats);
        std::thread::spawn(move || {
            let mut given = 0;
            while given < count {
                let due = (start.elapsed().as_nanos() / every.as_nanos().max(1)) as usize + 1;
                let due = due.min(count);
                gate.add_permits(due - given);
                given = due;
                let next = start + every * u32::try_from(given).unwrap_or(u32::MAX);
                let wait = next.saturating_duration_since(Instant::now());
                if stopped.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        });
        Self { beats, start, every, _stop: stop }
    }

    /// Waits for the next beat; false when the beats are over. Cancel safe.
    pub(crate) async fn beat(&self) -> bool {
        match self.beats.acquire().await {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_closed) => false,
        }
    }

    /// Tells everybody who still waits that the last beat was taken.
    pub(crate) fn finish(&self) {
        self.beats.close();
    }

    /// When beat `n` is due.
    pub(crate) fn due(&self, n: usize) -> Instant {
        self.start + self.every * u32::try_from(n).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_beat_comes_before_it_is_due() {
        let metronome = Metronome::start(2_000, 40);
        for n in 0..40 {
            assert!(metronome.beat().await);
            assert!(Instant::now() >= metronome.due(n), "beat {n} came early");
        }
    }
}
