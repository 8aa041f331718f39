//! Connections of the public address: how many there are, and when one is given up.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use pollgate_core::Limit;
use socket2::SockRef;
use tracing::warn;

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

/// Has the system end a connection whose client takes nothing of what was written for so long. The server itself
/// waits for such a client without a bound.
pub(crate) fn give_up_after(connection: &dyn Any, time: Duration) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
    // TCP_USER_TIMEOUT covers both a peer that acknowledges nothing and one whose receive window stays closed
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(time)) {
        warn!(%error, "no time-out for writing could be set on a connection");
    }
}
