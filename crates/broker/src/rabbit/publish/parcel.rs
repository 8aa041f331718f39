//! A publication in the publisher's hands, and its copies: one for each recipient.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use pollgate_model::Recipient;
use tokio::sync::OwnedSemaphorePermit;

use crate::{BrokerError, Outcome, Outcomes, Publication};

/// A publication taken into the window. Its outcome is told when the last copy is dropped.
pub(super) struct Parcel {
    pub(super) publication: Publication,
    outcomes: Outcomes,
    /// Copies that are not confirmed.
    left: AtomicUsize,
    failure: OnceLock<BrokerError>,
    taken: Instant,
    _room: OwnedSemaphorePermit,
}

impl Parcel {
    pub(super) fn new(publication: Publication, outcomes: Outcomes, room: OwnedSemaphorePermit) -> Arc<Self> {
        let left = AtomicUsize::new(publication.recipients.len());
        Arc::new(Self {
            publication,
            outcomes,
            left,
            failure: OnceLock::new(),
            taken: Instant::now(),
            _room: room,
        })
    }

    /// Gives the publication up.
    pub(super) fn fail(&self, error: &BrokerError) {
        // the first reason is the one that counts
        let _later = self.failure.set(error.clone());
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        let result = match (self.left.load(Ordering::Acquire), self.failure.get()) {
            (_any, Some(error)) => Err(error.clone()),
            (0, None) => Ok(()),
            (_some, None) => Err(BrokerError::Closed),
        };
        // nobody listens any more: then nobody waits for it either
        drop(self.outcomes.send(Outcome {
            ticket: self.publication.ticket,
            result,
            took: self.taken.elapsed(),
            trace: self.publication.trace.take(),
        }));
    }
}

/// What one recipient gets.
pub(super) struct Copy {
    pub(super) parcel: Arc<Parcel>,
    pub(super) to: Recipient,
    /// How often it came back.
    pub(super) returns: u32,
}

impl Copy {
    /// All copies of a parcel, in order.
    pub(super) fn all(parcel: &Arc<Parcel>) -> impl Iterator<Item = Self> {
        let parcel = Arc::clone(parcel);
        let recipients = Arc::clone(&parcel.publication.recipients);
        (0..recipients.len()).filter_map(move |at| {
            let to = recipients.get(at)?.clone();
            Some(Self { parcel: Arc::clone(&parcel), to, returns: 0 })
        })
    }

    /// The broker answers for it.
    pub(super) fn done(self) {
        self.parcel.left.fetch_sub(1, Ordering::AcqRel);
    }

    /// Unknown what became of it.
    pub(super) fn fail(self, error: &BrokerError) {
        self.parcel.fail(error);
    }
}
