//! What is counted of attachments.

use std::sync::atomic::{AtomicU64, Ordering};

/// How an upload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadEnd {
    /// Its bytes and its row are stored.
    Stored,
    /// It was too large, of the wrong type, empty.
    Refused,
    /// Its client left, or took too long.
    Left,
    /// The storage or the database failed.
    Failed,
}

const ENDS: [&str; 4] = ["stored", "refused", "left", "failed"];

/// What was nobody's any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orphan {
    /// An attachment that no message holds.
    Unused,
    /// Bytes without a row.
    Unknown,
    /// A file of an upload whose gateway was killed.
    Unfinished,
}

const ORPHANS: [&str; 3] = ["unused", "unknown", "unfinished"];

/// Counts that only grow.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    uploads: [AtomicU64; ENDS.len()],
    orphans: [AtomicU64; ORPHANS.len()],
    received: AtomicU64,
    sent: AtomicU64,
    too_large: AtomicU64,
}

/// What is counted of attachments, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentFigures {
    /// Uploads, by how they ended.
    pub uploads: Vec<(&'static str, u64)>,
    /// Bytes of files: that came up, that went down.
    pub bytes: [(&'static str, u64); 2],
    /// Failures of the storage, by what was asked of it.
    pub storage_errors: [(&'static str, u64); 4],
    /// What was removed because nobody used it, by what it was.
    pub orphans: Vec<(&'static str, u64)>,
}

impl Counters {
    pub(crate) fn ended(&self, end: UploadEnd) {
        add(self.uploads.get(end as usize), 1);
    }

    pub(crate) fn removed(&self, what: Orphan, count: usize) {
        add(self.orphans.get(what as usize), count as u64);
    }

    pub(crate) fn received(&self, bytes: usize) {
        add(Some(&self.received), bytes as u64);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        add(Some(&self.sent), bytes as u64);
    }

    /// A file was larger than it may be.
    pub(crate) fn was_too_large(&self) {
        add(Some(&self.too_large), 1);
    }

    pub(crate) fn too_large(&self) -> u64 {
        self.too_large.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self, storage_errors: [(&'static str, u64); 4]) -> AttachmentFigures {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AttachmentFigures {
            uploads: ENDS.into_iter().zip(self.uploads.iter().map(value)).collect(),
            bytes: [("in", value(&self.received)), ("out", value(&self.sent))],
            storage_errors,
            orphans: ORPHANS.into_iter().zip(self.orphans.iter().map(value)).collect(),
        }
    }
}

fn add(counter: Option<&AtomicU64>, count: u64) {
    if let Some(counter) = counter {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
