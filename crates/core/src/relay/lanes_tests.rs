use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use pollgate_broker::{ClusterName, Placement};
use pollgate_model::{EncodedEvent, EventId, EventKind, Recipient, Timestamp, UserId};
use proptest::prelude::*;

use super::*;

const LANES: usize = 3;
const MOST: usize = 4;

fn placement() -> Placement {
    let name = |n: usize| ClusterName::of_url(&format!("amqp://mq{n}")).unwrap();
    Placement::new((0..LANES).map(name).collect()).unwrap()
}

/// Somebody on this lane.
fn user_on(placement: &Placement, lane: usize) -> UserId {
    let mut users = (0..1000).map(|n| format!("user-{n}").parse::<UserId>().unwrap());
    users.find(|user| placement.lane_of(user) == lane).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    /// Commits rows for users of these lanes (bits) and offers them.
    Commit(Vec<u32>),
    /// Commits a row whose commit looked broken: nobody offers it.
    Uncertain(u32),
    /// A lane takes one turn.
    Turn(usize),
    /// The broker of a lane confirms the oldest publication in flight, or says that it failed.
    End { lane: usize, well: bool },
    /// What is settled leaves the table at last.
    Write,
}

fn lanes() -> impl Strategy<Value = u32> {
    1_u32..(1 << LANES)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => proptest::collection::vec(lanes(), 1..5).prop_map(Step::Commit),
        1 => lanes().prop_map(Step::Uncertain),
        6 => (0..LANES).prop_map(Step::Turn),
        6 => (0..LANES, any::<bool>()).prop_map(|(lane, well)| Step::End { lane, well }),
        2 => Just(Step::Write),
    ]
}

/// The outbox table, the lanes, and brokers that confirm when told to.
struct World {
    placement: Placement,
    users: Vec<UserId>,
    lanes: Lanes,
    outbox: BTreeMap<i64, Outgoing>,
    settled: Vec<i64>,
    in_flight: Vec<VecDeque<i64>>,
    published: Vec<Vec<i64>>,
    /// Which lanes a row is for, and which have answered well.
    wanted: BTreeMap<i64, u32>,
    answered: BTreeMap<i64, u32>,
    next: i64,
}

impl World {
    const PAGE: usize = 3;

    fn new() -> Self {
        let placement = placement();
        Self {
            users: (0..LANES).map(|lane| user_on(&placement, lane)).collect(),
            placement,
            lanes: Lanes::new(LANES, MOST * LANES, 1 << 20),
            outbox: BTreeMap::new(),
            settled: Vec::new(),
            in_flight: vec![VecDeque::new(); LANES],
            published: vec![Vec::new(); LANES],
            wanted: BTreeMap::new(),
            answered: BTreeMap::new(),
            next: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Commit(sets) => {
                let rows: Vec<Outgoing> = sets.iter().map(|set| self.commit(*set)).collect();
                self.lanes.offer(Shares::new(&self.placement, rows));
            }
            Step::Uncertain(set) => {
                let lost = self.commit(*set);
                self.lanes.look_past(lost.ticket - 1);
            }
            Step::Turn(lane) => drop(self.turn(*lane)),
            Step::End { lane, well } => self.end(*lane, *well),
            Step::Write => self.write(),
        }
    }

    fn commit(&mut self, set: u32) -> Outgoing {
        self.next += 1;
        let to = |lane: usize| Recipient { user: self.users[lane].clone(), make_mailbox: true };
        let event = EncodedEvent::new(
            EventId::new(),
            &EventKind::MESSAGE_CREATED,
            Timestamp::now(),
            None,
            &self.next,
        );
        let row = Outgoing {
            ticket: self.next,
            event: event.unwrap(),
            recipients: (0..LANES).filter(|lane| set & (1 << lane) != 0).map(to).collect(),
            stored: true,
            accepted_at: Timestamp::now(),
            expires_at: None,
            trace: None,
        };
        self.outbox.insert(row.ticket, row.clone());
        self.wanted.insert(row.ticket, set);
        row
    }

    fn turn(&mut self, lane: usize) -> bool {
        let rows = match self.lanes.next(lane, 2) {
            Next::Publish(rows) => rows,
            Next::Read(after) => {
                let page: Vec<Outgoing> =
                    self.outbox.range(after + 1..).take(Self::PAGE).map(|(_, row)| row.clone()).collect();
                let (full, last) = (page.len() == Self::PAGE, page.last().map(|row| row.ticket));
                let page = Page { shares: Shares::new(&self.placement, page), full };
                self.lanes.read(lane, after, last, page)
            }
            Next::Idle => return false,
        };
        for row in rows {
            let of: Vec<&UserId> = row.recipients.iter().map(|to| &to.user).collect();
            assert_eq!(of, [&self.users[lane]], "a lane publishes to its own users only");
            self.in_flight[lane].push_back(row.ticket);
            self.published[lane].push(row.ticket);
        }
        true
    }

