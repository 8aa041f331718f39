//! Consuming: connections that never publish, few channels, many mailboxes on each.
//!
//! Consumers are not made again by the broker: whoever is told [`crate::Detached::Lost`] consumes again.

mod attachment;
mod consumer;
mod lane;
mod take;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use pollgate_model::Mailbox;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tracing::warn;

use self::attachment::{Attachment, Delegate};
use self::consumer::RabbitConsumer;
use self::lane::{Command, Lane};
use super::link::{LOOK_EVERY, until_dead};
use super::link::{dial, within};
use super::manage::Management;
use super::name::{Names, short};
use super::settings::RabbitSettings;
use super::stats::{Counters, count};
use crate::task::Tasks;
use crate::{BrokerError, Consumer, Inbox, MailboxLimits};

/// Mailboxes being taken from at once.
const MOST_TAKERS: usize = 32;

/// A consuming connection and its channels.
struct ConsumeLink {
    connection: Arc<lapin::Connection>,
    lanes: Mutex<Vec<Arc<Lane>>>,
}

/// Makes consumers.
pub(super) struct Consuming {
    settings: Arc<RabbitSettings>,
    limits: MailboxLimits,
    names: Names,
    management: Arc<Management>,
    counters: Arc<Counters>,
    tasks: Tasks,
    stop: watch::Receiver<bool>,
    links: tokio::sync::Mutex<Vec<Arc<ConsumeLink>>>,
    takers: Arc<Semaphore>,
    last_id: AtomicU64,
    /// Connections that were lost and not made again yet.
    lost: Arc<AtomicU64>,
}

impl ConsumeLink {
    fn lanes(&self) -> MutexGuard<'_, Vec<Arc<Lane>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn works(&self) -> bool {
        self.connection.status().connected()
    }

    fn break_off(&self) {
        let lanes = std::mem::take(&mut *self.lanes());
        for lane in lanes {
            lane.break_off();
        }
    }
}

