//! The window: what the broker has handed us and no client has confirmed yet.
//!
//! An event goes waiting → sent → confirmed. Confirming never moves back and never passes what was sent; asking
//! again repeats what was sent. No I/O, no clock: every rule of the cursor loop can be tested here.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use pollgate_broker::{Delivery, DeliveryTag};
use pollgate_model::{EventId, Marks};

use crate::trace::Fresh;

/// Which consumer a delivery came through, and so who is to be told that it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The mailbox's own consumer.
    Own,
    /// The user's main mailbox, which a session takes over.
    Main,
    /// A consumer that is no more: nobody is to be told.
    Void,
}

/// A delivery that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) source: Source,
    pub(crate) tag: DeliveryTag,
}

#[derive(Debug)]
struct Entry {
    delivery: Delivery,
    source: Source,
}

impl Entry {
    fn fresh(&self) -> Fresh {
        let Delivery { id, arrived, redelivered, trace, .. } = &self.delivery;
        Fresh { id: *id, arrived: *arrived, redelivered: *redelivered, trace: trace.clone() }
    }
}

/// One event, for a reader to whom each is given by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct One {
    pub(crate) position: u64,
    pub(crate) id: EventId,
    pub(crate) event: Bytes,
    /// It was in no answer of this window before.
    pub(crate) fresh: Option<Fresh>,
}

/// Events for one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Bytes>,
    /// Position of the last event here; the cursor to give out. Equal to what was confirmed when there are none.
    pub(crate) upto: u64,
    /// The events, for the cursor.
    pub(crate) marks: Marks,
    /// Events stayed behind because the answer was full.
    pub(crate) more: bool,
    /// Those that were in no answer of this window before.
    pub(crate) fresh: Vec<Fresh>,
}

/// Ids that were remembered last.
#[derive(Debug, Default)]
struct Remembered {
    active: bool,
    ids: HashSet<EventId>,
    order: VecDeque<EventId>,
}

/// Ids that are remembered; what came before may come twice.
const MOST_REMEMBERED: usize = 4096;

impl Remembered {
    fn note(&mut self, id: EventId) {
        if !self.active || !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > MOST_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    fn has(&self, id: EventId) -> bool {
        self.ids.contains(&id)
    }
}

/// See the module's text. Positions are 1, 2, 3, ... in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Window {
    entries: VecDeque<Entry>,
    /// Everything up to here is confirmed and gone.
    confirmed: u64,
    /// Everything up to here was in some answer.
    sent: u64,
    /// How many of the entries came through the main mailbox.
    mains: usize,
    /// Ids that came through the main mailbox and may come again through the own one.
    taken: HashSet<EventId>,
    /// What came through the own mailbox, while the main one is there too.
    own: Remembered,
    /// Events that a client had elsewhere, and that have not come to this window yet.
    had: Marks,
}

impl Window {
    /// Takes a delivery in. `Some`: it was had already, and is done.
    pub(crate) fn arrive(&mut self, delivery: Delivery, source: Source) -> Option<Done> {
        if self.had.take(delivery.id) {
            return Some(Done { source, tag: delivery.tag });
        }
        if source == Source::Own {
            self.own.note(delivery.id);
        }
        match source {
            Source::Main if self.own.has(delivery.id) => return Some(Done { source, tag: delivery.tag }),
            Source::Main => {
                self.mains += 1;
                self.taken.insert(delivery.id);
            }
            Source::Own if !self.taken.is_empty() => {
                if self.taken.contains(&delivery.id) {
                    return Some(self.had_through_main(&delivery));
                }
                // what both mailboxes got stands at the head of the own one; past it nothing comes twice
                self.taken.clear();
            }
            Source::Own | Source::Void => {}
        }
        self.entries.push_back(Entry { delivery, source });
        None
    }

    /// One that came through the main mailbox came through the own one too. What is unconfirmed is kept by the own
    /// mailbox from now on: what goes back to the main one may become another session's.
    fn had_through_main(&mut self, own: &Delivery) -> Done {
        let same = |entry: &&mut Entry| entry.source == Source::Main && entry.delivery.id == own.id;
        let Some(entry) = self.entries.iter_mut().find(same) else {
            return Done { source: Source::Own, tag: own.tag };
        };
        let tag = std::mem::replace(&mut entry.delivery.tag, own.tag);
        entry.source = Source::Own;
        self.mains -= 1;
        Done { source: Source::Main, tag }
    }

    /// From now on what comes through the own mailbox is known when it comes through the main one.
    pub(crate) fn remember(&mut self) {
        self.own.active = true;
    }

