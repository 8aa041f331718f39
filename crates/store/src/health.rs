//! Whether the database answered when it was last asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing::{info, warn};

/// What readers and writers learnt last; changes are logged once.
#[derive(Debug)]
pub(crate) struct Health {
    up: AtomicBool,
    // a std lock: held for a copy, never over I/O
    refused: Mutex<Option<String>>,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self { up: AtomicBool::new(true), refused: Mutex::new(None) }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// The database answered.
    pub(crate) fn answered(&self) {
        if !self.up.load(Ordering::Relaxed) && !self.up.swap(true, Ordering::Relaxed) {
            info!("the database answers again");
        }
    }

    /// A connection could be made.
    pub(crate) fn connected(&self) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.answered();
    }

    /// The connection is gone.
    pub(crate) fn lost(&self, why: &str) {
        if self.up.swap(false, Ordering::Relaxed) {
            warn!(error = why, "the database does not answer, trying again");
        }
    }

    /// No connection could be made.
    pub(crate) fn refused(&self, why: &str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
        self.lost(why);
    }

    /// Why no connection could be made, when that is how it stands.
    pub(crate) fn why_refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