impl Consuming {
    pub(super) fn new(
        settings: Arc<RabbitSettings>,
        limits: MailboxLimits,
        names: Names,
        management: Arc<Management>,
        counters: Arc<Counters>,
        tasks: Tasks,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            settings,
            limits,
            names,
            management,
            counters,
            tasks,
            stop,
            links: tokio::sync::Mutex::default(),
            takers: Arc::new(Semaphore::new(MOST_TAKERS)),
            last_id: AtomicU64::new(0),
            lost: Arc::default(),
        }
    }

    /// Attaches a consumer. Runs as a task of its own: a caller that leaves half-way leaves nothing half-made, and
    /// connections outlive the caller's runtime.
    pub(super) async fn consume(
        self: &Arc<Self>,
        mailbox: &Mailbox,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Box<dyn Consumer>, BrokerError> {
        let (this, mailbox) = (Arc::clone(self), mailbox.clone());
        let attaching = self.tasks.run(async move { this.attach(&mailbox, inbox).await });
        attaching.await.map_err(|_stopped| BrokerError::Closed)?
    }

    async fn attach(
        &self,
        mailbox: &Mailbox,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Box<dyn Consumer>, BrokerError> {
        let lane = self.place().await?;
        self.attach_to(&lane, mailbox, inbox).await
    }

    /// Attaches a consumer to a channel where a place is taken for it. A mailbox that is missing costs the channel.
    async fn attach_to(
        &self,
        lane: &Arc<Lane>,
        mailbox: &Mailbox,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Box<dyn Consumer>, BrokerError> {
        let attachment = self.attachment(lane, mailbox, inbox);
        if let Err(error) = self.start(lane, &attachment, mailbox).await {
            attachment.end();
            lane.unreserve();
            // in what state the channel is now nobody knows
            lane.break_off();
            return Err(error);
        }
        if !lane.add(&attachment) {
            attachment.end();
            return Err(BrokerError::Unreachable("the channel is lost".to_owned()));
        }
        Ok(Box::new(RabbitConsumer { attachment }))
    }

    fn attachment(&self, lane: &Lane, mailbox: &Mailbox, inbox: Arc<dyn Inbox>) -> Arc<Attachment> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        Arc::new(Attachment::new(
            id,
            mailbox.clone(),
            inbox,
            lane.channel.status().clone(),
            lane.commands.clone(),
        ))
    }

    async fn start(
        &self,
        lane: &Lane,
        attachment: &Arc<Attachment>,
        mailbox: &Mailbox,
    ) -> Result<(), BrokerError> {
        count(&self.counters.consumes);
        let queue = short(self.names.mailbox(mailbox))?;
        let tag = attachment.tag.clone();
        let consumed =
            lane.channel.basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default());
        let consumer = within(self.settings.timeout, consumed).await?;
        consumer.set_delegate(Delegate(Arc::clone(attachment)));
        attachment.consuming(consumer);
        Ok(())
    }

    /// A channel with a place for one more mailbox, taken.
    async fn place(&self) -> Result<Arc<Lane>, BrokerError> {
        let mut links = self.lock().await?;
        let most = self.settings.mailboxes_per_channel;
        for link in links.iter() {
            let mut lanes = link.lanes();
            lanes.retain(|lane| lane.works());
            if let Some(lane) = lanes.iter().find(|lane| lane.reserve(most)) {
                return Ok(Arc::clone(lane));
            }
        }
        let spacious = links.iter().find(|link| link.lanes().len() < self.settings.channels_per_connection);
        let link = match spacious {
            Some(link) => Arc::clone(link),
            None if links.len() < self.settings.consume_connections => self.connect(&mut links).await?,
            None => return Err(BrokerError::Full("room for consumers")),
        };
        let channel = within(self.settings.timeout, link.connection.create_channel()).await?;
        let lane = self.lane(channel, None).await?;
        if !lane.reserve(most) {
            return Err(BrokerError::Unreachable("the channel is lost".to_owned()));
        }
        link.lanes().push(Arc::clone(&lane));
        Ok(lane)
    }

    /// A channel for many mailboxes or, with a seat, for one who takes out of one.
    async fn lane(
        &self,
        channel: lapin::Channel,
        taker: Option<OwnedSemaphorePermit>,
    ) -> Result<Arc<Lane>, BrokerError> {
        let management = Arc::clone(&self.management);
        Lane::open(channel, management, self.limits.prefetch, taker, &self.tasks).await
    }

    async fn lock(&self) -> Result<tokio::sync::MutexGuard<'_, Vec<Arc<ConsumeLink>>>, BrokerError> {
        let limit = self.settings.timeout;
        let locked = tokio::time::timeout(limit, self.links.lock()).await;
        let mut links = locked.map_err(|_elapsed| BrokerError::TimedOut(limit))?;
        links.retain(|link| link.works());
        Ok(links)
    }

    async fn connect(&self, links: &mut Vec<Arc<ConsumeLink>>) -> Result<Arc<ConsumeLink>, BrokerError> {
        let connection = dial(&self.settings, &self.counters, "consuming").await?;
        let link = Arc::new(ConsumeLink { connection, lanes: Mutex::default() });
        links.push(Arc::clone(&link));
        let less = |lost: u64| lost.checked_sub(1);
        if self.lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            count(&self.counters.reconnects);
        }
        let (watched, mut stop, lost) = (Arc::clone(&link), self.stop.clone(), Arc::clone(&self.lost));
        // it ends with the connection, or with the broker
        drop(self.tasks.run(async move {
            tokio::select! {
                () = until_dead(&watched.connection) => {
                    lost.fetch_add(1, Ordering::Relaxed);
                    warn!("a consuming connection to RabbitMQ is lost");
                }
                _stop = stop.wait_for(|stop| *stop) => {}
            }
            watched.break_off();
        }));
        Ok(link)
    }

    /// Releases all consumers within `grace`, and closes the connections.
    pub(super) async fn close(&self, grace: Duration) {
        let Ok(mut links) = self.lock().await else { return };
        let links = std::mem::take(&mut *links);
        let mut answers = Vec::new();
        for lane in links.iter().flat_map(|link| link.lanes().clone()) {
            for attachment in lane.all() {
                if attachment.begin_release() {
                    let (reply, answer) = oneshot::channel();
                    attachment.send(Command::Release(attachment.clone(), Some(reply)));
                    answers.push(answer);
                }
            }
        }
        // over the grace time the end of the connection gives everything back
        drop(tokio::time::timeout(grace, futures::future::join_all(answers)).await);
        for link in links {
            drop(within(self.settings.timeout, link.connection.close(200, "stopped".into())).await);
        }
    }
}
