//! What happens, and what must hold in the end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use pollgate_model::{EventId, Mailbox, UserId};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::client::{Client, Diary};
use super::gateway::Gateway;
use super::world::World;
use crate::CoreSettings;

/// Which things go wrong, in percent of the occasions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    pub(super) stream_percent: u32,
    pub(super) lost_percent: u32,
    pub(super) leave_percent: u32,
    pub(super) reload_percent: u32,
    pub(super) deaf_percent: u32,
    pub(super) slow: bool,
    pub(super) breakdowns: bool,
}

impl Faults {
    pub(super) const NONE: Self = Self {
        stream_percent: 25,
        lost_percent: 5,
        leave_percent: 0,
        reload_percent: 0,
        deaf_percent: 0,
        slow: false,
        breakdowns: false,
    };
    pub(super) const OF_CLIENTS: Self =
        Self { leave_percent: 20, reload_percent: 3, deaf_percent: 20, slow: true, ..Self::NONE };
    pub(super) const ALL: Self = Self { breakdowns: true, ..Self::OF_CLIENTS };
}

/// How a story went.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tale {
    /// Events that came, repeats not counted.
    pub(super) events: usize,
    /// What each client got, in its order.
    diaries: Vec<Vec<u64>>,
    answers: Vec<usize>,
}

/// Tells the story of a seed.
///
/// # Panics
/// When something happened that must not; the seed is printed.
pub(super) fn tell(seed: u64, faults: Faults) -> Tale {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let told = catch_unwind(AssertUnwindSafe(|| runtime.block_on(Story::new(seed, faults).run())));
    told.unwrap_or_else(|broken| {
        eprintln!("the story of POLLGATE_TEST_SIMULATION_SEED={seed} with {faults:?} must not happen");
        resume_unwind(broken)
    })
}

struct Story {
    world: Arc<World>,
    faults: Faults,
    gateways: Vec<Arc<Gateway>>,
    published: Arc<Mutex<u64>>,
    /// Mailboxes with what came to them.
    readers: Vec<(Mailbox, Arc<Mutex<Diary>>)>,
    /// What was published to whom.
    sent: Vec<(UserId, u64)>,
}

impl Story {
    fn new(seed: u64, faults: Faults) -> Self {
        let (ann, bob): (UserId, UserId) = ("ann".parse().unwrap(), "bob".parse().unwrap());
        let session = |name: &str| Mailbox::of_session(bob.clone(), name.parse().unwrap());
        let mailboxes = [Mailbox::main(ann), session("phone"), session("tab")];
        Self {
            world: World::new(seed),
            faults,
            gateways: Vec::new(),
            published: Arc::default(),
            readers: mailboxes.into_iter().map(|mailbox| (mailbox, Arc::default())).collect(),
            sent: Vec::new(),
        }
    }

    async fn run(mut self) -> Tale {
        // the clock begins between two ticks of its timers, and differently each time: from the first tick on it is exact
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.world.lock().slow = self.faults.slow;
        let settings = self.settings();
        for _each in 0..self.world.between(2, 3) {
            self.gateways.push(Gateway::new(&self.world, settings.clone(), self.faults.deaf_percent));
        }
        let mut clients = JoinSet::new();
        for (mailbox, diary) in &self.readers {
            let client = Client {
                world: self.world.clone(),
                gateways: self.gateways.clone(),
                mailbox: mailbox.clone(),
                faults: self.faults,
                diary: diary.clone(),
                published: self.published.clone(),
                sticky: self.world.chance(25),
            };
            clients.spawn_on(client.run(), &Handle::current());
        }
        let troubles = self.faults.breakdowns.then(|| {
            let (world, gateways) = (self.world.clone(), self.gateways.clone());
            Handle::current().spawn(break_down(world, gateways))
        });
        self.publish(&mut clients).await;
        if let Some(troubles) = troubles {
            troubles.await.unwrap();
        }
        self.until_complete(&mut clients).await;
        self.check();
        let events = self.readers.iter().map(|(_, diary)| diary.lock().unwrap().had.len()).sum();
        let diaries = self.readers.iter().map(|(_, diary)| diary.lock().unwrap().first.clone()).collect();
        let answers = self.readers.iter().map(|(_, diary)| diary.lock().unwrap().answers).collect();
        Tale { events, diaries, answers }
    }

