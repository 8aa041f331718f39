//! The rules of pollgate: sending, relaying, mailboxes, polling. No HTTP, no SQL, no AMQP.
//!
//! [`Core`] is the handle that the HTTP layer holds. [`Core::start`] starts its services; [`Core::drain`] and
//! [`Core::stop`] end them in the order in which nothing is lost.

mod error;
mod figures;
mod history;
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
use tokio::sync::{mpsc, watch};

pub use error::CoreError;
pub use figures::HandoverFigures;
pub use mailbox::{Mailboxes, PollCursor, PollRequest, Polled, Receipt, ResyncReason};
pub use pollgate_store::Sent;
pub use publish::{Announcement, To};
pub use relay::Relay;
pub use settings::CoreSettings;
pub use task::{FirstFailure, Stop, Tasks};

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
    tasks: Tasks,
    draining: Arc<watch::Sender<bool>>,
}

impl Core {
    /// Starts the services: relay, settlement, lease, sweeper.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let Parts { store, broker, outcomes, relay, instance, settings, tasks } = parts;
        let (draining, drain) = watch::channel(false);
        // the low half of a version 7 UUID is random
        let [.., a, b, c, d, e, f, g, h] = *instance.uuid().as_bytes();
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let mailboxes =
            Mailboxes::new(broker.clone(), settings.clone(), tasks.clone(), Stop::new(drain), number);
        let stop = || tasks.stop_signal();
        tasks.service("outbox relay", relay.clone().publish(store.clone(), broker.clone(), stop()));
        tasks.service("outbox settlement", relay.clone().settle(store.clone(), outcomes, stop()));
        tasks.service("outbox lease", relay.clone().hold_lease(store.clone(), stop()));
        tasks.service("mailbox sweeper", mailboxes.clone().sweep(stop()));
        Self {
            slow_commit: Arc::new(SlowStage::new("commit", settings.slow)),
            settings: Arc::new(settings),
            draining: Arc::new(draining),
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
        self.mailboxes.poll(request).await
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
        *self.draining.borrow()
    }

    /// Ends holds, spread over some time, with the advice to come back elsewhere; sends go on. Waits until no poll is held
    /// or `grace` is over.
    pub async fn drain(&self, grace: Duration) {
        self.draining.send_replace(true);
        let until = tokio::time::Instant::now() + grace;
        while self.mailboxes.held() > 0 && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends everything, when no request is left: mailboxes go back to the broker, the relay empties its memory, the
    /// database finishes what it has. Each of these may take half of what is left of `grace`, so that one that hangs
    /// leaves time to the others.
    pub async fn stop(&self, grace: Duration) {
        let until = tokio::time::Instant::now() + grace;
        let left = || until.saturating_duration_since(tokio::time::Instant::now());
        if tokio::time::timeout(left() / 2, self.mailboxes.release_all()).await.is_err() {
            tracing::warn!("mailboxes were not all released in time; the broker gives their events back");
        }
        let emptied = async {
            let takes = || self.broker_state().up && !self.broker_state().blocked;
            while self.relay.waiting() > 0 && takes() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let relayed = tokio::time::timeout(left() / 2, emptied).await.is_ok();
        let closed = tokio::time::timeout(left() / 2, self.broker.close(left() / 4)).await.is_ok();
        if !relayed || !closed {
            tracing::warn!("the broker did not finish in time; what it has not confirmed is published again");
        }
        self.tasks.stop(left() / 2).await;
        match tokio::time::timeout(left(), self.store.retire()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the lease was not given back; another instance adopts what is left");
            }
            Err(_elapsed) => {
                tracing::warn!("the database did not finish in time; another instance adopts what is left");
            }
        }
    }
}
