//! The lease on the outbox: while it is renewed the rows of this instance are its own; rows of an instance that
//! has stopped renewing are adopted by whoever looks first.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pollgate_store::Store;
use tracing::{debug, info};

use super::{PAGE, Relay};
use crate::Overview;
use crate::task::Stop;

/// How often the lease is renewed and others' leases are looked at.
const BEAT: Duration = Duration::from_secs(3);
/// An instance is taken for dead after so long without renewal. One that was only slow publishes twice: harmless.
pub(crate) const DEAD_AFTER: Duration = Duration::from_secs(15);
/// For so many beats after a commit of unknown outcome the outbox is looked through: longer than any statement may
/// take.
pub(super) const BEATS_OF_DOUBT: usize = 10;

impl Relay {
    /// The service that renews the lease and adopts the rows of the dead; ends with the stop signal.
    pub(crate) async fn hold_lease(self: Arc<Self>, store: Store, overview: Arc<Overview>, mut stop: Stop) {
        loop {
            if let Err(error) = overview.heartbeat(&store).await {
                debug!(%error, "lease was not renewed, trying again");
            }
            self.adopt(&store).await;
            if let Err(error) = overview.look_around(&store).await {
                debug!(%error, "the other gateways were not looked at, trying again");
            }
            let doubt = self.uncertain.load(Ordering::Relaxed);
            if doubt > 0 {
                self.uncertain.store(doubt - 1, Ordering::Relaxed);
                self.look_past(0);
            }
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(BEAT) => {}
            }
        }
    }

    /// Makes rows of the dead our own and has them read; they need not fit into memory.
    async fn adopt(&self, store: &Store) {
        loop {
            let rows = match store.adopt(DEAD_AFTER, PAGE).await {
                Ok(rows) => rows,
                Err(error) => return debug!(%error, "outbox of others was not looked at, trying again"),
            };
            let Some(first) = rows.iter().map(|row| row.ticket).min() else { return };
            info!(rows = rows.len(), "adopted the outbox rows of an instance that is gone");
            self.rows.fetch_add(rows.len(), Ordering::Relaxed);
            self.look_past(first - 1);
        }
    }
}
