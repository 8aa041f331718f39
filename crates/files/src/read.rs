//! Reading: a range of an attachment's bytes, as a stream.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, Stream, StreamExt as _, try_unfold};
use object_store::{GetOptions, ObjectStore as _};
use pollgate_model::AttachmentId;

use crate::error::FilesError;
use crate::key;
use crate::open::{Files, Inner, Operation};

/// Bytes as they come; each wait for more has the time-out.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, FilesError>> + Send>>;

struct Reading {
    inner: Arc<Inner>,
    /// Taken by `Drop` only, which drops it where its threads are.
    from: Option<BoxStream<'static, object_store::Result<Bytes>>>,
    left: u64,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.inner.apart.drop_within(self.from.take());
    }
}

impl Files {
    /// Reads these bytes of an attachment; the range must lie within it, and not be empty.
    ///
    /// # Errors
    /// The storage is away, or has no such bytes.
    pub async fn read(&self, id: AttachmentId, range: Range<u64>) -> Result<ByteStream, FilesError> {
        let inner = self.inner.clone();
        let left = range.end.saturating_sub(range.start);
        let get = async {
            inner.is_there().await?;
            let options = GetOptions::new().with_range(Some(range));
            Ok(inner.store.get_opts(&key::of(id), options).await?.into_stream())
        };
        let from = inner.ask(Operation::Read, get).await?;
        let reading = Reading { inner, from: Some(from), left };
        Ok(Box::pin(try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|bytes| (bytes, reading)))
        })))
    }
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, FilesError> {
        let Some(from) = &mut self.from else { return Ok(None) };
        let more = async { from.next().await.transpose().map_err(FilesError::from) };
        let Some(bytes) = self.inner.ask(Operation::Read, more).await? else {
            if self.left == 0 {
                return Ok(None);
            }
            // a file that was cut short behind our back: an end without a word would look like all of it
            self.inner.failed(Operation::Read);
            return Err(FilesError::Missing(format!("{} bytes at the end of a file", self.left)));
        };
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Ok(Some(bytes))
    }
}
