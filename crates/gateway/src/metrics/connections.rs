//! Connections of the public address: how many there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix_web::dev::Extensions;
use pollgate_core::Limit;

/// Counts connections. The bound itself is kept by the server: at it, further clients wait to be accepted.
#[derive(Debug)]
pub(crate) struct Connections {
    open: AtomicUsize,
    most: usize,
    /// How often the last place was taken.
    met: AtomicU64,
}

/// An open connection; dropped with it.
struct Open(Arc<Connections>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    /// None yet.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), most, met: AtomicU64::new(0) })
    }

    /// Counts a connection from here to its end.
    pub(crate) fn opened(self: &Arc<Self>, data: &mut Extensions) {
        if self.open.fetch_add(1, Ordering::Relaxed) + 1 == self.most {
            self.met.fetch_add(1, Ordering::Relaxed);
        }
        data.insert(Open(self.clone()));
    }

    pub(super) fn limit(&self) -> Limit {
        Limit {
            name: "most_connections",
            most: self.most as u64,
            used: Some(self.open.load(Ordering::Relaxed) as u64),
            refused: Some(self.met.load(Ordering::Relaxed)),
        }
    }
}