    fn settings(&self) -> CoreSettings {
        let prefetch = [1, 2, 5, 50][usize::try_from(self.world.between(0, 3)).unwrap()];
        CoreSettings {
            hold: Duration::from_millis(2000),
            linger: Duration::from_millis(self.world.between(500, 10_000)),
            prefetch,
            ..CoreSettings::default()
        }
    }

    /// Bursts and pauses of messages to both users.
    async fn publish(&mut self, clients: &mut JoinSet<()>) {
        for number in 1..=self.world.between(20, 120) {
            let user = self.readers[usize::try_from(self.world.between(0, 1)).unwrap()].0.user.clone();
            let payload = Bytes::from(format!("{{\"number\":{number}}}"));
            self.world.lock().publish(&user, EventId::new(), &payload);
            *self.published.lock().unwrap() = number;
            self.sent.push((user, number));
            let ms =
                if self.world.chance(5) { self.world.between(0, 5000) } else { self.world.between(0, 20) };
            self.unless_a_client_fails(clients, Duration::from_millis(ms)).await;
        }
    }

    async fn unless_a_client_fails(&self, clients: &mut JoinSet<()>, time: Duration) {
        tokio::select! {
            biased;
            Some(failed) = clients.join_next() => failed.unwrap(),
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Everybody heals; what was published comes within minutes of the story's clock.
    async fn until_complete(&self, clients: &mut JoinSet<()>) {
        for _look in 0..600 {
            if self.missing().is_empty() {
                // what would come again, comes now
                return self.unless_a_client_fails(clients, Duration::from_secs(30)).await;
            }
            self.unless_a_client_fails(clients, Duration::from_secs(1)).await;
        }
        panic!("lost: {:?}; the broker holds {}", self.missing(), self.world.lock().left());
    }

    /// Mailboxes with the numbers that should have come to them and did not. What was published before a session's
    /// mailbox was there is for one of the user's sessions.
    fn missing(&self) -> Vec<(String, u64)> {
        let mut missing = Vec::new();
        for (user, number) in &self.sent {
            let theirs: Vec<_> = self.readers.iter().filter(|(mailbox, _)| mailbox.user == *user).collect();
            let had = |diary: &Mutex<Diary>| diary.lock().unwrap().had.contains(number);
            if !theirs.iter().any(|(_, diary)| had(diary)) {
                missing.push((user.to_string(), *number));
            }
            for (mailbox, diary) in theirs {
                let since = diary.lock().unwrap().since;
                if since.is_none_or(|since| since < *number) && !had(diary) {
                    missing.push((mailbox.to_string(), *number));
                }
            }
        }
        missing
    }

    fn check(&self) {
        for (mailbox, diary) in &self.readers {
            let diary = diary.lock().unwrap();
            assert_eq!(diary.resyncs, 0, "{mailbox} was told to resync, and nothing was lost");
            if self.faults.leave_percent == 0 && self.faults.deaf_percent == 0 {
                // what is older than a session may be given back by another one at any time
                let since = if mailbox.session.is_some() { diary.since.unwrap_or(0) } else { 0 };
                let own = || diary.first.iter().filter(|number| **number > since);
                assert!(own().is_sorted(), "{mailbox} out of order: {:?}", diary.first);
                // what came while a session took the main mailbox over stands in both, and may come from either
                let again = mailbox.session.is_none() && !diary.again.is_empty();
                assert!(!again, "{mailbox} confirmed, and came again: {:?}", diary.again);
            }
        }
    }
}

/// Gateways die, are drained and are cut off, one thing after the other or several at once.
async fn break_down(world: Arc<World>, gateways: Vec<Arc<Gateway>>) {
    let mut troubles = JoinSet::new();
    for _each in 0..world.between(1, 6) {
        tokio::time::sleep(Duration::from_millis(world.between(0, 2000))).await;
        let gateway = gateways[usize::try_from(world.between(0, gateways.len() as u64 - 1)).unwrap()].clone();
        let (kind, ms) = (world.between(0, 3), world.between(10, 30_000));
        let trouble = async move {
            match kind {
                0 => gateway.die().await,
                1 => gateway.drain().await,
                2 => gateway.cut_off(Duration::from_millis(ms / 100)).await,
                _ => gateway.cut_off(Duration::from_millis(ms)).await,
            }
        };
        troubles.spawn_on(trouble, &Handle::current());
    }
    while let Some(over) = troubles.join_next().await {
        over.unwrap();
    }
}
