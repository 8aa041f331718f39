//! What the relay has to publish, and in which order: a bounded queue in memory in front of the outbox table.
//!
//! Rule: a committed publication is either queued here, or in flight, or its ticket lies past `behind` and the
//! outbox page that is read next will bring it. Memory only saves reading back; the outbox alone is the truth.

use std::collections::{HashSet, VecDeque};

use pollgate_store::Outgoing;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: VecDeque<Outgoing>,
    /// What the broker did not take comes before all else. At most what one turn gave out.
    returned: VecDeque<Outgoing>,
    bytes: usize,
    /// Tickets queued here or in flight.
    known: HashSet<i64>,
    /// Confirmed while the outbox is to be read: their rows may not have left it yet. Those past the last read only.
    leaving: HashSet<i64>,
    /// The outbox must be read from past this ticket on, before anything that waits here.
    behind: Option<i64>,
    /// Offers are refused until the outbox was read up to its end.
    shut: bool,
    /// When nothing waits any more, the outbox is to be read from this ticket on: the lowest refused while shut, or
    /// where a page was cut.
    refused: Option<i64>,
    /// How many found no room, since the start.
    overflowed: u64,
    most: usize,
    most_bytes: usize,
}

/// How full the queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Publications that wait.
    pub(crate) publications: usize,
    /// Their bytes.
    pub(crate) bytes: usize,
    /// How many found no room so far, and were read from the outbox later.
    pub(crate) overflowed: u64,
}

/// What to publish next.
#[derive(Debug)]
pub(crate) enum Next {
    /// These, in this order.
    Publish(Vec<Outgoing>),
    /// Read a page of the outbox past this ticket and give it to [`Queue::read`].
    Read(i64),
    /// Nothing at the moment.
    Idle,
}

impl Queue {
    pub(crate) fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            returned: VecDeque::new(),
            bytes: 0,
            known: HashSet::new(),
            leaving: HashSet::new(),
            behind: None,
            shut: false,
            refused: None,
            overflowed: 0,
            most,
            most_bytes,
        }
    }

    /// Takes what was committed just now; what finds no room is read from the outbox later.
    pub(crate) fn offer(&mut self, rows: Vec<Outgoing>) {
        for row in rows {
            if self.known.contains(&row.ticket) {
                continue; // a page of the outbox was faster
            }
            if self.shut || self.waiting.len() >= self.most || self.bytes >= self.most_bytes {
                self.refuse(row.ticket);
                continue;
            }
            self.push(row);
        }
    }

    fn push(&mut self, row: Outgoing) {
        self.bytes += row.event.json.len();
        self.known.insert(row.ticket);
        self.waiting.push_back(row);
    }

    fn refuse(&mut self, ticket: i64) {
        self.shut = true;
        self.overflowed += 1;
        let lowest = self.refused.map_or(ticket, |refused| refused.min(ticket));
        self.refused = Some(lowest);
    }

    /// The outbox holds rows past this ticket that nobody offered (an uncertain commit, a failed publication).
    pub(crate) fn look_past(&mut self, ticket: i64) {
        self.behind = Some(self.behind.map_or(ticket, |behind| behind.min(ticket)));
    }

    /// What to do next; at most `most` publications at once.
    pub(crate) fn next(&mut self, most: usize) -> Next {
        if !self.returned.is_empty() {
            let count = most.min(self.returned.len());
            return Next::Publish(self.returned.drain(..count).collect());
        }
        if let Some(after) = self.behind {
            return Next::Read(after);
        }
        if !self.waiting.is_empty() {
            let count = most.min(self.waiting.len());
            let rows: Vec<Outgoing> = self.waiting.drain(..count).collect();
            self.bytes -= rows.iter().map(|r| r.event.json.len()).sum::<usize>();
            return Next::Publish(rows);
        }
        if let Some(lowest) = self.refused.take() {
            // offers are taken again from here on, so the page that ends the reading misses nothing
            self.shut = false;
            self.behind = Some(lowest - 1);
            return Next::Read(lowest - 1);
        }
        Next::Idle
    }

    /// Takes what is ours of a page of the outbox that was read past `after` and ends with `last`; what is left of it
    /// is to be published now.
    ///
    /// The page counts only up to what waits in memory, which is to be published first; the outbox is read again
    /// from there when that is done.
    pub(crate) fn read(
        &mut self,
        after: i64,
        last: Option<i64>,
        mut page: Vec<Outgoing>,
        full: bool,
    ) -> Vec<Outgoing> {
        let first_waiting = self.waiting.iter().map(|row| row.ticket).min().unwrap_or(i64::MAX);
        page.retain(|row| row.ticket < first_waiting);
        let cut = last.is_some_and(|last| last >= first_waiting);
        if cut {
            self.refused = Some(self.refused.map_or(first_waiting, |refused| refused.min(first_waiting)));
        }
        let more = full && !cut;
        // `look_past` may have moved it down while the page was read
        if self.behind == Some(after) {
            self.behind = if more { last } else { None };
        }
        let leaving = std::mem::take(&mut self.leaving);
        if self.behind.is_some() || self.refused.is_some() {
            // further pages begin behind this one
            self.leaving = leaving.iter().copied().filter(|ticket| *ticket > after).collect();
        }
        page.retain(|row| !leaving.contains(&row.ticket));
        page.into_iter().filter(|row| self.known.insert(row.ticket)).collect()
    }

    /// Publications that were not taken by the broker come first at the next turn, in order.
    pub(crate) fn put_back(&mut self, rows: Vec<Outgoing>) {
        for row in rows.into_iter().rev() {
            self.returned.push_front(row);
        }
    }

    /// These are confirmed: they leave the outbox soon.
    pub(crate) fn confirmed(&mut self, tickets: &[i64]) {
        let is_read = self.behind.is_some() || self.refused.is_some();
        for ticket in tickets {
            self.known.remove(ticket);
            if is_read {
                self.leaving.insert(*ticket);
            }
        }
    }

    /// These are not, and are to be read from the outbox again.
    pub(crate) fn failed(&mut self, tickets: &[i64]) {
        for ticket in tickets {
            self.known.remove(ticket);
            self.leaving.remove(ticket);
        }
        if let Some(first) = tickets.iter().min() {
            self.look_past(first - 1);
        }
    }

    /// Nothing queued, in flight, or to be read.
    pub(crate) fn is_idle(&self) -> bool {
        self.known.is_empty() && self.behind.is_none() && self.refused.is_none()
    }

    /// Queued and in flight.
    #[cfg(test)]
    fn known(&self) -> usize {
        self.known.len()
    }

    /// Queued only.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len() + self.returned.len()
    }

    /// How full it is.
    pub(crate) fn memory(&self) -> Memory {
        Memory { publications: self.waiting.len(), bytes: self.bytes, overflowed: self.overflowed }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