    /// The main mailbox is gone.
    pub(crate) fn remember_no_more(&mut self) {
        self.own = Remembered::default();
    }

    /// Confirms everything up to a position, as far as it was sent. What is done is to be acked by the caller.
    pub(crate) fn confirm(&mut self, upto: u64) -> Vec<Done> {
        let upto = upto.min(self.sent);
        let count = usize::try_from(upto.saturating_sub(self.confirmed)).unwrap_or(usize::MAX);
        self.pop(count)
    }

    /// A client has had these events, from another owner of the mailbox or from this one before it let go. Those
    /// that are here are done, unless an answer of this window named a place behind them; the others are when they
    /// come.
    pub(crate) fn confirm_had(&mut self, marks: Marks) -> Vec<Done> {
        self.had = marks;
        let answered = usize::try_from(self.sent.saturating_sub(self.confirmed)).unwrap_or(usize::MAX);
        let mut done = Vec::new();
        let mut at = answered;
        while !self.had.is_empty() {
            let Some(entry) = self.entries.get(at) else { break };
            if !self.had.take(entry.delivery.id) {
                at += 1;
                continue;
            }
            if let Some(entry) = self.entries.remove(at) {
                self.mains -= usize::from(entry.source == Source::Main);
                done.push(Done { source: entry.source, tag: entry.delivery.tag });
            }
        }
        done
    }

    fn pop(&mut self, count: usize) -> Vec<Done> {
        let count = count.min(self.entries.len());
        self.confirmed += count as u64;
        let done = self.entries.drain(..count);
        let done = done.filter(|e| e.source != Source::Void);
        let done: Vec<Done> = done.map(|e| Done { source: e.source, tag: e.delivery.tag }).collect();
        self.mains -= done.iter().filter(|d| d.source == Source::Main).count();
        done
    }

    /// How many of the oldest events from position `from` on (exclusive) fit: at most `limit`, and at most `bytes` unless
    /// the first alone is larger. And whether that leaves some behind.
    fn fitting(&self, from: u64, limit: usize, bytes: usize) -> (usize, bool) {
        let (mut count, mut size) = (0, 0_usize);
        for entry in self.entries.iter().skip(self.skipped(from)) {
            size += entry.delivery.payload.len() + 1;
            if count == limit || (size > bytes && count > 0) {
                return (count, true);
            }
            count += 1;
        }
        (count, false)
    }

    /// Entries that stand before position `from`.
    fn skipped(&self, from: u64) -> usize {
        usize::try_from(from.saturating_sub(self.confirmed)).unwrap_or(usize::MAX)
    }

    /// The oldest events from position `from` on (exclusive) that fit: at most `limit`, and at most `bytes` unless the first alone
    /// is larger. They count as sent. The same call gives the same events first.
    pub(crate) fn next(&mut self, from: u64, limit: usize, bytes: usize) -> Batch {
        let (count, more) = self.fitting(from, limit, bytes);
        let first = from.max(self.confirmed);
        let mut batch = Batch { more, upto: first, ..Batch::default() };
        for entry in self.entries.iter().skip(self.skipped(from)).take(count) {
            batch.upto += 1;
            batch.marks.push(entry.delivery.id);
            batch.events.push(entry.delivery.payload.clone());
            if batch.upto > self.sent {
                batch.fresh.push(entry.fresh());
            }
        }
        if count > 0 {
            self.sent = self.sent.max(batch.upto);
        }
        batch
    }

    /// The same as [`next`](Self::next) for a reader to whom each event is given by itself: the first that it has not had.
    pub(crate) fn one(&mut self, from: u64) -> Option<One> {
        let entry = self.entries.get(self.skipped(from))?;
        let position = from.max(self.confirmed) + 1;
        let fresh = (position > self.sent).then(|| entry.fresh());
        let one = One { position, id: entry.delivery.id, event: entry.delivery.payload.clone(), fresh };
        self.sent = self.sent.max(position);
        Some(one)
    }

    /// Unconfirmed events.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The position up to which everything is confirmed.
    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Unconfirmed events past a position.
    pub(crate) fn has_past(&self, from: u64) -> bool {
        self.confirmed + self.entries.len() as u64 > from
    }

    /// Unconfirmed events that came through the main mailbox.
    pub(crate) fn has_main(&self) -> bool {
        self.mains > 0
    }

    /// The consumer lost its way to the broker: all that is unconfirmed will come again, so it is dropped here.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The mailbox is gone, and with it the way to ack; what was delivered is still good.
    pub(crate) fn detach(&mut self) {
        for entry in &mut self.entries {
            entry.source = Source::Void;
        }
        self.mains = 0;
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
