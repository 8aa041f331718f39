//! The books of a run: what was sent to whom, what was accepted, what came, and what came twice.
//!
//! Rule: latencies are measured from the moment at which a request was *due*, not from when this program
//! came round to it. Otherwise a gateway that stalls would stall its own measurement.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::latency::{Latencies, Quantiles};

/// More than any run on one machine sends; at the bound, senders stop.
const MOST_SLOTS: usize = 20_000_000;

/// One expected delivery.
struct Slot {
    due: Instant,
    recipient: u32,
    state: Sent,
    arrived: Option<(Uuid, Instant)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// No answer yet, or none that tells whether it was accepted.
    Unknown,
    Accepted,
    /// The gateway said no: it must not come.
    Refused,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Counts {
    /// Deliveries that the gateway took on (2xx), one for each recipient.
    pub(crate) accepted: u64,
    /// Sends that were refused or failed.
    pub(crate) failed: u64,
    /// Deliveries that came, each counted once.
    pub(crate) delivered: u64,
    /// Accepted, and not there when the drain time was over.
    pub(crate) lost: u64,
    /// The same event again, as the contract allows.
    pub(crate) repeated: u64,
    /// The same message as another event, or to the wrong user: a broken promise.
    pub(crate) doubled: u64,
    /// A message after one with a higher place in the same room.
    pub(crate) out_of_order: u64,
    /// Refused, and delivered all the same.
    pub(crate) refused_but_delivered: u64,
    /// Polls that were answered.
    pub(crate) polls: u64,
    /// Polls that were answered with no event.
    pub(crate) empty_polls: u64,
    /// Polls that failed.
    pub(crate) poll_errors: u64,
    /// Answers that said that events may be missing.
    pub(crate) resyncs: u64,
    /// The first failures, in words.
    pub(crate) first_errors: Vec<String>,
}

const MOST_ERRORS_SHOWN: usize = 5;

/// The books.
pub(crate) struct Ledger {
    slots: Vec<Slot>,
    /// What was counted so far.
    pub(crate) counts: Counts,
    reply: Latencies,
    delivery: Latencies,
    last_delivery: Option<Instant>,
    /// The highest place seen, by recipient; empty when users have several rooms.
    places: Vec<u64>,
}

impl Ledger {
    /// `ordered_users`: how many users have exactly one room each, so that their order can be checked.
    pub(crate) fn new(ordered_users: usize) -> Result<Self, String> {
        Ok(Self {
            slots: Vec::new(),
            counts: Counts::default(),
            reply: Latencies::new()?,
            delivery: Latencies::new()?,
            last_delivery: None,
            places: vec![0; ordered_users],
        })
    }

    /// Writes down a send that was due at `due`; its number goes with it. `None`: the books are full.
    pub(crate) fn open(&mut self, recipient: usize, due: Instant) -> Option<usize> {
        if self.slots.len() >= MOST_SLOTS {
            return None;
        }
        let recipient = u32::try_from(recipient).ok()?;
        self.slots.push(Slot { due, recipient, state: Sent::Unknown, arrived: None });
        Some(self.slots.len() - 1)
    }

    /// The gateway took deliveries `first..first + count` on.
    pub(crate) fn accepted(&mut self, first: usize, count: usize) {
        let Some(slots) = self.slots.get_mut(first..first + count) else { return };
        slots.iter_mut().for_each(|slot| slot.state = Sent::Accepted);
        self.counts.accepted += count as u64;
        if let Some(slot) = slots.first() {
            self.reply.record(slot.due.elapsed());
        }
    }

    /// The gateway refused, or nothing is known.
    pub(crate) fn failed(&mut self, first: usize, count: usize, refused: bool, why: String) {
        let Some(slots) = self.slots.get_mut(first..first + count) else { return };
        if refused {
            slots.iter_mut().for_each(|slot| slot.state = Sent::Refused);
        }
        self.counts.failed += 1;
        self.note(why);
    }

    /// `user` got delivery `n` as `event`, which stands at `place` of its room.
    pub(crate) fn delivered(&mut self, n: usize, user: usize, event: Uuid, place: Option<u64>) {
        let Some(slot) = self.slots.get_mut(n) else { return };
        if slot.recipient as usize != user || slot.arrived.is_some_and(|(first, _at)| first != event) {
            self.counts.doubled += 1;
            return;
        }
        if slot.arrived.is_some() {
            self.counts.repeated += 1;
            return;
        }
        let now = Instant::now();
        slot.arrived = Some((event, now));
        self.delivery.record(now - slot.due);
        self.last_delivery = Some(now);
        self.counts.delivered += 1;
        if let (Some(highest), Some(place)) = (self.places.get_mut(user), place) {
            if place < *highest {
                self.counts.out_of_order += 1;
            }
            *highest = place.max(*highest);
        }
    }

