//! The rules of pollgate: sending, relaying, mailboxes, polling. No HTTP, no SQL, no AMQP.
//!
//! [`Core`] is the handle that the HTTP layer holds. [`Core::start`] starts its services; [`Core::drain`] and
//! [`Core::stop`] end them in the order in which nothing is lost.

mod error;
mod figures;
mod history;
mod idempotency;
mod mailbox;
mod publish;
mod relay;
mod send;
mod settings;
mod slow;
mod task;

use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::{Broker, BrokerState, Depth, Outcome};
use pollgate_model::{InstanceId, Mailbox, UserId};
use pollgate_store::Store;
use tokio::sync::mpsc;

pub use error::CoreError;
pub use figures::{HandoverFigures, Histogram, Limit, Snapshot};
pub use mailbox::{Mailboxes, PollCursor, PollRequest, Polled, Receipt, ResyncReason, Tally};
pub use pollgate_store::{Digest, RequestKey, Sent};
pub use publish::{Announcement, To};
pub use relay::Relay;
pub use settings::CoreSettings;
pub use task::{FirstFailure, Stop, Tasks};

use figures::Figures;
use idempotency::InProgress;
use slow::SlowStage;

/// What [`Core::start`] is made of.
pub struct Parts {
    /// The database, which tells `relay` of its commits.
    pub store: Store,
    /// The broker, which answers on `outcomes`.
    pub broker: Arc<dyn Broker>,
    /// The broker's answers.
    pub outcomes: mpsc::UnboundedReceiver<Outcome>,
    /// Hears of commits.
    pub relay: Arc<Relay>,
    /// This process.
    pub instance: InstanceId,
    /// Times, sizes, bounds.
    pub settings: CoreSettings,
    /// Where services run.
    pub tasks: Tasks,
}

/// The rules, as one handle; cheap to clone.
#[derive(Clone)]
pub struct Core {
    store: Store,
    broker: Arc<dyn Broker>,
    relay: Arc<Relay>,
    mailboxes: Arc<Mailboxes>,
    settings: Arc<CoreSettings>,
    slow_commit: Arc<SlowStage>,
    in_progress: Arc<InProgress>,
    figures: Arc<Figures>,
    tasks: Tasks,
}

impl Core {
    /// Starts the services: relay, settlement, lease, sweepers.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let Parts { store, broker, outcomes, relay, instance, settings, tasks } = parts;
        // the low half of a version 7 UUID is random
        let [.., a, b, c, d, e, f, g, h] = *instance.uuid().as_bytes();
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let mailboxes = Mailboxes::new(broker.clone(), settings.clone(), tasks.clone(), number);
        let stop = || tasks.stop_signal();
        tasks.service("outbox relay", relay.clone().publish(store.clone(), broker.clone(), stop()));
        tasks.service("outbox settlement", relay.clone().settle(store.clone(), outcomes, stop()));
        tasks.service("outbox lease", relay.clone().hold_lease(store.clone(), stop()));
        tasks.service("idempotency key sweeper", idempotency::forget(store.clone(), stop()));
        tasks.service("mailbox sweeper", mailboxes.clone().sweep(stop()));
        tasks.service("broker watch", mailboxes.clone().follow_broker(stop()));
        Self {
            slow_commit: Arc::new(SlowStage::new("commit", settings.slow)),
            in_progress: Arc::default(),
            settings: Arc::new(settings),
            figures: Arc::default(),
            store,
            broker,
            relay,
            mailboxes,
            tasks,
        }
    }

    /// The mailboxes attended here.
    #[must_use]
    pub fn mailboxes(&self) -> &Arc<Mailboxes> {
        &self.mailboxes
    }

    /// The outbox relay, for its figures.
    #[must_use]
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Times, sizes, bounds.
    #[must_use]
    pub fn settings(&self) -> &CoreSettings {
        &self.settings
    }

    /// See [`Mailboxes::poll`].
    ///
    /// # Errors
    /// As there.
    pub async fn poll(&self, request: PollRequest) -> Result<Polled, CoreError> {
        let under_way = self.figures.poll();
        let outcome = self.mailboxes.poll(request).await;
        under_way.ends(&outcome);
        outcome
    }

    /// Sizes of a user's main mailbox and of the session mailboxes attended here, at most `limit`; those that exist.
    ///
    /// # Errors
    /// The broker is away.
    pub async fn depths(&self, user: &UserId, limit: usize) -> Result<Vec<(Mailbox, Depth)>, CoreError> {
        let mut found = Vec::new();
        for mailbox in self.mailboxes.of_user(user).into_iter().take(limit) {
            if let Some(depth) = self.broker.depth(&mailbox).await? {
                found.push((mailbox, depth));
            }
        }
        Ok(found)
    }

    /// How the broker is now.
    #[must_use]
    pub fn broker_state(&self) -> BrokerState {
        self.broker.state().borrow().clone()
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// It is not.
    pub async fn ping_store(&self) -> Result<(), CoreError> {
        Ok(self.store.ping().await?)
    }

    /// The gateway is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.mailboxes.is_draining()
    }

    /// Ends holds, spread over some time, with the advice to come back elsewhere; sends go on. Waits until no poll is held
    /// or `grace` is over.
    pub async fn drain(&self, grace: Duration) {
        self.mailboxes.drain();
        let until = tokio::time::Instant::now() + grace;
        while self.mailboxes.held() > 0 && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends everything, when no request is left: mailboxes go back to the broker, the relay empties its memory, the
    /// database finishes what it has.
    pub async fn stop(&self, grace: Duration) {
        let until = tokio::time::Instant::now() + grace;
        let left = || until.saturating_duration_since(tokio::time::Instant::now());
        let released = self.mailboxes.release_all();
        if tokio::time::timeout(left(), released).await.is_err() {
            tracing::warn!("mailboxes were not all released in time; the broker gives their events back");
        }
        while self.relay.waiting() > 0 && !left().is_zero() && self.broker_state().up {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.broker.close(left()).await;
        self.tasks.stop(left().max(Duration::from_secs(1))).await;
        if let Err(error) = self.store.retire().await {
            tracing::warn!(%error, "the lease was not given back; another instance adopts what is left");
        }
    }
}
