//! A user's mailboxes, behind one lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pollgate_model::{SessionId, UserId};

use super::queue::{Queue, Step};
use super::seat::{Ended, Seat};

/// A user's mailboxes.
pub(super) struct User {
    pub(super) id: UserId,
    boxes: Mutex<Boxes>,
}

/// What stands behind the lock.
pub(super) struct Boxes {
    /// Taken out of the registry: look the user up again.
    pub(super) retired: bool,
    /// Few: the main one, or one for each device.
    pub(super) queues: Vec<Queue>,
    /// When the sweeper looks next.
    pub(super) check_at_ms: i64,
    last_serial: u64,
}

impl User {
    pub(super) fn new(id: UserId) -> Self {
        let boxes = Boxes { retired: false, queues: Vec::new(), check_at_ms: i64::MAX, last_serial: 0 };
        Self { id, boxes: Mutex::new(boxes) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Boxes> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over batch after batch until nobody has room or nothing is ready. No lock may be held.
    pub(super) fn pump(&self, mut next: Option<Step>) {
        while let Some(step) = next {
            let Step { queue, seat, batch } = step;
            seat.deliver(batch);
            let mut boxes = self.lock();
            let ended = seat.batch_done().map(|ended| boxes.settle(queue, ended));
            next = boxes.by_serial(queue).and_then(|queue| queue.next_step(super::now_ms()));
            drop(boxes);
            if let Some(ended) = ended {
                ended.tell();
            }
        }
    }

    /// Something may be ready for a consumer of this mailbox.
    pub(super) fn pump_queue(&self, queue: u64) {
        let first = self.lock().by_serial(queue).and_then(|queue| queue.next_step(super::now_ms()));
        self.pump(first);
    }
}

impl Boxes {
    pub(super) fn find(&mut self, session: Option<&SessionId>) -> Option<&mut Queue> {
        self.queues.iter_mut().find(|queue| queue.session.as_ref() == session)
    }

    pub(super) fn by_serial(&mut self, serial: u64) -> Option<&mut Queue> {
        self.queues.iter_mut().find(|queue| queue.serial == serial)
    }

    /// The mailbox, made if it is missing; that counts as using it.
    #[expect(clippy::indexing_slicing, reason = "a place that was just found or pushed")]
    pub(super) fn find_or_add(&mut self, session: Option<&SessionId>, now_ms: i64) -> &mut Queue {
        let at =
            self.queues.iter().position(|queue| queue.session.as_ref() == session).unwrap_or_else(|| {
                self.add(session.cloned(), now_ms);
                self.queues.len() - 1
            });
        let queue = &mut self.queues[at];
        queue.used_at_ms = now_ms;
        queue
    }

    /// Makes a mailbox.
    pub(super) fn add(&mut self, session: Option<SessionId>, now_ms: i64) {
        self.last_serial += 1;
        self.queues.push(Queue::new(self.last_serial, session, now_ms));
    }

    pub(super) fn remove(&mut self, session: Option<&SessionId>) -> Option<Queue> {
        let at = self.queues.iter().position(|queue| queue.session.as_ref() == session)?;
        Some(self.queues.swap_remove(at))
    }

    /// Takes a consumer off its mailbox; what it holds is settled by [`Self::settle`].
    pub(super) fn unseat(&mut self, queue: u64, seat: &Arc<Seat>) {
        let Some(queue) = self.by_serial(queue) else { return };
        queue.seats.retain(|other| !Arc::ptr_eq(other, seat));
        queue.used_at_ms = super::now_ms();
    }

    /// Puts back what an ended seat held; without its mailbox that is dropped.
    pub(super) fn settle(&mut self, queue: u64, mut ended: Ended) -> Ended {
        let back = std::mem::take(&mut ended.back);
        if let Some(queue) = self.by_serial(queue) {
            queue.used_at_ms = super::now_ms();
            queue.give_back(back);
        }
        ended
    }
}
