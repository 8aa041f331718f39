//! Writing: chunk by chunk, and under its key only when all of it is there.

use std::sync::Arc;

use bytes::Bytes;
use object_store::buffered::BufWriter;
use pollgate_model::AttachmentId;
use tokio::io::AsyncWriteExt as _;

use crate::error::FilesError;
use crate::key;
use crate::open::{Files, Inner, Operation};

/// Bytes on their way to the storage. At most two chunks of them are in memory (of 256 KiB each for a folder, 5 MiB for
/// a bucket).
///
/// Dropped unfinished it leaves nothing in a folder; in a bucket it may leave parts, which [`Writer::abandon`] removes.
#[derive(Debug)]
pub struct Writer {
    inner: Arc<Inner>,
    /// `None`: it failed, and nothing more is to be had of it.
    to: Option<BufWriter>,
}

impl Files {
    /// Begins to write an attachment's bytes.
    ///
    /// # Errors
    /// The storage is away.
    pub async fn begin(&self, id: AttachmentId) -> Result<Writer, FilesError> {
        let inner = self.inner.clone();
        inner.ask(Operation::Write, inner.is_there()).await?;
        // one chunk is being sent while the next one fills
        let to =
            BufWriter::with_capacity(inner.store.clone(), key::of(id), inner.chunk).with_max_concurrency(1);
        Ok(Writer { inner, to: Some(to) })
    }
}

impl Writer {
    /// Writes more.
    ///
    /// # Errors
    /// The storage is away; the writer is of no more use.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), FilesError> {
        let Some(to) = &mut self.to else { return Err(ended()) };
        let put = async { to.put(bytes).await.map_err(FilesError::from) };
        self.inner.ask(Operation::Write, put).await
    }

    /// All bytes were written: from now on they are under their key, and survive a loss of power.
    ///
    /// # Errors
    /// The storage is away: the bytes may be there all the same, or not.
    pub async fn finish(mut self) -> Result<(), FilesError> {
        let Some(mut to) = self.to.take() else { return Err(ended()) };
        let inner = self.inner.clone();
        // the mark is looked for again: a folder may have gone since the beginning
        let finish = async {
            inner.is_there().await?;
            to.shutdown().await.map_err(|error| FilesError::Unavailable(error.to_string()))
        };
        self.inner.ask(Operation::Write, finish).await
    }

    /// Removes what was written so far.
    ///
    /// # Errors
    /// The storage is away: parts may be left in a bucket, whose life-cycle rule removes them.
    pub async fn abandon(mut self) -> Result<(), FilesError> {
        let Some(mut to) = self.to.take() else { return Ok(()) };
        let inner = self.inner.clone();
        let abort = async move { to.abort().await.map_err(FilesError::from) };
        inner.ask(Operation::Write, abort).await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // its own cleaning up needs the runtime
        if let Some(to) = self.to.take() {
            self.inner.apart.drop_within(to);
        }
    }
}

fn ended() -> FilesError {
    FilesError::Unavailable("nothing can be written after a failure".into())
}
