//! A runtime of its own for the storage: a network folder that hangs takes threads with it, and those must not be the
//! ones that the database and everybody else wait for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::FilesError;

/// Threads that may wait for the file system at once.
const THREADS: usize = 64;

/// The runtime; ends without waiting for what hangs.
#[derive(Debug)]
pub(crate) struct Apart(Option<Runtime>);

impl Apart {
    pub(crate) fn start() -> Result<Arc<Self>, FilesError> {
        let built = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(THREADS)
            .thread_name("files")
            .enable_all()
            .build();
        match built {
            Ok(runtime) => Ok(Arc::new(Self(Some(runtime)))),
            Err(error) => Err(FilesError::Unavailable(format!("no threads for the storage: {error}"))),
        }
    }

    /// Polls work as if it ran there: what it starts, and what blocks, is on that runtime's threads.
    pub(crate) fn within<F: Future>(&self, work: F) -> Within<F> {
        Within { handle: self.0.as_ref().map(|runtime| runtime.handle().clone()), work: Some(Box::pin(work)) }
    }

    /// Drops something there.
    pub(crate) fn drop_within<T>(&self, what: T) {
        let _entered = self.0.as_ref().map(Runtime::enter);
        drop(what);
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// See [`Apart::within`].
pub(crate) struct Within<F> {
    handle: Option<Handle>,
    /// Taken by `Drop` only.
    work: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let handle = self.handle.clone();
        let _entered = handle.as_ref().map(Handle::enter);
        match &mut self.work {
            Some(work) => work.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Within<F> {
    fn drop(&mut self) {
        // what is given up may have something to clean up, which is on those threads as well
        let handle = self.handle.clone();
        let _entered = handle.as_ref().map(Handle::enter);
        drop(self.work.take());
    }
}
