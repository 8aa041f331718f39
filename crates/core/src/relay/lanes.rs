//! A lane for each cluster, with a queue of its own, so that one that is away holds up nobody else's events.
//!
//! Rule: each lane's queue keeps its own promise (see `queue`) for what its users are to have, and a row leaves the
//! outbox when all lanes that have a share of it have answered. A lane that refused a row finds it in the outbox by
//! itself; the others, who have answered, are not given it again as long as this process lives.

use std::collections::HashMap;

use pollgate_store::Outgoing;

use super::queue::{Memory, Next, Queue};
use super::shares::{LaneSet, Shares};

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Lanes {
    queues: Vec<Queue>,
    /// Rows of several lanes, with the lanes that have not answered; from the time one of them may have it queued.
    /// One entry at most for each row of the outbox, which has its own bound, and now and then one for a row that has
    /// just left it, see `tidy`.
    joint: HashMap<i64, LaneSet>,
}

impl Lanes {
    /// Memory for so many publications and bytes, divided fairly.
    pub(crate) fn new(lanes: usize, most: usize, most_bytes: usize) -> Self {
        let fair = |all: usize| (all / lanes.max(1)).max(1);
        let queues = (0..lanes).map(|_| Queue::new(fair(most), fair(most_bytes))).collect();
        Self { queues, joint: HashMap::new() }
    }

    /// Gives each lane what was committed just now of its users'.
    pub(crate) fn offer(&mut self, shares: Shares) {
        let Self { queues, joint } = self;
        for (ticket, set) in shares.joint {
            joint.entry(ticket).or_insert(set);
        }
        for (lane, (queue, mut rows)) in queues.iter_mut().zip(shares.of).enumerate() {
            if !joint.is_empty() {
                rows.retain(|row| wants(joint, row.ticket, lane));
            }
            queue.offer(rows);
        }
    }

    /// The outbox holds rows past this ticket that nobody offered: all lanes look.
    pub(crate) fn look_past(&mut self, ticket: i64) {
        for queue in &mut self.queues {
            queue.look_past(ticket);
        }
    }

    /// What a lane does next.
    pub(crate) fn next(&mut self, lane: usize, most: usize) -> Next {
        let next = self.queues.get_mut(lane).map_or(Next::Idle, |queue| queue.next(most));
        if matches!(next, Next::Idle) {
            self.tidy();
        }
        next
    }

    /// Takes the share of a lane in a page of the outbox that was read past `after` and ends with `last`; what of it
    /// is to be published now. See [`Queue::read`].
    pub(crate) fn read(&mut self, lane: usize, after: i64, last: Option<i64>, page: Page) -> Vec<Outgoing> {
        let Page { mut shares, full } = page;
        let Some(queue) = self.queues.get_mut(lane) else { return Vec::new() };
        let mut rows = shares.take(lane);
        rows.retain(|row| wants(&self.joint, row.ticket, lane));
        let fresh = queue.read(after, last, rows, full);
        for row in &fresh {
            if let Some(set) = shares.joint.get(&row.ticket) {
                self.joint.entry(row.ticket).or_insert(*set);
            }
        }
        fresh
    }

    /// What the lane's broker did not take comes first at its next turn.
    pub(crate) fn put_back(&mut self, lane: usize, rows: Vec<Outgoing>) {
        if let Some(queue) = self.queues.get_mut(lane) {
            queue.put_back(rows);
        }
    }

    /// A lane's broker has answered for these, and not for those, which are read from the outbox again. Returns what
    /// all lanes have answered for.
    pub(crate) fn finished(&mut self, lane: usize, done: Vec<i64>, failed: &[i64]) -> Vec<i64> {
        let Some(queue) = self.queues.get_mut(lane) else { return Vec::new() };
        queue.confirmed(&done);
        queue.failed(failed);
        if self.joint.is_empty() {
            return done;
        }
        let settled = done.into_iter().filter(|ticket| self.answered(lane, *ticket)).collect();
        self.tidy();
        settled
    }

    /// Forgets what nobody is going to answer for: rows that a lane read once more while they were leaving the outbox.
    fn tidy(&mut self) {
        if !self.joint.is_empty() && self.queues.iter().all(Queue::is_idle) {
            self.joint.clear();
        }
    }

    /// A lane has answered for a row; `true`: it was the last one.
    fn answered(&mut self, lane: usize, ticket: i64) -> bool {
        let Some(left) = self.joint.get_mut(&ticket) else { return true };
        left.remove(lane);
        let last = left.is_empty();
        if last {
            self.joint.remove(&ticket);
        }
        last
    }

    /// How full the memory of all lanes is.
    pub(crate) fn memory(&self) -> Memory {
        let none = Memory { publications: 0, bytes: 0, overflowed: 0 };
        self.queues.iter().map(Queue::memory).fold(none, |all, one| Memory {
            publications: all.publications + one.publications,
            bytes: all.bytes + one.bytes,
            overflowed: all.overflowed + one.overflowed,
        })
    }

    /// Queued in a lane, not in flight.
    pub(crate) fn waiting(&self, lane: usize) -> usize {
        self.queues.get(lane).map_or(0, Queue::waiting)
    }
}

/// A lane's answer for a row is still wanted.
fn wants(joint: &HashMap<i64, LaneSet>, ticket: i64, lane: usize) -> bool {
    joint.get(&ticket).is_none_or(|left| left.contains(lane))
}

/// A page of the outbox.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) shares: Shares,
    /// More may stand behind it.
    pub(crate) full: bool,
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
