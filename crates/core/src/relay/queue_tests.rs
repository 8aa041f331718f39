use std::collections::BTreeMap;
use std::sync::Arc;

use pollgate_model::{EncodedEvent, EventId, EventKind, Timestamp};
use proptest::prelude::*;

use super::*;

fn row(ticket: i64) -> Outgoing {
    let event =
        EncodedEvent::new(EventId::new(), &EventKind::MESSAGE_CREATED, Timestamp::now(), None, &ticket)
            .unwrap();
    Outgoing {
        ticket,
        event,
        recipients: Arc::from([]),
        stored: true,
        accepted_at: Timestamp::now(),
        expires_at: None,
        trace: None,
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Commits so many rows and offers them.
    Commit(usize),
    /// Commits a row whose commit looked broken: nobody offers it.
    Uncertain,
    /// The relay takes one turn.
    Turn,
    /// The broker confirms the oldest publication in flight, or says it failed.
    End { well: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_usize..6).prop_map(Step::Commit),
        1 => Just(Step::Uncertain),
        5 => Just(Step::Turn),
        4 => any::<bool>().prop_map(|well| Step::End { well }),
    ]
}

/// The outbox table, the queue, and a broker that confirms when told to.
struct World {
    queue: Queue,
    outbox: BTreeMap<i64, Outgoing>,
    in_flight: VecDeque<i64>,
    published: Vec<i64>,
    next: i64,
}

impl World {
    const PAGE: usize = 3;

    fn take(&mut self, step: &Step) {
        match step {
            Step::Commit(count) => {
                let rows: Vec<Outgoing> = (0..*count).map(|_| self.commit()).collect();
                self.queue.offer(rows);
            }
            Step::Uncertain => {
                let lost = self.commit();
                self.queue.look_past(lost.ticket - 1);
            }
            Step::Turn => {
                self.turn();
            }
            Step::End { well } => self.end(*well),
        }
    }

    fn commit(&mut self) -> Outgoing {
        self.next += 1;
        self.outbox.insert(self.next, row(self.next));
        row(self.next)
    }

    fn turn(&mut self) -> bool {
        let rows = match self.queue.next(2) {
            Next::Publish(rows) => rows,
            Next::Read(after) => {
                let page: Vec<Outgoing> =
                    self.outbox.range(after + 1..).take(Self::PAGE).map(|(_, r)| r.clone()).collect();
                let full = page.len() == Self::PAGE;
                let last = page.last().map(|row| row.ticket);
                self.queue.read(after, last, page, full)
            }
            Next::Idle => return false,
        };
        for row in rows {
            self.in_flight.push_back(row.ticket);
            self.published.push(row.ticket);
        }
        true
    }

    fn end(&mut self, well: bool) {
        let Some(ticket) = self.in_flight.pop_front() else { return };
        if well {
            self.queue.confirmed(&[ticket]);
            self.outbox.remove(&ticket);
        } else {
            self.queue.failed(&[ticket]);
        }
    }
}

proptest! {
    #[test]
    fn every_committed_row_is_published_and_the_memory_stays_bounded(
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let mut world = World {
            queue: Queue::new(4, 1 << 20), outbox: BTreeMap::new(), in_flight: VecDeque::new(),
            published: Vec::new(), next: 0,
        };
        for step in &steps {
            world.take(step);
            prop_assert!(world.queue.waiting() <= 4);
        }
        for _ in 0..10_000 {
            let worked = world.turn();
            world.end(true);
            if !worked && world.in_flight.is_empty() { break; }
        }
        prop_assert!(world.outbox.is_empty(), "left: {:?}", world.outbox.keys());
        prop_assert_eq!(world.queue.known(), 0);
    }

    /// As long as nothing fails, overflowing included, the order of tickets is kept.
    #[test]
    fn order_is_kept_over_an_overflow(steps in proptest::collection::vec(step(), 1..150)) {
        let mut world = World {
            queue: Queue::new(4, 1 << 20), outbox: BTreeMap::new(), in_flight: VecDeque::new(),
            published: Vec::new(), next: 0,
        };
        for step in &steps {
            match step {
                Step::Uncertain | Step::End { well: false } => {}
                other => world.take(other),
            }
        }
        let mut sorted = world.published.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert_eq!(sorted, world.published);
    }
}

/// A row leaves the table some time after the broker has confirmed it; a page that was read in between still has it.
#[test]
fn what_is_confirmed_and_has_not_left_the_outbox_yet_is_not_published_again() {
    let mut queue = Queue::new(2, 1 << 20);
    queue.offer((1..=5).map(row).collect());
    let Next::Publish(first) = queue.next(10) else { panic!("two fit") };
    assert_eq!(first.len(), 2);
    let Next::Read(after) = queue.next(10) else { panic!("the others were refused") };
    queue.confirmed(&[1, 2]);
    assert_eq!(after, 2);
    queue.look_past(0); // something else is looked for
    assert!(matches!(queue.next(10), Next::Read(0)));
    let page: Vec<Outgoing> = (1..=3).map(row).collect();
    let fresh = queue.read(0, Some(3), page, true);
    assert_eq!(fresh.iter().map(|row| row.ticket).collect::<Vec<_>>(), [3]);
    queue.confirmed(&[3]);
    let page: Vec<Outgoing> = (4..=5).map(row).collect();
    let fresh = queue.read(3, Some(5), page, false);
    assert_eq!(fresh.iter().map(|row| row.ticket).collect::<Vec<_>>(), [4, 5]);
    queue.confirmed(&[4, 5]);
    assert!(queue.is_idle() && queue.leaving.is_empty());
}
