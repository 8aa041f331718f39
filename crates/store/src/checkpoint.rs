//! SQLite's write-ahead log is copied into the database by a thread of its own, so that no sender waits for it.
//!
//! Rule: the log does not grow without bound. Usually copying keeps up beside the writer; when it does not, the
//! writer is made to wait once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tracing::debug;

use crate::connection::{Connector, Lock};
use crate::error::{Failure, StoreError};
use crate::task;

/// Rows written between two looks at the log.
const LOOK_EVERY_ROWS: usize = 2_000;
/// From this size on the log is copied while the writer goes on.
const WORTH_COPYING: u64 = 4 << 20;
/// From this size on the writer has to wait until the log begins anew.
const TOO_LARGE: u64 = 128 << 20;

/// A writer's end: tells how much was written. The thread ends with the last of them.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    nudge: SyncSender<()>,
    rows: usize,
}

impl Checkpoints {
    pub(crate) fn start(
        connector: &Connector,
        path: &str,
        lock: Option<Arc<Lock>>,
    ) -> Result<Self, StoreError> {
        let (nudge, nudges) = sync_channel(1);
        let (connector, log) = (connector.clone(), PathBuf::from(format!("{path}-wal")));
        // nobody waits for it: it ends with the writers, and the log that it leaves is read at the next start
        let _ended = task::thread("checkpoints", move || {
            let _lock = lock;
            run(&nudges, &connector, &log);
        })?;
        Ok(Self { nudge, rows: 0 })
    }

    /// So many rows were committed.
    pub(crate) fn wrote(&mut self, rows: usize) {
        self.rows += rows;
        if self.rows >= LOOK_EVERY_ROWS {
            self.rows = 0;
            // full: it has been told already
            let _told = self.nudge.try_send(());
        }
    }
}

fn run(nudges: &Receiver<()>, connector: &Connector, log: &std::path::Path) {
    let mut conn = None;
    while nudges.recv().is_ok() {
        let size = std::fs::metadata(log).map_or(0, |m| m.len());
        if size < WORTH_COPYING {
            continue;
        }
        let how = if size < TOO_LARGE { "PASSIVE" } else { "TRUNCATE" };
        let result = (|| {
            let open = match conn.take() {
                Some(open) => open,
                None => connector.connect()?,
            };
            let open = conn.insert(open);
            open.run(&format!("PRAGMA wal_checkpoint({how})"))
        })();
        if let Err(failure) = result {
            let failure: Failure = failure;
            debug!(?failure, "the log was not copied, trying again later");
        }
    }
}
