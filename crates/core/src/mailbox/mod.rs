//! Mailboxes attended by this gateway: who reads them, and when they are let go.
//!
//! A poll attends a mailbox: the first one attaches a lingering consumer, and the mailbox stays attended for a
//! while after its last poll, so that a continuous loop costs the broker nothing but acks. Nobody polling for that
//! long: what is unconfirmed goes back to the broker, and the mailbox is forgotten here. A poll at another gateway
//! makes this one let go at once: see [`handover`].

mod answer;
mod attach;
mod attendance;
mod attended;
mod dice;
mod handover;
mod inherit;
mod missed;
mod poll;
mod reading;
mod seats;
#[cfg(test)]
mod simulation;
mod stream;
mod sweep;
mod window;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use pollgate_broker::{Broker, Cluster, Clusters};
use pollgate_model::{Mailbox, UserId};
use tokio::sync::Notify;
use tokio::time::Instant;

pub use attendance::Receipt;
pub use attended::ResyncReason;
pub(crate) use missed::Missed;
pub use poll::{PollCursor, PollRequest, Polled, Tally};
pub(crate) use stream::MailboxStream;
pub use stream::{Next, Portion, StreamRequest, Streamed, Unconfirmed};

use crate::depth::Watch;
use crate::presence::Roll;
use crate::task::Tasks;
use crate::{CoreError, CoreSettings, HandoverFigures};
use attended::Attended;
use dice::Dice;
use handover::{Giver, Handovers};
use seats::Seats;

/// The mailboxes that this gateway attends. Bounded; each leaves when nobody has polled it for the linger time.
pub struct Mailboxes {
    broker: Arc<Clusters>,
    missed: Missed,
    settings: CoreSettings,
    tasks: Tasks,
    /// The gateway drains: holds end.
    draining: AtomicBool,
    /// Names this process in cursors.
    instance: u64,
    handovers: Handovers,
    dice: Dice,
    attended: DashMap<Mailbox, Arc<Attended>>,
    count: AtomicUsize,
    /// Sessions attended, by user: who names a new one in each poll must not take all places, nor make queues without end.
    sessions: DashMap<UserId, usize>,
    seats: Arc<Seats>,
    /// Who is here, for presence.
    roll: Arc<Roll>,
    /// Hears where something may be left.
    watch: Arc<Watch>,
    incarnations: AtomicU32,
    /// Idle mailboxes with the time since when, oldest first; each stands here once at most.
    idle: Mutex<VecDeque<(Instant, Arc<Attended>)>>,
    idle_came: Notify,
}

impl Mailboxes {
    pub(crate) fn new(
        broker: Arc<Clusters>,
        missed: Missed,
        settings: CoreSettings,
        tasks: Tasks,
        (roll, watch): (Arc<Roll>, Arc<Watch>),
        instance: u64,
    ) -> Arc<Self> {
        let mailboxes = Arc::new(Self {
            seats: Seats::new(settings.held_polls_per_user, settings.held_polls),
            roll,
            watch,
            broker,
            missed,
            settings,
            tasks,
            draining: AtomicBool::new(false),
            instance,
            handovers: Handovers::new(instance),
            // as random as the instance's number is
            dice: Dice::seeded(instance),
            attended: DashMap::new(),
            count: AtomicUsize::new(0),
            sessions: DashMap::new(),
            incarnations: AtomicU32::new(1),
            idle: Mutex::new(VecDeque::new()),
            idle_came: Notify::new(),
        });
        let giver = Giver::new(&mailboxes);
        for cluster in mailboxes.broker.iter() {
            cluster.broker.respond(instance, giver.clone());
        }
        mailboxes
    }

    /// How mailboxes moved between gateways.
    #[must_use]
    pub fn handovers(&self) -> HandoverFigures {
        self.handovers.figures()
    }

