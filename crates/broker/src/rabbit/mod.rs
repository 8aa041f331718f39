//! RabbitMQ: a queue for each mailbox, bound to one exchange by its user.
//!
//! | module | holds |
//! | --- | --- |
//! | [`settings`] | how it is reached and used |
//! | `name` | names of queues |
//! | `link` | connections, time limits, pauses between attempts |
//! | `health` | the state others watch |
//! | `manage`, `known` | declaring, looking, deleting |
//! | `marker` | the incarnation of the broker's transient state |
//! | `publish` | the publishing task |
//! | `consume` | consumers, acks, releases, taking out |
//! | `control` | requests between gateways |
//! | `trace` | where a message stands in a trace, as its headers say it |
//! | [`probe`] | trying a cluster out, for `pollgate doctor` |
//!
//! Publishing, consuming and managing have connections of their own: when the broker raises an alarm it stops
//! reading from whoever has published, and everything else on that connection stops with it.

mod consume;
mod control;
mod health;
mod known;
mod link;
mod manage;
mod marker;
mod name;
pub mod probe;
mod publish;
pub mod settings;
mod stats;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pollgate_model::Mailbox;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use self::consume::Consuming;
use self::control::Control;
use self::health::Health;
use self::manage::Management;
use self::name::Names;
use self::publish::{Needs, Publisher};
pub use self::settings::RabbitSettings;
use self::stats::Counters;
pub use self::stats::RabbitStats;
use crate::task::Tasks;
use crate::{
    Asked, Broker, BrokerError, BrokerState, BrokerUsage, Consumer, Depth, Inbox, MailboxLimits, Outcomes,
    Publication, Responder, Standing, TakeOut,
};

/// Mailboxes on RabbitMQ.
pub struct RabbitBroker {
    publisher: Publisher,
    consuming: Arc<Consuming>,
    control: Control,
    management: Arc<Management>,
    health: Arc<Health>,
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    running: Mutex<Vec<JoinHandle<()>>>,
    timeout: Duration,
}

impl RabbitBroker {
    /// Starts connecting, waits for that a moment, and goes on trying in the background: [`Broker::state`] tells.
    /// The work runs on the tokio runtime of the caller.
    ///
    /// # Errors
    /// The settings are wrong. A broker that is away is no error.
    pub async fn connect(
        limits: MailboxLimits,
        settings: RabbitSettings,
        outcomes: Outcomes,
    ) -> Result<Self, BrokerError> {
        let settings = Arc::new(settings.checked()?);
        let (tasks, health, counters) =
            (Tasks::here(), Arc::new(Health::new()), Arc::new(Counters::default()));
        let names = Names::new(&settings.prefix);
        let (stop, stopped) = watch::channel(false);
        let management =
            Management::new(Arc::clone(&settings), limits.clone(), names.clone(), Arc::clone(&counters))?;
        let management = Arc::new(management);
        let managing = tasks.run(Arc::clone(&management).run(Arc::clone(&health), stopped.clone()));
        let needs = Needs {
            settings: Arc::clone(&settings),
            names: names.clone(),
            management: Arc::clone(&management),
            health: Arc::clone(&health),
            counters: Arc::clone(&counters),
            outcomes,
            stop: stopped.clone(),
        };
        let (publisher, publishing) = Publisher::start(needs, &tasks)?;
        let timeout = settings.timeout;
        let control = Control::new(
            Arc::clone(&settings),
            &names,
            Arc::clone(&counters),
            health.watch(),
            tasks.clone(),
            stopped.clone(),
        );
        let consuming = Consuming::new(
            settings,
            limits,
            names,
            Arc::clone(&management),
            Arc::clone(&counters),
            tasks,
            stopped,
        );
        let broker = Self {
            publisher,
            consuming: Arc::new(consuming),
            control,
            management,
            health,
            counters,
            stop,
            running: Mutex::new(vec![publishing, managing]),
            timeout,
        };
        // still away after that: the state says so
        drop(tokio::time::timeout(timeout, broker.state().wait_for(|state| state.up)).await);
        Ok(broker)
    }

