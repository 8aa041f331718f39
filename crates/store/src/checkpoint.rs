//! SQLite's write-ahead log is copied into the database by a thread of its own, so that no sender waits for it.
//!
//! Rule: the log does not grow without bound. It begins anew only when all of it is copied, which a busy writer never
//! leaves time for; so when the thread has copied the bulk, the writer itself copies the small rest between two
//! transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tracing::debug;

use crate::connection::{AnyConnection, Connector};
use crate::error::{Failure, StoreError};
use crate::task;

/// Rows written from one copying to the next.
const COPY_EVERY_ROWS: usize = 8_000;
/// Copies what can be copied without waiting for anybody.
pub(crate) const COPY: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// A writer's end: tells how much was written. The thread ends with the last of them.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    nudge: SyncSender<()>,
    rows: usize,
    copied: Arc<AtomicBool>,
}

impl Checkpoints {
    pub(crate) fn start(connector: &Connector) -> Result<Self, StoreError> {
        let (nudge, nudges) = sync_channel(1);
        let copied = Arc::new(AtomicBool::new(false));
        let (connector, tell) = (connector.clone(), copied.clone());
        // nobody waits for it: it ends with the writers, and the log that it leaves is read at the next start. It holds no
        // lock: copying once more while the next owner writes already does no harm
        let _ended = task::thread("checkpoints", move || run(&nudges, &connector, &tell))?;
        Ok(Self { nudge, rows: 0, copied })
    }

    /// So many rows were committed. `true`: the writer is to copy the rest now.
    pub(crate) fn wrote(&mut self, rows: usize) -> bool {
        self.rows += rows;
        if self.rows >= COPY_EVERY_ROWS {
            self.rows = 0;
            // full: it has been told already
            let _told = self.nudge.try_send(());
        }
        self.copied.swap(false, Ordering::AcqRel)
    }
}

fn run(nudges: &Receiver<()>, connector: &Connector, copied: &AtomicBool) {
    let mut conn = None;
    while nudges.recv().is_ok() {
        match copy(&mut conn, connector) {
            Ok(()) => copied.store(true, Ordering::Release),
            Err(failure) => {
                conn = None;
                debug!(?failure, "the log was not copied, trying again later");
            }
        }
    }
}

fn copy(conn: &mut Option<AnyConnection>, connector: &Connector) -> Result<(), Failure> {
    if conn.is_none() {
        *conn = Some(connector.connect()?);
    }
    conn.as_mut().map_or(Ok(()), |conn| conn.run(COPY))
}
