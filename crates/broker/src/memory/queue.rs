//! One mailbox: what is ready, in order, and who consumes it. Always under its user's lock.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use pollgate_model::{EventId, SessionId, TraceContext};

use super::ledger::Receipt;
use super::seat::{End, Ended, Seat};
use crate::{Delivery, Depth};

/// Most deliveries handed over before the locks are taken again.
const BATCH: usize = 64;

/// One copy of a publication.
#[derive(Clone)]
pub(super) struct Entry {
    /// Place in the mailbox.
    pub(super) seq: u64,
    pub(super) id: EventId,
    pub(super) payload: Bytes,
    pub(super) expires_at_ms: i64,
    pub(super) redelivered: bool,
    pub(super) trace: Option<Arc<TraceContext>>,
    /// Dropping the last copy is the publication's outcome.
    #[expect(dead_code, reason = "held for its drop")]
    pub(super) receipt: Arc<Receipt>,
}

/// A batch on its way to a consumer, and the mailbox it comes from.
pub(super) struct Step {
    pub(super) queue: u64,
    pub(super) seat: Arc<Seat>,
    pub(super) batch: Vec<Delivery>,
}

/// One mailbox.
pub(super) struct Queue {
    /// Tells it from a mailbox of the same name made later.
    pub(super) serial: u64,
    pub(super) session: Option<SessionId>,
    pub(super) ready: VecDeque<Entry>,
    pub(super) seats: Vec<Arc<Seat>>,
    pub(super) used_at_ms: i64,
    last_seq: u64,
    turn: usize,
}

impl Queue {
    pub(super) fn new(serial: u64, session: Option<SessionId>, now_ms: i64) -> Self {
        Self {
            serial,
            session,
            ready: VecDeque::new(),
            seats: Vec::new(),
            used_at_ms: now_ms,
            last_seq: 0,
            turn: 0,
        }
    }

    /// Adds a copy at the end; over `most` the oldest is dropped.
    pub(super) fn push(&mut self, mut entry: Entry, most: u64) {
        self.last_seq += 1;
        entry.seq = self.last_seq;
        self.ready.push_back(entry);
        while u64::try_from(self.ready.len()).unwrap_or(u64::MAX) > most {
            self.ready.pop_front();
        }
    }

    /// The next deliveries for a consumer that has room, and that nobody is handing to right now.
    pub(super) fn next_step(&mut self, now_ms: i64) -> Option<Step> {
        if self.ready.is_empty() {
            return None;
        }
        for _each in 0..self.seats.len() {
            self.turn = (self.turn + 1) % self.seats.len();
            let seat = Arc::clone(self.seats.get(self.turn)?);
            let mut held = seat.lock();
            let room = seat.room(&held).min(BATCH);
            if room == 0 {
                continue;
            }
            let mut batch = Vec::with_capacity(room.min(self.ready.len()));
            while batch.len() < room {
                let Some(entry) = self.pop(now_ms) else { break };
                batch.push(held.keep(entry));
            }
            if batch.is_empty() {
                return None;
            }
            held.begin_batch();
            drop(held);
            return Some(Step { queue: self.serial, seat, batch });
        }
        None
    }

    /// Takes up to `most` out for a seat that gets no further ones.
    pub(super) fn take(&mut self, seat: &Seat, most: usize, now_ms: i64) -> Vec<Delivery> {
        let mut held = seat.lock();
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(entry) = self.pop(now_ms) else { break };
            taken.push(held.keep(entry));
        }
        taken
    }

    /// The oldest that has not expired.
    fn pop(&mut self, now_ms: i64) -> Option<Entry> {
        loop {
            let entry = self.ready.pop_front()?;
            if entry.expires_at_ms > now_ms {
                return Some(entry);
            }
        }
    }

    /// Puts entries back where they stood.
    pub(super) fn give_back(&mut self, entries: Vec<Entry>) {
        for mut entry in entries.into_iter().rev() {
            entry.redelivered = true;
            if self.ready.front().is_none_or(|first| first.seq > entry.seq) {
                self.ready.push_front(entry);
                continue;
            }
            let at = self.ready.partition_point(|other| other.seq < entry.seq);
            self.ready.insert(at, entry);
        }
    }

    /// Drops what has expired at the head.
    pub(super) fn expire_head(&mut self, now_ms: i64) {
        while self.ready.front().is_some_and(|first| first.expires_at_ms <= now_ms) {
            self.ready.pop_front();
        }
    }

    /// Ends every consumer because the mailbox is gone.
    pub(super) fn end_seats(&mut self) -> Vec<Ended> {
        self.seats.drain(..).filter_map(|seat| seat.end(End::Gone, None)).collect()
    }

    pub(super) fn depth(&self) -> Depth {
        let unacked = self.seats.iter().map(|seat| seat.unacked()).sum::<usize>();
        Depth {
            ready: u64::try_from(self.ready.len()).unwrap_or(u64::MAX),
            unacked: Some(u64::try_from(unacked).unwrap_or(u64::MAX)),
            consumers: u64::try_from(self.seats.len()).unwrap_or(u64::MAX),
        }
    }

    /// When it has to be looked at again: its head expires, or nobody has used it for too long.
    pub(super) fn deadline_ms(&self, expires_ms: i64) -> i64 {
        let unused =
            if self.seats.is_empty() { self.used_at_ms.saturating_add(expires_ms) } else { i64::MAX };
        self.ready.front().map_or(unused, |first| unused.min(first.expires_at_ms))
    }
}
