//! The one door through which this crate starts background work.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Starts tasks on the runtime that the broker was made on.
///
/// Requests may run on short-lived or single-threaded runtimes of their own; work that outlives them must not.
#[derive(Clone, Debug)]
pub(crate) struct Tasks(Handle);

impl Tasks {
    /// On the runtime of the caller.
    pub(crate) fn here() -> Self {
        Self(Handle::current())
    }

    /// Starts `work`. Whoever wants to know how it ended keeps the handle or a channel into it.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.spawn(work)
    }
}