    /// What it did so far.
    #[must_use]
    pub fn stats(&self) -> RabbitStats {
        self.counters.read()
    }
}

impl Drop for RabbitBroker {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

#[async_trait]
impl Broker for RabbitBroker {
    async fn publish(&self, publication: Publication) -> Result<(), BrokerError> {
        self.publisher.publish(publication).await
    }

    fn publish_ephemeral(&self, publication: Publication) -> bool {
        self.publisher.publish_ephemeral(publication)
    }

    async fn consume(
        &self,
        mailbox: &Mailbox,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Box<dyn Consumer>, BrokerError> {
        self.consuming.consume(mailbox, inbox).await
    }

    async fn take_waiting(&self, mailbox: &Mailbox, most: usize) -> Result<TakeOut, BrokerError> {
        self.consuming.take(mailbox, most).await
    }

    async fn ensure(&self, mailbox: &Mailbox) -> Result<Standing, BrokerError> {
        let found = self.management.look_or_make(mailbox).await?;
        Ok(match found {
            Some(found) => Standing { existed: true, ready: found.ready, consumers: found.consumers },
            None => Standing { existed: false, ready: 0, consumers: 0 },
        })
    }

    async fn delete_if_idle(&self, mailbox: &Mailbox) -> Result<bool, BrokerError> {
        // deleting what is not there counts as deleted, and a refusal costs a channel
        match self.management.look(mailbox).await? {
            Some(found) if found.ready == 0 && found.consumers == 0 => {
                self.management.delete(mailbox, true).await
            }
            _ => Ok(false),
        }
    }

    async fn depth(&self, mailbox: &Mailbox) -> Result<Option<Depth>, BrokerError> {
        let found = self.management.look(mailbox).await?;
        Ok(found.map(|found| Depth { ready: found.ready, unacked: None, consumers: found.consumers }))
    }

    async fn purge(&self, mailbox: &Mailbox) -> Result<u64, BrokerError> {
        self.management.purge(mailbox).await
    }

    async fn delete(&self, mailbox: &Mailbox) -> Result<(), BrokerError> {
        self.management.delete(mailbox, false).await.map(drop)
    }

    fn respond(&self, instance: u64, responder: Arc<dyn Responder>) {
        self.control.respond(instance, responder);
    }

    async fn ask(&self, instance: u64, request: Bytes, limit: Duration) -> Asked {
        self.control.ask(instance, request, limit).await
    }

    async fn ask_all(&self, request: Bytes, enough: usize, limit: Duration) -> Vec<Bytes> {
        self.control.ask_all(request, enough, limit).await
    }

    fn operations(&self) -> Vec<(&'static str, u64)> {
        let stats = self.stats();
        vec![
            ("declare", stats.declares),
            ("look", stats.looks),
            ("consume", stats.consumes),
            ("cancel", stats.cancels),
            ("publish", stats.published),
            ("confirm", stats.confirmed),
            ("return", stats.returned),
            ("ask", stats.asked),
            ("connect", stats.connections),
        ]
    }

    fn system(&self) -> &'static str {
        "rabbitmq"
    }

    fn usage(&self) -> Option<BrokerUsage> {
        let stats = self.stats();
        Some(BrokerUsage {
            channels: self.counters.channels() + self.management.channels() as u64,
            reconnects: stats.reconnects,
            declared: stats.declares,
            cached: stats.cached,
            pool: self.publisher.pool_use(),
        })
    }

    fn state(&self) -> watch::Receiver<BrokerState> {
        self.health.watch()
    }

    async fn close(&self, grace: Duration) {
        self.publisher.drain(grace).await;
        self.consuming.close(grace).await;
        self.stop.send_replace(true);
        let mut running = self.running.lock().await;
        for task in running.drain(..).chain(self.control.running()) {
            // each ends within its own time limits; one that does not is left behind
            drop(tokio::time::timeout(self.timeout, task).await);
        }
    }
}
