//! The handle: opening, time-outs, what is counted.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use tokio::time::timeout;
use tracing::info;

use crate::apart::Apart;
use crate::bucket;
use crate::error::FilesError;
use crate::folder::Folder;
use crate::settings::{FilesSettings, Place};

/// Bytes written at once: a folder takes any size, S3 no part of a larger object below 5 MiB.
const FOLDER_CHUNK: usize = 256 << 10;
const BUCKET_CHUNK: usize = 5 << 20;

/// What is asked of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Bytes of an upload.
    Write,
    /// Bytes of a download.
    Read,
    /// Names, to find what nobody knows of.
    List,
    /// Removal.
    Remove,
}

impl Operation {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Write, "write"), (Self::Read, "read"), (Self::List, "list"), (Self::Remove, "remove")];
}

/// The storage. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Files {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) folder: Option<Folder>,
    pub(crate) chunk: usize,
    pub(crate) timeout: Duration,
    pub(crate) apart: Arc<Apart>,
    errors: [AtomicU64; Operation::ALL.len()],
}

impl Files {
    /// Opens the storage: makes the folder unless it is there; a bucket must be there, and is not asked yet.
    ///
    /// # Errors
    /// The folder cannot be made, or the settings make no sense.
    pub async fn open(settings: &FilesSettings) -> Result<Self, FilesError> {
        let apart = Apart::start()?;
        let (store, folder, chunk): (Arc<dyn ObjectStore>, _, _) = match &settings.place {
            Place::Folder(path) => {
                let (path, may_mark) = (path.clone(), settings.may_mark);
                let shown = path.display().to_string();
                let opening = apart.within(async {
                    let opened = tokio::task::spawn_blocking(move || Folder::open(&path, may_mark)).await;
                    opened.map_err(|error| FilesError::Unavailable(error.to_string()))?
                });
                let Ok(opened) = timeout(settings.timeout, opening).await else {
                    return Err(FilesError::Unavailable(format!("the folder {shown} does not answer")));
                };
                let (folder, store) = opened?;
                info!(folder = shown, "attachments are kept in a folder");
                (Arc::new(store), Some(folder), FOLDER_CHUNK)
            }
            Place::Bucket(place) => {
                let store = bucket::open(place, settings.timeout)?;
                info!(bucket = place.bucket, prefix = place.prefix, "attachments are kept in a bucket");
                let store: Arc<dyn ObjectStore> = match place.prefix.trim_matches('/') {
                    "" => Arc::new(store),
                    prefix => Arc::new(PrefixStore::new(store, Path::from(prefix))),
                };
                (store, None, BUCKET_CHUNK)
            }
        };
        let timeout = settings.timeout;
        Ok(Self {
            inner: Arc::new(Inner { store, folder, chunk, timeout, apart, errors: Default::default() }),
        })
    }

    /// Failures of the storage, by what was asked of it.
    #[must_use]
    pub fn errors(&self) -> [(&'static str, u64); 4] {
        let count = |operation: Operation| {
            self.inner.errors.get(operation as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
        };
        Operation::ALL.map(|(operation, name)| (name, count(operation)))
    }

    /// How long one question to the storage may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.inner.timeout
    }
}

impl Inner {
    /// Asks the storage, with the time-out, and counts a failure.
    pub(crate) async fn ask<T>(
        &self,
        operation: Operation,
        question: impl Future<Output = Result<T, FilesError>>,
    ) -> Result<T, FilesError> {
        let outcome = match timeout(self.timeout, self.apart.within(question)).await {
            Ok(outcome) => outcome,
            Err(_late) => Err(FilesError::Unavailable("no answer in time".into())),
        };
        if outcome.is_err() {
            self.failed(operation);
        }
        outcome
    }

    pub(crate) fn failed(&self, operation: Operation) {
        if let Some(counter) = self.errors.get(operation as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A folder is there; a bucket says so itself.
    pub(crate) async fn is_there(&self) -> Result<(), FilesError> {
        match &self.folder {
            Some(folder) => folder.is_there().await,
            None => Ok(()),
        }
    }
}
