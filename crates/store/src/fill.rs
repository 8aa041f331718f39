//! How full the store's bounds are.

use pollgate_model::Counted;

use crate::Store;

/// A bound, and what is used of it now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// The bound.
    pub most: usize,
    /// What is used.
    pub used: usize,
    /// How often it was met since the start.
    pub refused: u64,
}

/// The store's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFill {
    /// What waits for the writer that has most to do.
    pub writer_queue: Fill,
    /// The readers' connections.
    pub pool: Fill,
}

impl Store {
    /// How much was written in one transaction: messages, events, changes, marks. What only settles is not counted.
    #[must_use]
    pub fn batches(&self) -> Counted {
        self.inner.writers.batches()
    }

    /// The readers' connections that are in use, and those that are open and wait.
    #[must_use]
    pub fn pool_use(&self) -> (u64, u64) {
        self.inner.readers.in_use_and_idle()
    }

    /// How full the store's bounds are.
    #[must_use]
    pub fn fill(&self) -> StoreFill {
        StoreFill { writer_queue: self.inner.writers.fill(), pool: self.inner.readers.fill() }
    }
}
