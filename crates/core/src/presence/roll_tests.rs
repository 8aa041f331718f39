use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::{SLACK, TICK};
use super::*;

const AFTER: Duration = Duration::from_secs(10);
const KEEP: Duration = AFTER.saturating_add(SLACK);
/// After so long a dead gateway's seats are taken away.
const LEASE: Duration = Duration::from_secs(15);
const MANY: usize = 1000;

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn roll() -> Roll {
    Roll::new(KEEP, MANY)
}

/// Takes what there is to write, and writes it.
fn written(roll: &Roll, now: Instant) -> PresenceBatch {
    let batch = roll.take(now, MANY);
    roll.wrote(&batch, now);
    batch
}

fn here(name: &str, watching: bool) -> PresenceBatch {
    PresenceBatch { here: vec![(user(name), watching)], gone: vec![] }
}

#[test]
fn a_user_is_written_once_and_leaves_some_time_after_the_last_poll() {
    let (roll, ann, start) = (roll(), user("ann"), Instant::now());
    assert!(roll.came(&ann, start) && roll.came(&ann, start));
    assert_eq!(written(&roll, start), here("ann", false));
    roll.left(&ann, start, start);
    assert!(written(&roll, start + 2 * KEEP).is_empty(), "one mailbox is attended yet");
    let last = start + 3 * KEEP;
    roll.left(&ann, last, last);
    assert!(written(&roll, last + KEEP - Duration::from_millis(1)).is_empty());
    assert_eq!(written(&roll, last + KEEP).gone, [(ann, KEEP)]);
    assert_eq!(roll.len(), 0);
}

#[test]
fn a_user_who_comes_back_in_time_costs_nothing() {
    let (roll, ann, mut now) = (roll(), user("ann"), Instant::now());
    roll.came(&ann, now);
    written(&roll, now);
    for _ in 0..100 {
        roll.left(&ann, now, now);
        now += AFTER;
        assert!(written(&roll, now).is_empty());
        roll.came(&ann, now);
        assert!(written(&roll, now).is_empty());
    }
}

#[test]
fn who_asked_watches_until_the_time_said_and_asking_again_costs_nothing() {
    let (roll, ann, mut now) = (roll(), user("ann"), Instant::now());
    roll.came(&ann, now);
    roll.asked(&ann, now + AFTER, now);
    assert_eq!(written(&roll, now), here("ann", true));
    for _ in 0..10 {
        now += AFTER / 2;
        roll.asked(&ann, now + AFTER, now);
        assert!(written(&roll, now).is_empty());
    }
    assert!(written(&roll, now + AFTER - Duration::from_millis(1)).is_empty());
    assert_eq!(written(&roll, now + AFTER), here("ann", false));
    roll.asked(&user("eve"), now + AFTER, now);
    assert_eq!(roll.len(), 1, "who is not here does not watch");
}

#[test]
fn what_may_not_have_been_written_is_written_again() {
    let (roll, ann, now) = (roll(), user("ann"), Instant::now());
    roll.came(&ann, now);
    let batch = roll.take(now, MANY);
    assert!(roll.take(now, MANY).is_empty(), "it is under way");
    roll.failed(&batch, now);
    roll.left(&ann, now, now);
    // gone before it was known to be written: it may have been
    assert_eq!(roll.take(now + KEEP, MANY).gone.len(), 1);
    roll.failed(&PresenceBatch { here: vec![], gone: vec![(ann.clone(), KEEP)] }, now + KEEP);
    assert!(roll.came(&ann, now + KEEP));
    assert_eq!(written(&roll, now + KEEP), here("ann", false));
    roll.say_again(now + KEEP);
    assert_eq!(written(&roll, now + KEEP), here("ann", false), "the database may have forgotten");
}