    fn end(&mut self, lane: usize, well: bool) {
        let Some(ticket) = self.in_flight[lane].pop_front() else { return };
        let (done, failed) = if well { (vec![ticket], vec![]) } else { (vec![], vec![ticket]) };
        if well {
            *self.answered.entry(ticket).or_default() |= 1 << lane;
        }
        for settled in self.lanes.finished(lane, done, &failed) {
            let (wanted, answered) = (self.wanted[&settled], self.answered[&settled]);
            assert_eq!(wanted & !answered, 0, "settled before all lanes answered");
            self.settled.push(settled);
        }
    }

    fn write(&mut self) {
        for ticket in self.settled.drain(..) {
            self.outbox.remove(&ticket);
        }
    }

    /// Brings everything to its end, but for the lanes that are away.
    fn finish(&mut self, up: &[usize]) {
        loop {
            let mut worked = false;
            for lane in up {
                worked |= self.turn(*lane) || !self.in_flight[*lane].is_empty();
                self.end(*lane, true);
            }
            self.write();
            if !worked {
                return;
            }
        }
    }
}

proptest! {
    #[test]
    fn every_row_is_settled_after_all_its_lanes_answered_and_the_memory_stays_bounded(
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            for lane in 0..LANES {
                prop_assert!(world.lanes.waiting(lane) <= MOST);
            }
            prop_assert!(world.lanes.joint.len() <= world.wanted.len());
        }
        world.finish(&[0, 1, 2]);
        prop_assert!(world.outbox.is_empty(), "left: {:?}", world.outbox.keys());
        prop_assert!(world.lanes.joint.is_empty());
        prop_assert!(world.lanes.queues.iter().all(Queue::is_idle));
    }

    /// One lane stops somewhere in the middle: all that the others have to do is done, and what it has to do waits.
    #[test]
    fn a_lane_that_is_away_holds_up_nobody_else(
        before in proptest::collection::vec(step(), 0..60), after in proptest::collection::vec(step(), 1..100),
    ) {
        const AWAY: usize = 2;
        let mut world = World::new();
        for step in &before {
            world.take(step);
        }
        for step in &after {
            if !matches!(step, Step::Turn(AWAY) | Step::End { lane: AWAY, .. }) {
                world.take(step);
            }
        }
        world.finish(&[0, 1]);
        for (ticket, wanted) in &world.wanted {
            let answered = world.answered.get(ticket).copied().unwrap_or(0);
            prop_assert_eq!(wanted & !answered & 0b011, 0, "{} waits for a lane that is there", ticket);
            let left = wanted & !answered != 0;
            prop_assert_eq!(world.outbox.contains_key(ticket), left, "{} of lanes {:b}", ticket, wanted);
        }
        world.finish(&[0, 1, AWAY]);
        prop_assert!(world.outbox.is_empty(), "left: {:?}", world.outbox.keys());
    }

    /// As long as nothing fails, overflowing included, each lane keeps the order of tickets and publishes none twice,
    /// however far the others are behind.
    #[test]
    fn each_lane_keeps_its_order(steps in proptest::collection::vec(step(), 1..200)) {
        let mut world = World::new();
        for step in &steps {
            match step {
                Step::Uncertain(_) | Step::End { well: false, .. } => {}
                // what is settled leaves at once here: what is late in leaving may be published once more
                other => world.take(other),
            }
            world.write();
        }
        for published in &world.published {
            let mut sorted = published.clone();
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(&sorted, published);
        }
    }
}

#[test]
fn with_one_cluster_rows_pass_as_they_are() {
    let placement = Placement::single(ClusterName::in_process());
    let mut world = World::new();
    let row = world.commit(0b111);
    let mut shares = Shares::new(&placement, vec![row.clone()]);
    assert!(shares.joint.is_empty());
    assert!(Arc::ptr_eq(&shares.take(0)[0].recipients, &row.recipients));
}

#[test]
fn a_row_for_nobody_is_answered_for_as_well() {
    let mut world = World::new();
    let mut row = world.commit(1);
    row.recipients = Arc::from([]);
    let mut shares = Shares::new(&world.placement, vec![row]);
    assert_eq!((shares.take(0).len(), shares.joint.len()), (1, 0));
}
