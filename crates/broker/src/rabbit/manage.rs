//! Declares, looks at, purges and deletes queues, on a connection that never publishes.
//!
//! A refused operation closes its channel, so each takes a channel of its own; those that ended well are used
//! again, a bounded number of times, because the client library remembers every queue a channel ever declared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use deadpool_lapin::Pool;
use lapin::options::{
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::protocol::AMQPSoftError;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use pollgate_model::Mailbox;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tracing::{info, warn};

use super::health::Health;
use super::known::Known;
use super::link::{self, Backoff, explained, is_missing, soft, until_dead, within};
use super::name::{Names, short};
use super::settings::RabbitSettings;
use super::stats::{Again, Counters, count};
use crate::{BrokerError, MailboxLimits};

/// Most operations at once.
const MOST_CHANNELS: usize = 8;
/// Operations after which a channel is replaced.
const MOST_USES: u32 = 500;
/// Looks at a mailbox that events go back to.
const MOST_LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// Channels opened on one connection, after which it is replaced. The client library (4.12.3) cannot use the number of a
/// channel again that the broker has closed: opening it fails, and the number is lost. A broker allows 2047.
const MOST_OPENED: u32 = 1000;

type Link = Arc<lapin::Connection>;

/// Why a connection was given up.
enum End {
    Lost,
    Worn,
    Stopped,
}

/// What a look at a queue found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) ready: u64,
    pub(super) consumers: u64,
}

/// Manages queues.
pub(super) struct Management {
    settings: Arc<RabbitSettings>,
    limits: MailboxLimits,
    names: Names,
    pub(super) counters: Arc<Counters>,
    pool: Pool,
    link: watch::Sender<Option<Link>>,
    seats: Semaphore,
    idle: std::sync::Mutex<Vec<(Channel, u32)>>,
    known: Known,
    /// Channels opened on the present connection.
    opened: AtomicU32,
    worn: Notify,
    told_of_older: AtomicBool,
}

/// A channel for one operation; dropped without [`Lease::keep`] it is closed.
struct Lease<'a> {
    home: &'a Management,
    channel: Channel,
    uses: u32,
    _seat: SemaphorePermit<'a>,
}

impl Lease<'_> {
    fn keep(self) {
        if self.uses < MOST_USES && self.channel.status().connected() {
            self.home.idle().push((self.channel, self.uses + 1));
        }
    }
}

impl Management {
    pub(super) fn new(
        settings: Arc<RabbitSettings>,
        limits: MailboxLimits,
        names: Names,
        counters: Arc<Counters>,
    ) -> Result<Self, BrokerError> {
        let pool = link::pool(&settings, "management")?;
        Ok(Self {
            settings,
            limits,
            names,
            counters,
            pool,
            link: watch::channel(None).0,
            seats: Semaphore::new(MOST_CHANNELS),
            idle: std::sync::Mutex::default(),
            known: Known::default(),
            opened: AtomicU32::new(0),
            worn: Notify::new(),
            told_of_older: AtomicBool::new(false),
        })
    }

