//! What is outstanding: bounds, and the outcome when the last copy of a publication is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::{BrokerError, Outcome, Outcomes, Ticket};

/// Counts what is outstanding and reports outcomes.
pub(super) struct Ledger {
    outcomes: Outcomes,
    closed: AtomicBool,
    bytes: AtomicU64,
    publications: AtomicU64,
    most_bytes: u64,
    most_publications: u64,
}

impl Ledger {
    pub(super) fn new(outcomes: Outcomes, most_bytes: u64, most_publications: u64) -> Self {
        Self {
            outcomes,
            closed: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            publications: AtomicU64::new(0),
            most_bytes,
            most_publications,
        }
    }

    /// Opens a receipt for a publication; every copy of it holds one. Without a ticket nobody is told how it ended.
    pub(super) fn open(
        self: &Arc<Self>,
        ticket: Option<Ticket>,
        bytes: usize,
    ) -> Result<Arc<Receipt>, BrokerError> {
        if self.is_closed() {
            return Err(BrokerError::Closed);
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let had = self.publications.fetch_add(1, Ordering::Relaxed);
        let held = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if had >= self.most_publications || held.saturating_add(bytes) > self.most_bytes {
            self.forget(bytes);
            return Err(BrokerError::Full("memory"));
        }
        Ok(Arc::new(Receipt { ledger: Arc::clone(self), ticket, bytes, taken: Instant::now() }))
    }

    /// From now on whatever ends, ends unknown: nobody acked it.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn forget(&self, bytes: u64) {
        self.publications.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Held by every copy of a publication; dropping the last one is the outcome.
pub(super) struct Receipt {
    ledger: Arc<Ledger>,
    ticket: Option<Ticket>,
    bytes: u64,
    taken: Instant,
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.ledger.forget(self.bytes);
        let Some(ticket) = self.ticket else { return };
        let result = if self.ledger.is_closed() { Err(BrokerError::Closed) } else { Ok(()) };
        // nobody listens any more: then nobody waits for it either
        drop(self.ledger.outcomes.send(Outcome { ticket, result, took: self.taken.elapsed(), trace: None }));
    }
}
