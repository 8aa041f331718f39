//! A file on its way down, for those who may have it.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use pollgate_files::{ByteStream, FilesError};
use pollgate_model::{AttachmentId, UserId};
use tracing::warn;

use super::Attachments;
use super::places::Place;
use crate::{Core, CoreError};

pub use pollgate_store::FoundAttachment;

/// Bytes of a file as they come. Holds its place until it is dropped.
pub struct AttachmentBytes {
    attachments: Arc<Attachments>,
    id: AttachmentId,
    from: ByteStream,
    _place: Place,
}

impl std::fmt::Debug for AttachmentBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachmentBytes").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Core {
    /// What is known of an attachment: for who uploaded it, and for the members of a room that holds it.
    ///
    /// # Errors
    /// [`CoreError::NotFound`] for all others.
    pub async fn attachment(&self, caller: &UserId, id: AttachmentId) -> Result<FoundAttachment, CoreError> {
        Ok(self.store.attachment_find(caller, id).await?)
    }

    /// Bytes of an attachment that the caller was found to be allowed to have; the range lies within it and is not empty.
    ///
    /// # Errors
    /// As many go down as may, or the storage is away.
    pub async fn attachment_bytes(
        &self,
        caller: &UserId,
        id: AttachmentId,
        range: Range<u64>,
    ) -> Result<AttachmentBytes, CoreError> {
        let attachments = self.attachments.clone();
        let place = attachments.downloads.take(caller)?;
        let from = attachments.files.read(id, range).await?;
        Ok(AttachmentBytes { attachments, id, from, _place: place })
    }
}

impl Stream for AttachmentBytes {
    type Item = Result<Bytes, FilesError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.from.as_mut().poll_next(context));
        match &next {
            Some(Ok(bytes)) => self.attachments.counters.sent(bytes.len()),
            // the head of the answer is gone: the connection ends before all bytes are there, which the client sees
            Some(Err(error)) => warn!(%error, attachment = %self.id, "a download ended early: {error}"),
            None => {}
        }
        Poll::Ready(next)
    }
}