    /// Keeps the connection, until told to stop.
    pub(super) async fn run(self: Arc<Self>, health: Arc<Health>, mut stop: watch::Receiver<bool>) {
        let (mut backoff, mut again) = (Backoff::new(&self.settings), Again::default());
        while !*stop.borrow() {
            match self.connect().await {
                Ok(link) => {
                    backoff.reset();
                    again.connected(&self.counters);
                    health.managing(true);
                    self.serve(link, &mut stop).await;
                    health.managing(false);
                }
                Err(error) => warn!(%error, "RabbitMQ cannot be managed, trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.pause()) => {}
                _stop = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// Offers a connection, and its successors as long as one can be made before the last is worn.
    async fn serve(&self, mut link: Link, stop: &mut watch::Receiver<bool>) {
        loop {
            self.opened.store(0, Ordering::Relaxed);
            self.link.send_replace(Some(Arc::clone(&link)));
            self.idle().clear();
            let end = tokio::select! {
                () = until_dead(&link) => End::Lost,
                () = self.worn.notified() => End::Worn,
                _stop = stop.wait_for(|stop| *stop) => End::Stopped,
            };
            match end {
                // the old one stays until the last channel on it is dropped
                End::Worn => match self.connect().await {
                    Ok(fresh) => {
                        link = fresh;
                        continue;
                    }
                    Err(error) => warn!(%error, "the management connection to RabbitMQ cannot be replaced"),
                },
                End::Lost => warn!("the management connection to RabbitMQ is lost"),
                End::Stopped => {}
            }
            self.link.send_replace(None);
            self.idle().clear();
            if matches!(end, End::Stopped) {
                // it is told, not asked: the process does not wait for the answer
                drop(within(self.settings.timeout, link.close(200, "stopped".into())).await);
            }
            return;
        }
    }

    async fn connect(&self) -> Result<Link, BrokerError> {
        let link = link::pooled(&self.pool, &self.counters, self.settings.timeout).await?;
        // out of the pool: the next one is new
        let link = Arc::new(deadpool_lapin::Connection::take(link));
        let channel = within(self.settings.timeout, link.create_channel()).await?;
        self.declare_exchange(&channel).await?;
        Ok(link)
    }

    async fn declare_exchange(&self, channel: &Channel) -> Result<(), BrokerError> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let name = short(self.names.exchange())?;
        let declared = channel.exchange_declare(name, ExchangeKind::Direct, options, FieldTable::default());
        within(self.settings.timeout, declared).await
    }

    /// Makes the exchange if somebody deleted it.
    pub(super) async fn prepare(&self) -> Result<(), BrokerError> {
        let lease = self.lease().await?;
        self.declare_exchange(&lease.channel).await?;
        lease.keep();
        Ok(())
    }

    /// A channel of this connection for the caller alone; closed when it is dropped.
    pub(super) async fn channel(&self) -> Result<Channel, BrokerError> {
        let mut link = self.link.subscribe();
        let limit = self.settings.timeout;
        let there = tokio::time::timeout(limit, link.wait_for(Option::is_some));
        let link = match there.await {
            Ok(Ok(link)) => link.clone(),
            Ok(Err(_closed)) => return Err(BrokerError::Closed),
            Err(_elapsed) => None,
        };
        let Some(link) = link else {
            return Err(BrokerError::Unreachable("no management connection".to_owned()));
        };
        if self.opened.fetch_add(1, Ordering::Relaxed) + 1 == MOST_OPENED {
            self.worn.notify_one();
        }
        within(limit, link.create_channel()).await
    }

    /// Waits a moment for this connection: both are made at the same time.
    pub(super) async fn wait_until_connected(&self) {
        let mut link = self.link.subscribe();
        // still away after that: whoever needs it will say so
        drop(tokio::time::timeout(self.settings.timeout, link.wait_for(Option::is_some)).await);
    }

    async fn lease(&self) -> Result<Lease<'_>, BrokerError> {
        let limit = self.settings.timeout;
        let seat = match tokio::time::timeout(limit, self.seats.acquire()).await {
            Ok(seat) => seat.map_err(|_closed| BrokerError::Closed)?,
            Err(_elapsed) => return Err(BrokerError::Full("management queue")),
        };
        while let Some((channel, uses)) = self.pop_idle() {
            if channel.status().connected() {
                return Ok(Lease { home: self, channel, uses, _seat: seat });
            }
        }
        if self.link.borrow().is_none() {
            return Err(BrokerError::Unreachable("no management connection".to_owned()));
        }
        Ok(Lease { home: self, channel: self.channel().await?, uses: 0, _seat: seat })
    }

    /// Channels open now.
    pub(super) fn channels(&self) -> usize {
        MOST_CHANNELS.saturating_sub(self.seats.available_permits()) + self.idle().len()
    }

    fn pop_idle(&self) -> Option<(Channel, u32)> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Channel, u32)>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Looks at a mailbox; that renews its expiry.
    pub(super) async fn look(&self, mailbox: &Mailbox) -> Result<Option<Found>, BrokerError> {
        let lease = self.lease().await?;
        count(&self.counters.looks);
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = short(self.names.mailbox(mailbox))?;
        let looked = lease.channel.queue_declare(name, options, FieldTable::default());
        match tokio::time::timeout(self.settings.timeout, looked).await {
            Ok(Ok(queue)) => {
                lease.keep();
                let (ready, consumers) =
                    (u64::from(queue.message_count()), u64::from(queue.consumer_count()));
                Ok(Some(Found { ready, consumers }))
            }
            Ok(Err(error)) if is_missing(&error) => {
                self.known.forget(mailbox);
                Ok(None)
            }
            Ok(Err(error)) => Err(explained(&error)),
            Err(_elapsed) => Err(BrokerError::TimedOut(self.settings.timeout)),
        }
    }

    /// Waits until given-back events stand in a mailbox, for a moment at most.
    ///
    /// The broker hands them to the queue one by one, and the queue prefers a new consumer to them: one that came
    /// in between would get the later events first.
    pub(super) async fn until_ready(&self, mailbox: &Mailbox, ready: u64) {
        let enough = ready.min(self.limits.max_length);
        for _look in 0..MOST_LOOKS {
            match self.look(mailbox).await {
                Ok(Some(found)) if found.ready < enough => tokio::time::sleep(BETWEEN_LOOKS).await,
                _ => return,
            }
        }
        // some of them have expired meanwhile
    }

    /// How long one answer of the broker may take.
    pub(super) fn limit(&self) -> Duration {
        self.settings.timeout
    }

    /// Looks at a mailbox and makes it if it is missing; `None` then.
    pub(super) async fn look_or_make(&self, mailbox: &Mailbox) -> Result<Option<Found>, BrokerError> {
        let found = self.look(mailbox).await?;
        match found {
            None => self.make(mailbox).await?,
            Some(_) if self.known.has(mailbox) => count(&self.counters.cached),
            // whoever declared it may have died before it bound it
            Some(_) => self.bind(mailbox).await?,
        }
        Ok(found)
    }

    /// Declares a mailbox and binds it to its user.
    pub(super) async fn make(&self, mailbox: &Mailbox) -> Result<(), BrokerError> {
        self.declare(mailbox).await?;
        self.bind(mailbox).await
    }

    async fn declare(&self, mailbox: &Mailbox) -> Result<(), BrokerError> {
        let lease = self.lease().await?;
        let name = short(self.names.mailbox(mailbox))?;
        count(&self.counters.declares);
        let arguments = arguments(&self.limits, mailbox.session.is_some());
        let declared = lease.channel.queue_declare(name, QueueDeclareOptions::durable(), arguments);
        let error = match tokio::time::timeout(self.settings.timeout, declared).await {
            Ok(Ok(_queue)) => {
                lease.keep();
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_elapsed) => return Err(BrokerError::TimedOut(self.settings.timeout)),
        };
        // arguments of a queue that is there cannot change: it is used as it is
        let older = soft(&error) == Some(&AMQPSoftError::PRECONDITIONFAILED);
        if !older || !error.to_string().contains("inequivalent") {
            return Err(explained(&error));
        }
        if !self.told_of_older.swap(true, Ordering::Relaxed) {
            info!(%mailbox, "mailboxes made with other settings are used as they are");
        }
        Ok(())
    }

    async fn bind(&self, mailbox: &Mailbox) -> Result<(), BrokerError> {
        let lease = self.lease().await?;
        let (queue, exchange) = (short(self.names.mailbox(mailbox))?, short(self.names.exchange())?);
        let (key, options) = (short(mailbox.user.as_str())?, QueueBindOptions::default());
        let bound = lease.channel.queue_bind(queue, exchange, key, options, FieldTable::default());
        within(self.settings.timeout, bound).await?;
        lease.keep();
        self.known.learn(mailbox);
        Ok(())
    }

    /// Deletes a mailbox; with `idle` only one that is empty and unused, and `false` if it is not.
    pub(super) async fn delete(&self, mailbox: &Mailbox, idle: bool) -> Result<bool, BrokerError> {
        let lease = self.lease().await?;
        let options = QueueDeleteOptions { if_unused: idle, if_empty: idle, ..QueueDeleteOptions::default() };
        let deleted = lease.channel.queue_delete(short(self.names.mailbox(mailbox))?, options);
        match tokio::time::timeout(self.settings.timeout, deleted).await {
            Ok(Ok(_messages)) => {
                lease.keep();
                self.known.forget(mailbox);
                Ok(true)
            }
            Ok(Err(error)) => match soft(&error) {
                Some(AMQPSoftError::PRECONDITIONFAILED | AMQPSoftError::NOTFOUND) => Ok(false),
                _ => Err(explained(&error)),
            },
            Err(_elapsed) => Err(BrokerError::TimedOut(self.settings.timeout)),
        }
    }

    /// Drops what is ready.
    pub(super) async fn purge(&self, mailbox: &Mailbox) -> Result<u64, BrokerError> {
        let lease = self.lease().await?;
        let purged =
            lease.channel.queue_purge(short(self.names.mailbox(mailbox))?, QueuePurgeOptions::default());
        match tokio::time::timeout(self.settings.timeout, purged).await {
            Ok(Ok(messages)) => {
                lease.keep();
                Ok(u64::from(messages))
            }
            Ok(Err(error)) if soft(&error) == Some(&AMQPSoftError::NOTFOUND) => Ok(0),
            Ok(Err(error)) => Err(explained(&error)),
            Err(_elapsed) => Err(BrokerError::TimedOut(self.settings.timeout)),
        }
    }
}

/// A mailbox's arguments.
///
/// The queue's version is left to the broker: version 2 is the only one from 4.0 on, but before 3.12 it holds files open
/// for every queue with messages, and a broker at its limit of open files stands still.
pub(super) fn arguments(limits: &MailboxLimits, of_session: bool) -> FieldTable {
    let ms =
        |time: Duration| AMQPValue::LongLongInt(i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1));
    let expires = if of_session { limits.session_expires } else { limits.expires };
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), ms(expires));
    arguments.insert("x-message-ttl".into(), ms(limits.message_ttl));
    let most = i64::try_from(limits.max_length).unwrap_or(i64::MAX);
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(most));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("drop-head".into()));
    arguments
}