    /// Keeps the first few failures in words.
    pub(crate) fn note(&mut self, why: String) {
        let errors = &mut self.counts.first_errors;
        if errors.len() < MOST_ERRORS_SHOWN && !errors.contains(&why) {
            errors.push(why);
        }
    }

    /// Accepted deliveries that have not come.
    pub(crate) fn missing(&self) -> u64 {
        self.slots.iter().filter(|slot| slot.state == Sent::Accepted && slot.arrived.is_none()).count() as u64
    }

    /// Everything that was accepted may be here already; cheap, `missing` is sure.
    pub(crate) fn looks_complete(&self) -> bool {
        self.counts.delivered >= self.counts.accepted
    }

    /// How long after `start` the last delivery came.
    pub(crate) fn until_last_delivery(&self, start: Instant) -> Option<Duration> {
        self.last_delivery.map(|last| last - start)
    }

    /// How long deliveries `first..first + count` took, shortest first; those that came.
    pub(crate) fn ways(&self, first: usize, count: usize) -> Vec<Duration> {
        let slots = self.slots.get(first..first + count).unwrap_or_default();
        let mut ways: Vec<Duration> =
            slots.iter().filter_map(|slot| slot.arrived.map(|(_event, at)| at - slot.due)).collect();
        ways.sort_unstable();
        ways
    }

    /// Closes the books: what has not come by now is lost, if `delivery` was to be measured at all.
    pub(crate) fn close(
        &mut self,
        delivery_expected: bool,
    ) -> (Counts, Option<Quantiles>, Option<Quantiles>) {
        if delivery_expected {
            self.counts.lost = self.missing();
        }
        let unwanted = |slot: &&Slot| slot.state == Sent::Refused && slot.arrived.is_some();
        self.counts.refused_but_delivered = self.slots.iter().filter(unwanted).count() as u64;
        (self.counts.clone(), self.reply.quantiles(), self.delivery.quantiles())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger_with(sends: usize) -> Ledger {
        let mut ledger = Ledger::new(4).unwrap();
        for n in 0..sends {
            assert_eq!(ledger.open(n % 4, Instant::now()), Some(n));
        }
        ledger
    }

    #[test]
    fn accepted_and_not_delivered_is_lost() {
        let mut ledger = ledger_with(2);
        ledger.accepted(0, 2);
        ledger.delivered(0, 0, Uuid::from_u128(1), Some(1));
        let (counts, reply, delivery) = ledger.close(true);
        assert_eq!((counts.accepted, counts.delivered, counts.lost), (2, 1, 1));
        assert_eq!((reply.unwrap().count, delivery.unwrap().count), (1, 1));
    }

    #[test]
    fn a_send_without_an_answer_is_not_lost() {
        let mut ledger = ledger_with(1);
        ledger.failed(0, 1, false, "timed out".into());
        assert_eq!(ledger.close(true).0.lost, 0);
    }

    #[test]
    fn the_same_event_again_is_a_repeat_and_another_one_is_an_error() {
        let mut ledger = ledger_with(1);
        ledger.accepted(0, 1);
        for event in [1, 1, 2] {
            ledger.delivered(0, 0, Uuid::from_u128(event), None);
        }
        ledger.delivered(0, 3, Uuid::from_u128(1), None);
        let counts = ledger.close(true).0;
        assert_eq!((counts.delivered, counts.repeated, counts.doubled, counts.lost), (1, 1, 2, 0));
    }

    #[test]
    fn a_refused_send_that_comes_is_reported() {
        let mut ledger = ledger_with(1);
        ledger.failed(0, 1, true, "503".into());
        ledger.delivered(0, 0, Uuid::from_u128(1), None);
        assert_eq!(ledger.close(true).0.refused_but_delivered, 1);
    }

    #[test]
    fn going_back_in_a_room_is_out_of_order() {
        let mut ledger = ledger_with(9);
        ledger.accepted(0, 9);
        for (n, place) in [(0, 1), (4, 3), (8, 2)] {
            ledger.delivered(n, 0, Uuid::from_u128(n as u128 + 1), Some(place));
        }
        assert_eq!(ledger.close(true).0.out_of_order, 1);
    }
}