    /// Polls held now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.seats.held()
    }

    /// Polls held now for the user who holds most of them. Walks all users: for metrics, not for requests.
    #[must_use]
    pub fn most_held_by_one(&self) -> usize {
        self.seats.most_of_one()
    }

    /// Mailboxes attended now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// A user's main mailbox and those of the user's sessions that are attended here. Walks the registry: for
    /// operators, not for requests.
    pub(crate) fn of_user(&self, user: &UserId) -> Vec<Mailbox> {
        let sessions = self.attended.iter().map(|entry| entry.key().clone());
        let sessions = sessions.filter(|mailbox| mailbox.user == *user && mailbox.session.is_some());
        std::iter::once(Mailbox::main(user.clone())).chain(sessions).collect()
    }

    /// Ends holds, spread over some time, with the advice to come back elsewhere.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.wake_all();
    }

    /// The gateway drains.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Lets every held poll look again. They wait for their mailbox alone, and not each for everything that may
    /// happen to the gateway.
    fn wake_all(&self) {
        for attended in self.all() {
            attended.changed.notify_waiters();
        }
    }

    /// Every mailbox attended here, in an order that does not change from run to run.
    fn all(&self) -> Vec<Arc<Attended>> {
        let mut all: Vec<Arc<Attended>> = self.attended.iter().map(|entry| entry.value().clone()).collect();
        all.sort_unstable_by(|one, other| one.mailbox.cmp(&other.mailbox));
        all
    }

    /// The cluster that has this user's mailboxes.
    fn cluster_of(&self, user: &UserId) -> &Cluster {
        self.broker.of(user)
    }

    /// The broker that has this user's mailboxes.
    fn broker_of(&self, user: &UserId) -> &dyn Broker {
        &*self.broker.of(user).broker
    }

    fn next_incarnation(&self) -> u32 {
        // 0 means "none": skipped when the counter wraps
        match self.incarnations.fetch_add(1, Ordering::Relaxed) {
            0 => self.incarnations.fetch_add(1, Ordering::Relaxed),
            number => number,
        }
    }

    fn find_or_make(&self, mailbox: &Mailbox) -> Result<Arc<Attended>, CoreError> {
        if let Some(attended) = self.attended.get(mailbox) {
            return Ok(attended.clone());
        }
        match self.attended.entry(mailbox.clone()) {
            Entry::Occupied(found) => Ok(found.get().clone()),
            Entry::Vacant(place) => {
                self.one_more_session(mailbox)?;
                if self.count.fetch_add(1, Ordering::Relaxed) >= self.settings.mailboxes {
                    self.count.fetch_sub(1, Ordering::Relaxed);
                    self.one_session_less(mailbox);
                    return Err(CoreError::Overloaded("mailboxes"));
                }
                let on_roll = self.roll.came(&mailbox.user, Instant::now());
                Ok(place.insert(Attended::new(mailbox.clone(), on_roll)).clone())
            }
        }
    }

    fn one_more_session(&self, mailbox: &Mailbox) -> Result<(), CoreError> {
        if mailbox.session.is_none() {
            return Ok(());
        }
        let most = self.settings.sessions_per_user;
        let mut attended = self.sessions.entry(mailbox.user.clone()).or_insert(0);
        if *attended >= most {
            return Err(CoreError::TooManyOfUser { what: "sessions", most });
        }
        *attended += 1;
        Ok(())
    }

    fn one_session_less(&self, mailbox: &Mailbox) {
        if mailbox.session.is_none() {
            return;
        }
        if let Some(mut attended) = self.sessions.get_mut(&mailbox.user) {
            *attended = attended.saturating_sub(1);
        }
        // looked at again under the shard's lock: a session may have come in between
        self.sessions.remove_if(&mailbox.user, |_, attended| *attended == 0);
    }

    /// Drops a mailbox that was let go from the registry.
    fn forget(&self, attended: &Arc<Attended>) {
        let gone = self.attended.remove_if(&attended.mailbox, |_, there| Arc::ptr_eq(there, attended));
        if gone.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
            self.one_session_less(&attended.mailbox);
            self.watch.left(&attended.mailbox);
            if attended.on_roll {
                let now = Instant::now();
                self.roll.left(&attended.mailbox.user, attended.last_polled(now), now);
            }
        }
    }

    fn sweep_later(&self, attended: Arc<Attended>, since: Instant) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push_back((since, attended));
        self.idle_came.notify_one();
    }
}
