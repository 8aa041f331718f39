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
mod handover;
mod poll;
mod seats;
mod sweep;
mod window;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use pollgate_broker::{Broker, BrokerState};
use pollgate_model::{Mailbox, UserId};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

pub use attendance::Receipt;
pub use attended::ResyncReason;
pub use poll::{PollCursor, PollRequest, Polled};

use crate::task::{Stop, Tasks};
use crate::{CoreError, CoreSettings, HandoverFigures};
use attended::Attended;
use handover::{Giver, Handovers};
use seats::Seats;

/// The mailboxes that this gateway attends. Bounded; each leaves when nobody has polled it for the linger time.
pub struct Mailboxes {
    broker: Arc<dyn Broker>,
    broker_state: watch::Receiver<BrokerState>,
    settings: CoreSettings,
    tasks: Tasks,
    /// Set when the gateway drains: holds end.
    drain: Stop,
    /// Names this process in cursors.
    instance: u64,
    handovers: Handovers,
    attended: DashMap<Mailbox, Arc<Attended>>,
    count: AtomicUsize,
    seats: Arc<Seats>,
    incarnations: AtomicU32,
    /// Idle mailboxes with the time since when, oldest first; each stands here once at most.
    idle: Mutex<VecDeque<(Instant, Arc<Attended>)>>,
    idle_came: Notify,
}

impl Mailboxes {
    pub(crate) fn new(
        broker: Arc<dyn Broker>,
        settings: CoreSettings,
        tasks: Tasks,
        drain: Stop,
        instance: u64,
    ) -> Arc<Self> {
        let mailboxes = Arc::new(Self {
            seats: Seats::new(settings.held_polls_per_user, settings.held_polls),
            broker_state: broker.state(),
            broker,
            settings,
            tasks,
            drain,
            instance,
            handovers: Handovers::new(instance),
            attended: DashMap::new(),
            count: AtomicUsize::new(0),
            incarnations: AtomicU32::new(1),
            idle: Mutex::new(VecDeque::new()),
            idle_came: Notify::new(),
        });
        mailboxes.broker.respond(instance, Giver::new(&mailboxes));
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
                if self.count.fetch_add(1, Ordering::Relaxed) >= self.settings.mailboxes {
                    self.count.fetch_sub(1, Ordering::Relaxed);
                    return Err(CoreError::Overloaded("mailboxes"));
                }
                Ok(place.insert(Attended::new(mailbox.clone())).clone())
            }
        }
    }

    /// Drops a mailbox that was let go from the registry.
    fn forget(&self, attended: &Arc<Attended>) {
        let gone = self.attended.remove_if(&attended.mailbox, |_, there| Arc::ptr_eq(there, attended));
        if gone.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn sweep_later(&self, attended: Arc<Attended>, since: Instant) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push_back((since, attended));
        self.idle_came.notify_one();
    }
}
