//! Who watches the page: a bounded number, told when the gateway stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pollgate_core::Limit;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Pages that are open at once: one more is refused, so that a wall of screens is no load.
const MOST: usize = 32;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Watchers {
    seats: Arc<Semaphore>,
    refused: AtomicU64,
    leaving: watch::Sender<bool>,
}

impl Default for Watchers {
    fn default() -> Self {
        let seats = Arc::new(Semaphore::new(MOST));
        Self { seats, refused: AtomicU64::new(0), leaving: watch::Sender::new(false) }
    }
}

/// One who watches; dropped with the connection.
#[derive(Debug)]
pub(super) struct Seat {
    _permit: OwnedSemaphorePermit,
    leaving: watch::Receiver<bool>,
}

impl Seat {
    /// Waits until everybody is to go.
    ///
    /// Cancel safe.
    pub(super) async fn sent_away(&mut self) {
        // an error means that the gateway is gone, which says it too
        let _said = self.leaving.wait_for(|leaving| *leaving).await;
    }
}

impl Watchers {
    /// A seat; `None`: all are taken.
    pub(super) fn seat(&self) -> Option<Seat> {
        let Ok(permit) = self.seats.clone().try_acquire_owned() else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        Some(Seat { _permit: permit, leaving: self.leaving.subscribe() })
    }

    /// The gateway stops.
    pub(crate) fn send_away(&self) {
        self.leaving.send_replace(true);
    }

    /// How many watch.
    pub(crate) fn limit(&self) -> Limit {
        let free = self.seats.available_permits();
        Limit {
            name: "watchers",
            most: MOST as u64,
            used: Some(MOST.saturating_sub(free) as u64),
            refused: Some(self.refused.load(Ordering::Relaxed)),
        }
    }
}
