//! The window: what the broker has handed us and no client has confirmed yet.
//!
//! An event goes waiting → sent → confirmed. Confirming never moves back and never passes what was sent; asking
//! again repeats what was sent. No I/O, no clock: every rule of the cursor loop can be tested here.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use pollgate_broker::{Delivery, DeliveryTag};
use pollgate_model::{EventId, Marks};

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

/// Events for one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Bytes>,
    /// Position of the last event here; the cursor to give out. Equal to what was confirmed when there are none.
    pub(crate) upto: u64,
    /// The events, for the cursor.
    pub(crate) marks: Marks,
    /// Events stayed behind because the answer was full.
    pub(crate) more: bool,
    /// Those that were in no answer before, as far as can be known.
    pub(crate) fresh: Vec<EventId>,
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

    /// The oldest events from position `from` on (exclusive) that fit: at most `limit`, and at most `bytes` unless the first alone
    /// is larger. They count as sent. The same call gives the same events first.
    pub(crate) fn next(&mut self, from: u64, limit: usize, bytes: usize) -> Batch {
        let skip = usize::try_from(from.saturating_sub(self.confirmed)).unwrap_or(usize::MAX);
        let mut events = Vec::new();
        let mut size = 0_usize;
        let mut marks = Marks::default();
        let mut more = false;
        let mut fresh = Vec::new();
        for entry in self.entries.iter().skip(skip) {
            let larger = size + entry.delivery.payload.len() + 1;
            if events.len() == limit || (larger > bytes && !events.is_empty()) {
                more = true;
                break;
            }
            size = larger;
            marks.push(entry.delivery.id);
            events.push(entry.delivery.payload.clone());
            let position = from.max(self.confirmed) + events.len() as u64;
            if position > self.sent && !entry.delivery.redelivered {
                fresh.push(entry.delivery.id);
            }
        }
        let upto = from.max(self.confirmed) + events.len() as u64;
        if !events.is_empty() {
            self.sent = self.sent.max(upto);
        }
        Batch { events, upto, marks, more, fresh }
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