#[test]
fn what_changes_while_it_is_written_is_written_next() {
    let (roll, ann, now) = (roll(), user("ann"), Instant::now());
    roll.came(&ann, now);
    roll.left(&ann, now, now);
    let first = roll.take(now, MANY);
    roll.asked(&ann, now + AFTER, now);
    roll.wrote(&first, now);
    assert_eq!(written(&roll, now), here("ann", true));
    let last = roll.take(now + KEEP, MANY);
    assert_eq!(last.gone.len(), 1);
    roll.came(&ann, now + KEEP);
    roll.wrote(&last, now + KEEP);
    assert_eq!(written(&roll, now + KEEP), here("ann", false));
}

#[test]
fn a_full_roll_refuses_who_is_new_and_takes_them_when_there_is_room() {
    let (roll, now) = (Roll::new(KEEP, 2), Instant::now());
    assert!(roll.came(&user("ann"), now) && roll.came(&user("bob"), now) && roll.came(&user("bob"), now));
    assert!(!roll.came(&user("eve"), now));
    assert_eq!((roll.len(), roll.most(), roll.refused()), (2, 2, 1));
    roll.left(&user("ann"), now, now);
    written(&roll, now);
    written(&roll, now + KEEP);
    assert!(roll.came(&user("eve"), now + KEEP));
}

#[test]
fn a_crowd_is_written_in_batches() {
    let (roll, now) = (Roll::new(KEEP, 50_000), Instant::now());
    for n in 0..50_000 {
        roll.came(&user(&n.to_string()), now);
    }
    let sizes: Vec<usize> =
        std::iter::repeat_with(|| roll.take(now, 1000).len()).take_while(|size| *size > 0).collect();
    assert_eq!(sizes, [1000; 50]);
}

/// The database, as `pollgate-store` says that it behaves, with what was told.
#[derive(Default)]
struct Board {
    seats: BTreeSet<(UserId, usize)>,
    online: BTreeMap<UserId, bool>,
    told: Vec<(UserId, bool)>,
}

impl Board {
    fn write(&mut self, instance: usize, batch: &PresenceBatch) {
        for (user, _) in &batch.here {
            self.seats.insert((user.clone(), instance));
            if self.online.insert(user.clone(), true) != Some(true) {
                self.told.push((user.clone(), true));
            }
        }
        for (user, _) in &batch.gone {
            self.unseat(user, instance);
        }
    }

    fn unseat(&mut self, user: &UserId, instance: usize) {
        self.seats.remove(&(user.clone(), instance));
        let seated = self.seats.iter().any(|(seated, _)| seated == user);
        if !seated && self.online.insert(user.clone(), false) == Some(true) {
            self.told.push((user.clone(), false));
        }
    }
}

/// A gateway: the roll of its process, and which users have a mailbox attended there.
struct Gateway {
    instance: usize,
    roll: Roll,
    attended: BTreeSet<UserId>,
    tick: Instant,
}

struct World {
    now: Instant,
    gateways: Vec<Gateway>,
    dead: Vec<(Instant, usize)>,
    board: Board,
    /// When each user was last polling, as far as that is over.
    last: BTreeMap<UserId, Instant>,
    /// When each user came after ten seconds without a poll.
    returned: BTreeMap<UserId, Instant>,
    instances: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Come(usize, u8),
    /// The mailbox is let go, so many milliseconds after its last poll.
    Leave(usize, u8, u64),
    Kill(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (gateway, who) = (0..3_usize, 0..3_u8);
    prop_oneof![
        4 => (gateway.clone(), who.clone()).prop_map(|(at, who)| Step::Come(at, who)),
        4 => (gateway.clone(), who, prop_oneof![Just(0), 0..10_000_u64])
            .prop_map(|(at, who, ago)| Step::Leave(at, who, ago)),
        1 => gateway.prop_map(Step::Kill),
        6 => prop_oneof![0..700_u64, 8_000..12_500_u64].prop_map(Step::Wait),
    ]
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let gateway = |instance| Gateway {
            instance,
            roll: roll(),
            attended: BTreeSet::new(),
            // they do not tick together
            tick: now + TICK * u32::try_from(instance).unwrap() / 3,
        };
        Self {
            now,
            gateways: (0..3).map(gateway).collect(),
            dead: vec![],
            board: Board::default(),
            last: BTreeMap::new(),
            returned: BTreeMap::new(),
            instances: 3,
        }
    }

