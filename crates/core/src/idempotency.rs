//! Keys in use: which requests are being worked on here, and the end of keys that are old.
//!
//! What a key stands for is the store's to know, for all gateways together. Here is only what makes a second request wait
//! less: while the first one is in progress in this process, the second is told so at once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_store::{Digest, Store};
use tracing::debug;

use crate::CoreError;
use crate::task::Stop;

/// Most keys in progress that are remembered. One more is worked on all the same; a second request with it would wait for
/// the first one's commit, as it does on another gateway.
const MOST: usize = 10_000;
/// Old keys removed at once.
const FORGET: usize = 500;
/// Pause when there are no more of them.
const PAUSE: Duration = Duration::from_secs(30);
/// Pause when there are: the database has other things to do as well.
const SHORT_PAUSE: Duration = Duration::from_millis(100);

/// Keys of requests in progress.
#[derive(Debug, Default)]
pub(crate) struct InProgress(Mutex<HashSet<Digest>>);

/// A request in progress, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    of: Arc<InProgress>,
    id: Option<Digest>,
}

impl InProgress {
    /// Notes a request.
    ///
    /// # Errors
    /// There is one with this key.
    pub(crate) fn enter(self: &Arc<Self>, id: Digest) -> Result<Entry, CoreError> {
        let mut ids = self.ids();
        if ids.contains(&id) {
            return Err(CoreError::Conflict(
                "Idempotency-Key: the first request with it is in progress".into(),
            ));
        }
        let room = ids.len() < MOST;
        if room {
            ids.insert(id);
        }
        Ok(Entry { of: self.clone(), id: room.then_some(id) })
    }

    // a std lock: held for one look, never over an await
    fn ids(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.of.ids().remove(&id);
        }
    }
}

/// The service that removes keys that are too old, a few at a time; every gateway does its part. Ends with the stop signal.
pub(crate) async fn forget(store: Store, mut stop: Stop) {
    loop {
        let pause = match store.forget_keys(FORGET).await {
            Ok(FORGET) => SHORT_PAUSE,
            Ok(_fewer) => PAUSE,
            Err(error) => {
                debug!(%error, "old idempotency keys were not removed, trying again");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Digest {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        id
    }

    #[test]
    fn a_second_request_is_refused_until_the_first_one_ends() {
        let requests = Arc::new(InProgress::default());
        let first = requests.enter(id(1)).unwrap();
        assert!(matches!(requests.enter(id(1)), Err(CoreError::Conflict(_))));
        let _other = requests.enter(id(2)).unwrap();
        drop(first);
        drop(requests.enter(id(1)).unwrap());
        assert_eq!(requests.ids().len(), 1);
    }

    #[test]
    fn beyond_the_bound_requests_go_on_without_being_noted() {
        let requests = Arc::new(InProgress::default());
        let noted: Vec<Entry> = (0..MOST).map(|n| requests.enter(id(n)).unwrap()).collect();
        let beyond = (requests.enter(id(MOST)).unwrap(), requests.enter(id(MOST)).unwrap());
        assert_eq!(requests.ids().len(), MOST);
        drop((noted, beyond));
        assert!(requests.ids().is_empty());
    }
}
