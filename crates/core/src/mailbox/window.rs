//! The window: what the broker has handed us and no client has confirmed yet.
//!
//! An event goes waiting → sent → confirmed. Confirming never moves back and never passes what was sent; asking
//! again repeats what was sent. No I/O, no clock: every rule of the cursor loop can be tested here.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use pollgate_broker::{Delivery, DeliveryTag};
use pollgate_model::EventId;

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
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Bytes>,
    /// Position of the last event here; the cursor to give out. Equal to what was confirmed when there are none.
    pub(crate) upto: u64,
    /// The last event's id.
    pub(crate) last: Option<EventId>,
    /// Events stayed behind because the answer was full.
    pub(crate) more: bool,
}

/// See the module's text. Positions are 1, 2, 3, ... in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Window {
    entries: VecDeque<Entry>,
    /// Everything up to here is confirmed and gone.
    confirmed: u64,
    /// Everything up to here was in some answer.
    sent: u64,
    /// Ids that came through the main mailbox and may come again through the own one.
    taken: HashSet<EventId>,
    /// A client has seen everything up to this event, elsewhere; it is expected among the redeliveries.
    seen_elsewhere: Option<EventId>,
}

impl Window {
    /// Takes a delivery in. `Some`: it was had already, and is done.
    pub(crate) fn arrive(&mut self, delivery: Delivery, source: Source) -> Option<Done> {
        match source {
            Source::Main => {
                self.taken.insert(delivery.id);
            }
            Source::Own if !self.taken.is_empty() => {
                if self.taken.contains(&delivery.id) {
                    return Some(Done { source, tag: delivery.tag });
                }
                // what both mailboxes got stands at the head of the own one; past it nothing comes twice
                self.taken.clear();
            }
            Source::Own | Source::Void => {}
        }
        self.entries.push_back(Entry { delivery, source });
        None
    }

    /// Confirms everything up to a position, as far as it was sent. What is done is to be acked by the caller.
    pub(crate) fn confirm(&mut self, upto: u64) -> Vec<Done> {
        let upto = upto.min(self.sent);
        let count = usize::try_from(upto.saturating_sub(self.confirmed)).unwrap_or(usize::MAX);
        self.pop(count)
    }

    /// A client says it has seen everything up to this event, as answered by another owner of the mailbox or by
    /// this one before it let go. What is here of that is done; the rest is when it comes.
    pub(crate) fn confirm_seen(&mut self, last: EventId) -> Vec<Done> {
        self.seen_elsewhere = Some(last);
        self.match_seen()
    }

    /// True while redeliveries may still bring the event that a client has seen elsewhere: answering now would
    /// repeat what the client already has.
    pub(crate) fn expects_seen(&self) -> bool {
        self.seen_elsewhere.is_some() && self.entries.iter().all(|e| e.delivery.redelivered)
    }

    /// Gives up waiting for the event seen elsewhere.
    pub(crate) fn forget_seen(&mut self) {
        self.seen_elsewhere = None;
    }

    /// Looks for the event seen elsewhere; to be called after arrivals.
    pub(crate) fn match_seen(&mut self) -> Vec<Done> {
        let Some(last) = self.seen_elsewhere else { return Vec::new() };
        let Some(place) = self.entries.iter().position(|e| e.delivery.id == last) else { return Vec::new() };
        self.seen_elsewhere = None;
        // what nobody was ever given stays, wherever it stands: two gateways may have read side by side for a while
        let before: Vec<Entry> = self.entries.drain(..=place).collect();
        let (seen, fresh): (Vec<_>, Vec<_>) =
            before.into_iter().partition(|e| e.delivery.redelivered || e.delivery.id == last);
        for entry in fresh.into_iter().rev() {
            self.entries.push_front(entry);
        }
        let done = self.done(seen);
        self.sent = self.sent.max(self.confirmed);
        done
    }

    fn pop(&mut self, count: usize) -> Vec<Done> {
        let count = count.min(self.entries.len());
        let popped = self.entries.drain(..count).collect();
        self.done(popped)
    }

    /// These have left: positions go on after them.
    fn done(&mut self, entries: Vec<Entry>) -> Vec<Done> {
        self.confirmed += entries.len() as u64;
        let told = entries.into_iter().filter(|e| e.source != Source::Void);
        told.map(|e| Done { source: e.source, tag: e.delivery.tag }).collect()
    }

    /// The oldest events from position `from` on (exclusive) that fit: at most `limit`, and at most `bytes` unless the first alone
    /// is larger. They count as sent. The same call gives the same events first.
    pub(crate) fn next(&mut self, from: u64, limit: usize, bytes: usize) -> Batch {
        let skip = usize::try_from(from.saturating_sub(self.confirmed)).unwrap_or(usize::MAX);
        let mut events = Vec::new();
        let mut size = 0_usize;
        let mut last = None;
        let mut more = false;
        for entry in self.entries.iter().skip(skip) {
            let larger = size + entry.delivery.payload.len() + 1;
            if events.len() == limit || (larger > bytes && !events.is_empty()) {
                more = true;
                break;
            }
            size = larger;
            last = Some(entry.delivery.id);
            events.push(entry.delivery.payload.clone());
        }
        let upto = from.max(self.confirmed) + events.len() as u64;
        if !events.is_empty() {
            self.sent = self.sent.max(upto);
        }
        Batch { events, upto, last, more }
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
        // they arrive before anything of the own mailbox
        self.entries.front().is_some_and(|e| e.source == Source::Main)
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
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
