//! Looking at all that is there, and removing.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt as _};
use object_store::{ObjectMeta, ObjectStore as _, ObjectStoreExt as _};
use pollgate_model::{AttachmentId, Timestamp};

use crate::error::FilesError;
use crate::key;
use crate::open::{Files, Inner, Operation};

/// Walking over a folder may take so long.
const WALK: Duration = Duration::from_secs(600);

/// An attachment's bytes in the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Whose bytes they are.
    pub id: AttachmentId,
    /// When they were written, by the storage's clock; a bucket says when their upload began.
    pub at: Timestamp,
}

/// All that is in the storage, page by page.
pub struct Leftovers {
    inner: Arc<Inner>,
    from: Option<BoxStream<'static, object_store::Result<ObjectMeta>>>,
}

impl std::fmt::Debug for Leftovers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leftovers").finish_non_exhaustive()
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        self.inner.apart.drop_within(self.from.take());
    }
}

impl Files {
    /// Begins to look at all that is there. What bears no key of an attachment is left out: it is not ours.
    ///
    /// # Errors
    /// The storage is away.
    pub async fn list(&self) -> Result<Leftovers, FilesError> {
        let inner = self.inner.clone();
        inner.ask(Operation::List, inner.is_there()).await?;
        let from = inner.store.list(None);
        Ok(Leftovers { inner, from: Some(from) })
    }

    /// Removes an attachment's bytes; those that are gone already do not matter.
    ///
    /// # Errors
    /// The storage is away.
    pub async fn remove(&self, id: AttachmentId) -> Result<(), FilesError> {
        let inner = &self.inner;
        let remove = async {
            inner.is_there().await?;
            match inner.store.delete(&key::of(id)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(FilesError::from(error)),
            }
        };
        inner.ask(Operation::Remove, remove).await
    }

    /// Removes at most `limit` files of uploads whose gateway was killed, and that nobody has written to for this long;
    /// how many it were. Of a bucket it does not know them: they are the business of its life-cycle rule.
    ///
    /// # Errors
    /// The storage is away.
    pub async fn remove_unfinished(&self, age: Duration, limit: usize) -> Result<usize, FilesError> {
        let inner = &self.inner;
        let Some(folder) = &inner.folder else { return Ok(0) };
        inner.ask(Operation::List, inner.is_there()).await?;
        // a walk over a large folder takes its time; what is bounded is the threads that it may hold, which is one
        let walk = inner.apart.within(folder.remove_unfinished(age, limit));
        let walked = tokio::time::timeout(WALK, walk).await;
        let late = |_elapsed| FilesError::Unavailable("the folder was not walked in time".into());
        walked.map_err(late).flatten().inspect_err(|_| inner.failed(Operation::List))
    }
}

impl Leftovers {
    /// The next at most `most` of them; none: that was all, or it failed before.
    ///
    /// # Errors
    /// The storage is away.
    pub async fn next(&mut self, most: usize) -> Result<Vec<Stored>, FilesError> {
        let mut found = Vec::new();
        while found.len() < most {
            let Some(from) = self.from.as_mut() else { break };
            let mut from = Pin::new(from);
            let next = async { from.next().await.transpose().map_err(FilesError::from) };
            let next = self.inner.ask(Operation::List, next).await;
            // a listing that has ended, or failed, must not be asked again
            if !matches!(next, Ok(Some(_))) {
                self.inner.apart.drop_within(self.from.take());
            }
            let Some(meta) = next? else { break };
            let at = Timestamp::from_ms(meta.last_modified.timestamp_millis());
            found.extend(key::id(&meta.location).map(|id| Stored { id, at }));
        }
        Ok(found)
    }
}
