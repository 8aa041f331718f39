//! The broker: queues in order, consumers in turn, and what they have not acked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use pollgate_broker::{Delivery, Detached, Responder, Standing};
use pollgate_model::{EventId, Mailbox, UserId};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::wire::{Frame, Wire};

/// The broker and the network around it.
pub(super) struct World(Mutex<Inner>);

pub(super) struct Inner {
    dice: SmallRng,
    queues: BTreeMap<Mailbox, Queue>,
    pub(super) consumers: BTreeMap<u64, Consumer>,
    /// Which gateway answers for which instance, over which line.
    pub(super) responders: BTreeMap<u64, (u64, Arc<dyn Responder>)>,
    /// Lines that nothing passes over now.
    pub(super) cut: BTreeMap<u64, bool>,
    last: u64,
    pub(super) slow: bool,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Message>,
    /// In turn.
    consumers: VecDeque<u64>,
}

#[derive(Clone)]
struct Message {
    position: u64,
    id: EventId,
    payload: Bytes,
    redelivered: bool,
}

/// A consumer as the broker sees it.
pub(super) struct Consumer {
    pub(super) line: u64,
    mailbox: Mailbox,
    wire: Wire,
    prefetch: usize,
    unacked: BTreeMap<u64, Message>,
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner {
            dice: SmallRng::seed_from_u64(seed),
            queues: BTreeMap::new(),
            consumers: BTreeMap::new(),
            responders: BTreeMap::new(),
            cut: BTreeMap::new(),
            last: 0,
            slow: false,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&self, percent: u32) -> bool {
        self.lock().dice.random_range(0..100) < percent
    }

    pub(super) fn between(&self, least: u64, most: u64) -> u64 {
        self.lock().dice.random_range(least..=most)
    }

    /// What a step takes: usually little, sometimes much.
    pub(super) async fn step(&self) {
        let us = {
            let mut inner = self.lock();
            let most = if inner.slow && inner.dice.random_range(0..100) < 5 { 400_000 } else { 3_000 };
            inner.dice.random_range(0..most)
        };
        tokio::time::sleep(Duration::from_micros(us)).await;
    }
}

impl Inner {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Makes a queue if it is missing.
    pub(super) fn ensure(&mut self, mailbox: &Mailbox) -> Standing {
        let none = Standing { existed: false, ready: 0, consumers: 0 };
        let found = self.standing(mailbox).unwrap_or(none);
        self.queues.entry(mailbox.clone()).or_default();
        found
    }

    pub(super) fn standing(&self, mailbox: &Mailbox) -> Option<Standing> {
        let queue = self.queues.get(mailbox)?;
        // one that has taken events out and has no turn counts too
        let consumers =
            self.consumers.values().filter(|consumer| consumer.mailbox == *mailbox).count() as u64;
        Some(Standing { existed: true, ready: queue.ready.len() as u64, consumers })
    }

    pub(super) fn remove_if_idle(&mut self, mailbox: &Mailbox) -> bool {
        let idle = self.standing(mailbox).is_some_and(|found| found.ready == 0 && found.consumers == 0);
        idle && self.queues.remove(mailbox).is_some()
    }

    /// Puts an event into every mailbox of a user, into the main one if there is none.
    pub(super) fn publish(&mut self, user: &UserId, id: EventId, payload: &Bytes) {
        let theirs: Vec<Mailbox> =
            self.queues.keys().filter(|mailbox| mailbox.user == *user).cloned().collect();
        let theirs = if theirs.is_empty() { vec![Mailbox::main(user.clone())] } else { theirs };
        for mailbox in theirs {
            let position = self.next();
            let message = Message { position, id, payload: payload.clone(), redelivered: false };
            self.queues.entry(mailbox.clone()).or_default().ready.push_back(message);
            self.pump(&mailbox);
        }
    }

    /// Adds a consumer; a taker has no turn and gets what it asks for.
    pub(super) fn consume(&mut self, line: u64, mailbox: &Mailbox, wire: Wire, prefetch: usize) -> u64 {
        let number = self.next();
        let consumer = Consumer { line, mailbox: mailbox.clone(), wire, prefetch, unacked: BTreeMap::new() };
        self.consumers.insert(number, consumer);
        if prefetch > 0 {
            self.queues.entry(mailbox.clone()).or_default().consumers.push_back(number);
            self.pump(mailbox);
        }
        number
    }

