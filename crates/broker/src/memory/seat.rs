//! A consumer's place at a mailbox: what it holds unacked, and how it ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::queue::Entry;
use crate::{Delivery, DeliveryTag, Inbox};

/// How a seat ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its consumer let go: what it holds goes back.
    Released,
    /// Its mailbox is gone: what it holds is dropped and the inbox is told.
    Gone,
}

/// One consumer's state. Locked after the user's boxes, never before.
pub(super) struct Seat {
    /// Nobody to hand to: the seat only acks and gives back.
    inbox: Option<Arc<dyn Inbox>>,
    prefetch: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
pub(super) struct Held {
    entries: VecDeque<(DeliveryTag, Entry)>,
    last_tag: DeliveryTag,
    /// Somebody hands it a batch right now; only that one may hand it more, or end it.
    busy: bool,
    end: Option<End>,
    over: bool,
    waiters: Vec<oneshot::Sender<()>>,
}

/// A seat that has just ended: what is left to do once no lock is held.
#[must_use]
pub(super) struct Ended {
    inbox: Option<Arc<dyn Inbox>>,
    waiters: Vec<oneshot::Sender<()>>,
    /// What it held, when that goes back to the mailbox.
    pub(super) back: Vec<Entry>,
}

impl Ended {
    /// Tells whoever has to know. No lock may be held.
    pub(super) fn tell(self) {
        if let Some(inbox) = self.inbox {
            inbox.detached(crate::Detached::Gone);
        }
        for waiter in self.waiters {
            // the releaser has left: it does not care when it was done
            let _left = waiter.send(());
        }
    }
}

impl Seat {
    pub(super) fn new(inbox: Option<Arc<dyn Inbox>>, prefetch: usize) -> Self {
        Self { inbox, prefetch, held: Mutex::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over deliveries. No lock may be held.
    pub(super) fn deliver(&self, batch: Vec<Delivery>) {
        let Some(inbox) = &self.inbox else { return };
        for delivery in batch {
            inbox.deliver(delivery);
        }
    }

    /// Takes acked entries out, to be dropped by the caller when no lock is held.
    pub(super) fn ack(&self, tags: &[DeliveryTag]) -> Vec<Entry> {
        let mut held = self.lock();
        tags.iter().filter_map(|tag| held.take(*tag)).collect()
    }

    /// Ends the seat now, or as soon as the batch in hand is handed over (then `None`).
    pub(super) fn end(&self, end: End, waiter: Option<oneshot::Sender<()>>) -> Option<Ended> {
        let mut held = self.lock();
        if held.over {
            return Some(Ended { inbox: None, waiters: waiter.into_iter().collect(), back: Vec::new() });
        }
        held.waiters.extend(waiter);
        // a mailbox that is gone stays gone, whoever lets go of it afterwards
        if held.end != Some(End::Gone) {
            held.end = Some(end);
        }
        if held.busy { None } else { held.finish(&self.inbox) }
    }

    /// The batch in hand has been handed over.
    pub(super) fn batch_done(&self) -> Option<Ended> {
        let mut held = self.lock();
        held.busy = false;
        held.finish(&self.inbox)
    }

    /// How many more it takes; 0 while somebody hands it a batch, or when it ends.
    pub(super) fn room(&self, held: &Held) -> usize {
        if held.busy || held.end.is_some() || self.inbox.is_none() {
            return 0;
        }
        self.prefetch.saturating_sub(held.entries.len())
    }

    pub(super) fn unacked(&self) -> usize {
        self.lock().entries.len()
    }
}

impl Held {
    /// Keeps an entry until it is acked.
    pub(super) fn keep(&mut self, entry: Entry) -> Delivery {
        self.last_tag += 1;
        let delivery = Delivery {
            tag: self.last_tag,
            id: entry.id,
            payload: entry.payload.clone(),
            redelivered: entry.redelivered,
            arrived: Instant::now(),
            trace: entry.trace.clone(),
        };
        self.entries.push_back((self.last_tag, entry));
        delivery
    }

    pub(super) fn begin_batch(&mut self) {
        self.busy = true;
    }

    fn take(&mut self, tag: DeliveryTag) -> Option<Entry> {
        let at = self.entries.binary_search_by_key(&tag, |(tag, _entry)| *tag).ok()?;
        self.entries.remove(at).map(|(_tag, entry)| entry)
    }

    fn finish(&mut self, inbox: &Option<Arc<dyn Inbox>>) -> Option<Ended> {
        let end = self.end?;
        if std::mem::replace(&mut self.over, true) {
            return None;
        }
        let entries = std::mem::take(&mut self.entries).into_iter().map(|(_tag, entry)| entry);
        let waiters = std::mem::take(&mut self.waiters);
        Some(match end {
            End::Released => Ended { inbox: None, waiters, back: entries.collect() },
            End::Gone => {
                drop(entries);
                Ended { inbox: inbox.clone(), waiters, back: Vec::new() }
            }
        })
    }
}
