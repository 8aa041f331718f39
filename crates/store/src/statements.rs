//! How many statements the database was asked for: what shows whether an answer costs one of them or many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::Connection as _;
use diesel::connection::{Instrumentation, InstrumentationEvent};

use crate::Store;
use crate::connection::{AnyConnection, on_each};

/// Statements since the start, by kind of connection. What a connection is told when it is made is not counted;
/// beginning and committing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// Of the pool of readers.
    pub readers: u64,
    /// Of all writers together.
    pub writers: u64,
}

/// Counts what the connections that it is given to are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

impl Counter {
    /// So many until now.
    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts what this connection does from now on.
    pub(crate) fn watch(&self, conn: &mut AnyConnection) {
        on_each!(conn, |c| c.set_instrumentation(self.clone()));
    }
}

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Store {
    /// How many statements this handle has asked the database for.
    #[must_use]
    pub fn statements(&self) -> Statements {
        Statements { readers: self.inner.readers.statements(), writers: self.inner.writers.statements() }
    }
}