    /// Takes up to `most` events for a consumer that has no turn.
    pub(super) fn take(&mut self, number: u64, most: usize) -> (Vec<Delivery>, bool) {
        let mut taken = Vec::new();
        let Some(consumer) = self.consumers.get(&number) else { return (taken, true) };
        let mailbox = consumer.mailbox.clone();
        while taken.len() < most {
            let Some(message) = self.queues.get_mut(&mailbox).and_then(|queue| queue.ready.pop_front())
            else {
                return (taken, true);
            };
            taken.extend(self.hand(number, message));
        }
        let drained = self.queues.get(&mailbox).is_none_or(|queue| queue.ready.is_empty());
        (taken, drained)
    }

    fn hand(&mut self, number: u64, message: Message) -> Option<Delivery> {
        let tag = self.next();
        let consumer = self.consumers.get_mut(&number)?;
        let Message { id, payload, redelivered, .. } = message.clone();
        consumer.unacked.insert(tag, message);
        Some(Delivery { tag, id, payload, redelivered, arrived: std::time::Instant::now(), trace: None })
    }

    /// Hands out what is ready while somebody has room.
    fn pump(&mut self, mailbox: &Mailbox) {
        loop {
            let Some(queue) = self.queues.get_mut(mailbox) else { return };
            if queue.ready.is_empty() {
                return;
            }
            let has_room = |number: &u64| {
                self.consumers.get(number).is_some_and(|consumer| consumer.unacked.len() < consumer.prefetch)
            };
            let Some(at) = queue.consumers.iter().position(has_room) else { return };
            let Some(number) = queue.consumers.remove(at) else { return };
            queue.consumers.push_back(number);
            let Some(message) = queue.ready.pop_front() else { return };
            if let Some(delivery) = self.hand(number, message)
                && let Some(consumer) = self.consumers.get(&number)
            {
                consumer.wire.send(Frame::Deliver(delivery));
            }
        }
    }

    pub(super) fn ack(&mut self, number: u64, tags: &[u64]) {
        let Some(consumer) = self.consumers.get_mut(&number) else { return };
        for tag in tags {
            consumer.unacked.remove(tag);
        }
        let mailbox = consumer.mailbox.clone();
        self.pump(&mailbox);
    }

    /// Ends a consumer; what it has not acked goes back to its place.
    pub(super) fn end(&mut self, number: u64) {
        let Some(consumer) = self.consumers.remove(&number) else { return };
        let Some(queue) = self.queues.get_mut(&consumer.mailbox) else { return };
        queue.consumers.retain(|other| *other != number);
        for (_tag, mut message) in consumer.unacked {
            message.redelivered = true;
            let at = queue.ready.partition_point(|other| other.position < message.position);
            queue.ready.insert(at, message);
        }
        self.pump(&consumer.mailbox);
    }

    /// The broker gives a line up: all its consumers end, and those at its other end hear that they are lost.
    pub(super) fn give_up(&mut self, line: u64) {
        let numbers: Vec<u64> =
            self.consumers.iter().filter(|(_, consumer)| consumer.line == line).map(|(n, _)| *n).collect();
        for number in numbers {
            if let Some(consumer) = self.consumers.get(&number) {
                consumer.wire.send(Frame::Detached(Detached::Lost));
            }
            self.end(number);
        }
    }

    pub(super) fn is_cut(&self, line: u64) -> bool {
        self.cut.get(&line).copied().unwrap_or(true)
    }

    /// Events that stand anywhere, for a story's last words.
    pub(super) fn left(&self) -> String {
        let queues = self.queues.iter().map(|(mailbox, queue)| {
            let held: usize =
                self.consumers.values().filter(|c| c.mailbox == *mailbox).map(|c| c.unacked.len()).sum();
            format!(
                "{mailbox}: {} ready, {held} unacked, {} consumers",
                queue.ready.len(),
                queue.consumers.len()
            )
        });
        queues.collect::<Vec<_>>().join("; ")
    }
}
