//! A file on its way up: looked at, counted, and stored as it comes.
//!
//! The order is: bytes, then the row. Ended anywhere in between, there are bytes that nobody knows of, which the sweeper
//! removes; there is never a row whose bytes are not stored.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use pollgate_files::Writer;
use pollgate_model::{Attachment, AttachmentId, UserId};
use pollgate_store::Store;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::Attachments;
use super::content::{self, HEAD, TextCheck};
use super::declared;
use super::figures::UploadEnd;
use super::name;
use super::places::Place;
use crate::{Core, CoreError, Tasks};

/// A file of a user's, on its way up. Dropped unfinished it leaves nothing.
#[derive(Debug)]
pub struct Upload {
    attachments: Arc<Attachments>,
    store: Store,
    tasks: Tasks,
    owner: UserId,
    id: AttachmentId,
    name: String,
    declared: Option<String>,
    size: u64,
    until: Instant,
    /// Its beginning, until there is enough of it to tell what the file is.
    head: BytesMut,
    /// From then on.
    body: Option<Body>,
    /// How it ended; counted when it is dropped.
    end: UploadEnd,
    _place: Place,
}

#[derive(Debug)]
struct Body {
    media_type: &'static str,
    /// A text must stay one.
    text: Option<TextCheck>,
    to: Writer,
}

impl Attachments {
    /// A file of this size may be uploaded.
    fn fits(&self, size: u64) -> Result<(), CoreError> {
        let most = self.settings.most_bytes;
        if size <= most {
            return Ok(());
        }
        self.counters.was_too_large();
        Err(CoreError::TooLarge(format!("file: at most {most} bytes")))
    }
}

impl Core {
    /// A file that is said to have at least this size may be uploaded: what says of itself that it is too large need not
    /// be begun with.
    ///
    /// # Errors
    /// [`CoreError::TooLarge`].
    pub fn upload_fits(&self, size: u64) -> Result<(), CoreError> {
        self.attachments.fits(size)
    }

    /// Begins an upload of a user's. `name` is what the client calls the file, `declared` what media type it says it has.
    ///
    /// # Errors
    /// [`CoreError::TooManyOfUser`] or [`CoreError::Overloaded`]: as many go up as may.
    pub fn upload(&self, owner: &UserId, name: &str, declared: Option<String>) -> Result<Upload, CoreError> {
        let attachments = self.attachments.clone();
        let place = attachments.uploads.take(owner)?;
        Ok(Upload {
            until: Instant::now() + attachments.settings.upload,
            attachments,
            store: self.store.clone(),
            tasks: self.tasks.clone(),
            owner: owner.clone(),
            id: AttachmentId::new(),
            name: name::clean(name),
            declared,
            size: 0,
            head: BytesMut::new(),
            body: None,
            end: UploadEnd::Left,
            _place: place,
        })
    }
}

impl Upload {
    /// When it must be at its end.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }

    /// More of the file.
    ///
    /// # Errors
    /// The file is too large or of a wrong type, or the storage is away. Nothing of it will be left.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), CoreError> {
        let outcome = self.take(bytes).await;
        self.note(outcome)
    }

    /// That was all of the file. From here on it comes to its end whoever waits for it.
    ///
    /// # Errors
    /// The file is empty or of a wrong type, or the storage or the database is away: there is no such attachment.
    pub async fn finish(mut self) -> Result<Attachment, CoreError> {
        let tasks = self.tasks.clone();
        let finishing = tasks.job(async move {
            let outcome = self.store_all().await;
            self.note(outcome)
        });
        let ended = finishing.await;
        ended.map_err(|error| CoreError::Internal(format!("an upload was given up: {error}")))?
    }

    fn note<T>(&mut self, outcome: Result<T, CoreError>) -> Result<T, CoreError> {
        match &outcome {
            Ok(_) => {}
            Err(CoreError::TooLarge(_) | CoreError::UnsupportedMediaType(_) | CoreError::Invalid(_)) => {
                self.end = UploadEnd::Refused;
            }
            Err(_) => self.end = UploadEnd::Failed,
        }
        outcome
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), CoreError> {
        self.attachments.counters.received(bytes.len());
        self.size = self.size.saturating_add(bytes.len() as u64);
        self.attachments.fits(self.size)?;
        if self.body.is_some() {
            return self.write(bytes).await;
        }
        self.head.extend_from_slice(&bytes);
        if self.head.len() >= HEAD { self.begin().await } else { Ok(()) }
    }

    /// Decides what the file is, and begins to store it.
    async fn begin(&mut self) -> Result<(), CoreError> {
        let head = std::mem::take(&mut self.head).freeze();
        let found = content::media_type(head.get(..HEAD).unwrap_or(&head));
        let media_type =
            declared::agree(found, self.declared.as_deref()).map_err(CoreError::UnsupportedMediaType)?;
        if !self.attachments.settings.media_types.iter().any(|allowed| allowed == media_type) {
            return Err(CoreError::UnsupportedMediaType(format!(
                "file: its content is {media_type}, which may not be uploaded"
            )));
        }
        let text = (found == content::TEXT).then(TextCheck::default);
        let to = self.attachments.files.begin(self.id).await?;
        self.body = Some(Body { media_type, text, to });
        self.write(head).await
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), CoreError> {
        let Some(body) = &mut self.body else { return Ok(()) };
        if !body.text.as_mut().is_none_or(|text| text.goes_on(&bytes)) {
            return Err(no_text());
        }
        Ok(body.to.push(bytes).await?)
    }

    async fn store_all(&mut self) -> Result<Attachment, CoreError> {
        if self.size == 0 {
            return Err(CoreError::Invalid("file: must not be empty".into()));
        }
        if self.body.is_none() {
            self.begin().await?;
        }
        if self.body.as_ref().and_then(|body| body.text.as_ref()).is_some_and(|text| !text.ends_well()) {
            return Err(no_text());
        }
        let Some(Body { media_type, to, .. }) = self.body.take() else { return Err(late()) };
        let (name, media_type) = (self.name.clone(), media_type.to_owned());
        let attachment = Attachment { id: self.id, name, media_type, size: self.size };
        // a row that is answered for is committed before anybody could take its bytes for left over
        let stored = timeout_at(self.until, async {
            to.finish().await?;
            self.store.attachment_create(&self.owner, &attachment).await?;
            Ok(())
        });
        match stored.await.unwrap_or_else(|_elapsed| Err(late())) {
            Ok(()) => {
                self.end = UploadEnd::Stored;
                Ok(attachment)
            }
            Err(error) => {
                // if the row was written all the same, nobody was told its id, and it goes as what nobody uses
                if let Err(error) = self.attachments.files.remove(self.id).await {
                    debug!(%error, attachment = %self.id, "bytes of a failed upload are left to the sweeper");
                }
                Err(error)
            }
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.attachments.counters.ended(self.end);
        if let Some(body) = self.body.take() {
            let id = self.id;
            // not awaited: its caller has left. It has a time-out of its own.
            let _job = self.tasks.job(async move {
                if let Err(error) = body.to.abandon().await {
                    warn!(%error, attachment = %id, "an upload that ended early left parts in the storage");
                }
            });
        }
    }
}

fn no_text() -> CoreError {
    CoreError::UnsupportedMediaType(
        "file: it begins as a text, and is not UTF-8 without NUL to its end".into(),
    )
}

fn late() -> CoreError {
    CoreError::FilesUnavailable("the upload did not end in time".into())
}
