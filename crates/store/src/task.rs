//! The one door through which this crate starts background work: threads with a name, whose end can be awaited.

use std::thread;

use tokio::sync::oneshot;

use crate::error::StoreError;

/// Resolves when the thread has ended, however it ended.
pub(crate) type Ended = oneshot::Receiver<()>;

/// Starts a thread for work that blocks for as long as the process lives.
pub(crate) fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<Ended, StoreError> {
    let (running, ended) = oneshot::channel::<()>();
    thread::Builder::new()
        .name(format!("store-{name}"))
        .spawn(move || {
            // dropped at the end, by a panic too
            let _running = running;
            work();
        })
        .map_err(|e| StoreError::Unavailable(format!("no thread for the {name}: {e}")))?;
    Ok(ended)
}

/// Runs work that blocks for a short while, on the runtime's threads for such work.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(StoreError::Unavailable(format!("the work was given up: {e}"))),
    }
}