    fn attended(&self, who: &UserId) -> bool {
        self.gateways.iter().any(|gateway| gateway.attended.contains(who))
    }

    fn take(&mut self, step: &Step) {
        let now = self.now;
        match *step {
            Step::Come(at, who) => {
                let who = user(&who.to_string());
                let away = self.last.get(&who).filter(|_| !self.attended(&who));
                if away.is_some_and(|last| *last + AFTER <= now) {
                    self.returned.insert(who.clone(), now);
                }
                let gateway = &mut self.gateways[at];
                if gateway.attended.insert(who.clone()) {
                    assert!(gateway.roll.came(&who, now));
                }
            }
            Step::Leave(at, who, ago) => {
                let (gateway, who) = (&mut self.gateways[at], user(&who.to_string()));
                if gateway.attended.remove(&who) {
                    let last = now.checked_sub(Duration::from_millis(ago)).unwrap_or(now);
                    gateway.roll.left(&who, last, now);
                    self.polled(&who, last);
                }
            }
            Step::Kill(at) => {
                // nobody else can know of what a gateway had not written when it was killed
                self.tick(at);
                self.instances += 1;
                let gateway = &mut self.gateways[at];
                let died = std::mem::replace(&mut gateway.instance, self.instances);
                gateway.roll = roll();
                let attended = std::mem::take(&mut gateway.attended);
                self.dead.push((now, died));
                for who in attended {
                    self.polled(&who, now);
                }
            }
            Step::Wait(ms) => self.wait(Duration::from_millis(ms)),
        }
    }

    fn polled(&mut self, who: &UserId, at: Instant) {
        let last = self.last.entry(who.clone()).or_insert(at);
        *last = (*last).max(at);
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += Duration::from_millis(50);
            for at in 0..self.gateways.len() {
                let before = self.board.told.len();
                if self.gateways[at].tick <= self.now {
                    self.tick(at);
                }
                self.nobody_went_too_early(before);
            }
        }
    }

    fn tick(&mut self, at: usize) {
        let (now, gateway) = (self.now, &mut self.gateways[at]);
        gateway.tick = now + TICK;
        self.board.write(gateway.instance, &written(&gateway.roll, now));
        let (over, dead) =
            std::mem::take(&mut self.dead).into_iter().partition(|(died, _)| *died + LEASE <= now);
        self.dead = dead;
        for (_, instance) in over {
            let seats: Vec<_> = self.board.seats.iter().filter(|(_, of)| *of == instance).cloned().collect();
            for (user, _) in seats {
                self.board.unseat(&user, instance);
            }
        }
    }

    fn nobody_went_too_early(&self, before: usize) {
        for (who, online) in &self.board.told[before..] {
            if !online {
                // who comes back after ten seconds may do so while another gateway says that they are gone
                let late = self.returned.get(who).is_some_and(|at| *at + SLACK + TICK >= self.now);
                let absent = self.now.saturating_duration_since(self.last[who]);
                assert!(late || !self.attended(who), "{who} is here");
                assert!(late || absent >= AFTER, "{who} has been away for {absent:?} only");
            }
        }
    }
}

proptest! {
    /// Users come and go at three gateways, any of which may be killed: what is told of each alternates, nobody is told to
    /// be gone before ten seconds without a poll anywhere, and in the end everybody is told to be as they are.
    #[test]
    fn a_user_goes_and_comes_in_turn_and_never_within_ten_seconds(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.wait(KEEP + LEASE + TICK);
        for name in ["0", "1", "2"].map(user) {
            let told: Vec<bool> =
                world.board.told.iter().filter(|(who, _)| *who == name).map(|(_, online)| *online).collect();
            for (place, online) in told.iter().enumerate() {
                prop_assert_eq!(*online, place % 2 == 0, "{} {:?}", name, told);
            }
            prop_assert_eq!(told.last().copied().unwrap_or(false), world.attended(&name));
        }
        for gateway in &world.gateways {
            prop_assert_eq!(gateway.roll.len(), gateway.attended.len(), "nobody else is remembered");
        }
    }
}
