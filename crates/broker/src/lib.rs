//! Mailboxes and what carries publications to them: the [`Broker`] trait, its contract in words, and two
//! implementations that pass the same contract suite: [`memory`] (in this process) and [`rabbit`] (RabbitMQ).

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use pollgate_model::{EventId, Mailbox, Recipient, Timestamp, TraceContext};
use tokio::sync::{mpsc, watch};

pub mod clusters;
pub mod error;
pub mod memory;
mod peers;
pub mod rabbit;
mod task;

pub use clusters::{Cluster, ClusterName, Clusters, Placement};
pub use error::BrokerError;
pub use peers::{Asked, Reply, Responder};

/// The publisher's own number for a publication, given back in its [`Outcome`].
pub type Ticket = i64;

/// A delivery's number within its consumer; only good for that consumer.
pub type DeliveryTag = u64;

/// What the broker has to do to keep a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Kept over a restart of the broker.
    Persistent,
    /// May be lost when the broker restarts: [`BrokerState::incarnation`] changes then, and every mailbox resyncs.
    Transient,
}

/// An event on its way to its recipients.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Comes back in the [`Outcome`].
    pub ticket: Ticket,
    /// The event's id; a repeat of the publication bears the same one.
    pub id: EventId,
    /// The event as JSON, carried as it is.
    pub payload: Bytes,
    /// Who gets it.
    pub recipients: Arc<[Recipient]>,
    /// What the broker has to do to keep it.
    pub durability: Durability,
    /// After this it need not be delivered any more. The mailbox's own time to live applies as well.
    pub expires_at: Option<Timestamp>,
    /// Where it stands in a trace; comes with each delivery.
    pub trace: Option<Arc<TraceContext>>,
}

/// How a publication ended.
#[derive(Debug)]
pub struct Outcome {
    /// The publication's ticket.
    pub ticket: Ticket,
    /// `Ok`: the broker answers for it to all recipients. `Err`: unknown; publish it again with the same id.
    pub result: Result<(), BrokerError>,
    /// From taking the publication to this.
    pub took: Duration,
    /// Where the publication stands in a trace. `None` also where the answer says less of the broker than of the readers.
    pub trace: Option<Arc<TraceContext>>,
}

/// Where outcomes go. Unbounded, and yet bounded: one outcome for each ticket taken, and the publisher bounds those.
pub type Outcomes = mpsc::UnboundedSender<Outcome>;

/// One event handed to a consumer, unacked until [`Consumer::ack`].
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Acks name it.
    pub tag: DeliveryTag,
    /// The event's id.
    pub id: EventId,
    /// The event as JSON.
    pub payload: Bytes,
    /// It was handed out before, here or elsewhere, and came back unacked.
    pub redelivered: bool,
    /// When it came to this process.
    pub arrived: Instant,
    /// Where it stands in a trace.
    pub trace: Option<Arc<TraceContext>>,
}

/// Why a consumer ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detached {
    /// The mailbox is gone (deleted, expired), with all that waited in it.
    Gone,
    /// The way to the broker is gone; what was not acked will be delivered again to the next consumer.
    Lost,
}

/// Where a consumer's deliveries go. Called on the broker's own threads: must not block, must not call back into
/// the consumer.
pub trait Inbox: Send + Sync + 'static {
    /// A delivery, in the order in which the mailbox held them.
    fn deliver(&self, delivery: Delivery);
    /// The consumer ended by itself; no more deliveries come, tags are void. Called at most once.
    fn detached(&self, why: Detached);
}

/// A lingering consumer of one mailbox. Dropping it is a release that nobody waits for.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// These deliveries are done: they leave the mailbox. Queued, never blocks; unknown tags are ignored.
    /// An ack that is lost with its connection means a redelivery.
    fn ack(&self, tags: &[DeliveryTag]);

    /// Ends the consumer. Everything delivered and not acked goes back to its place in the mailbox, in order, and
    /// the next consumer gets it first, with `redelivered` set. After the answer no delivery comes any more, and
    /// all acks queued before have taken effect.
    ///
    /// # Errors
    /// The way to the broker is gone, which gives everything back as well.
    async fn release(&self) -> Result<(), BrokerError>;
}

/// A mailbox that is there now, as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The mailbox was there before. False for one that had to be made: whatever it once held is gone.
    pub existed: bool,
    /// Events that are ready; may count expired ones.
    pub ready: u64,
    /// Consumers attached, over all gateways.
    pub consumers: u64,
}

/// What was taken out of a mailbox that nobody consumed, as unacked deliveries in order.
///
/// Whoever took it counts as a consumer until the release: the mailbox is in use, and is not deleted as idle with
/// what it holds.
pub struct Taken {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// Nothing more was ready after these.
    pub drained: bool,
    /// Acks and releases them; it gets no further deliveries.
    pub consumer: Box<dyn Consumer>,
}

/// What came of taking out.
pub enum TakeOut {
    /// There is no such mailbox.
    Missing,
    /// Somebody consumes it, or has taken out of it and not released.
    InUse,
    /// What was taken; may be nothing.
    Taken(Taken),
}

impl TakeOut {
    /// What was taken, if it was possible.
    #[must_use]
    pub fn taken(self) -> Option<Taken> {
        match self {
            Self::Taken(taken) => Some(taken),
            Self::Missing | Self::InUse => None,
        }
    }
}

/// A mailbox's size, as the broker counts it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Events waiting; may count ones that have expired and not yet reached the head.
    pub ready: u64,
    /// Events delivered and not acked; `None` where the broker does not tell (AMQP does not).
    pub unacked: Option<u64>,
    /// Consumers attached, over all gateways.
    pub consumers: u64,
}

/// How the broker is, kept up to date by the implementation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerState {
    /// Publishing and consuming work.
    pub up: bool,
    /// The broker has blocked publishers (memory or disk alarm); consuming goes on.
    pub blocked: bool,
    /// Names the transient state of the broker; another number means that it was lost. 0 until it is known.
    pub incarnation: u32,
}

/// What of the broker is in use, and what using it has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerUsage {
    /// Channels open now, of all connections.
    pub channels: u64,
    /// Connections that were made again after one was lost.
    pub reconnects: u64,
    /// Mailboxes declared.
    pub declared: u64,
    /// Publishes and attaches that needed no declaration, because what was known of the mailbox was true.
    pub cached: u64,
    /// Pooled connections that publish now, and those that wait.
    pub pool: PoolUse,
}

/// Connections of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// In somebody's hands.
    pub in_use: u64,
    /// Open, and waiting for somebody.
    pub idle: u64,
}

/// Sizes and times of mailboxes.
#[derive(Clone, Debug)]
pub struct MailboxLimits {
    /// How long an event waits.
    pub message_ttl: Duration,
    /// How many events wait; one more drops the oldest.
    pub max_length: u64,
    /// How long a main mailbox lives without being used.
    pub expires: Duration,
    /// How long a session's mailbox lives without being used.
    pub session_expires: Duration,
    /// Most unacked deliveries of one consumer.
    pub prefetch: u16,
}

impl Default for MailboxLimits {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            message_ttl: secs(3600),
            max_length: 10_000,
            expires: secs(7 * 24 * 3600),
            session_expires: secs(600),
            prefetch: 256,
        }
    }
}

/// Carries publications to mailboxes, and mailboxes to consumers.
///
/// - A user has a main mailbox and one for each session; all are bound to the user, so one publication reaches
///   every mailbox the user has at that moment. A user without any gets the main one made, when the recipient
///   says so: a publication is never confirmed for such a recipient before it stands in a mailbox.
/// - Mailboxes may vanish at any time (expiry, an operator, a node). Implementations notice and make them again;
///   what they know of existing mailboxes is a hint that heals.
/// - Publications to one mailbox keep the order in which `publish` was called.
/// - Every await is bounded in time: a broker that hangs is an error, never a hang.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Takes a publication into the publishing window; its [`Outcome`] follows on the channel that the broker was
    /// made with: once, and only for publications taken (`Ok`). Waits while the window is full.
    ///
    /// RabbitMQ confirms when it has it (persistent: on disk); the in-process broker when every recipient's
    /// mailboxes have acked, expired or dropped it, because nothing else carries it over a restart.
    ///
    /// # Errors
    /// Not taken: the broker is away, or its window stayed full too long.
    async fn publish(&self, publication: Publication) -> Result<(), BrokerError>;

    /// Publishes without promise: to mailboxes that exist, no outcome, dropped when the broker is away or busy
    /// (`false`). The ticket is ignored.
    fn publish_ephemeral(&self, publication: Publication) -> bool;

    /// Attaches a lingering consumer to a mailbox that [`Broker::ensure`] has just found or made. Deliveries start
    /// at once, at most [`MailboxLimits::prefetch`] unacked.
    ///
    /// # Errors
    /// The broker is away or refused; the mailbox has vanished since.
    async fn consume(
        &self,
        mailbox: &Mailbox,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Box<dyn Consumer>, BrokerError>;

    /// Takes up to `most` events (and up to [`MailboxLimits::prefetch`]) out of a mailbox that nobody consumes, for
    /// whoever takes it over. Never makes a mailbox.
    ///
    /// # Errors
    /// The broker is away or refused.
    async fn take_waiting(&self, mailbox: &Mailbox, most: usize) -> Result<TakeOut, BrokerError>;

    /// Makes the mailbox if it is missing, and says how it stands. Renews its expiry.
    ///
    /// # Errors
    /// The broker is away or refused.
    async fn ensure(&self, mailbox: &Mailbox) -> Result<Standing, BrokerError>;

    /// Deletes the mailbox if it is empty and nobody consumes it; `false`: it was not, or is not there.
    ///
    /// # Errors
    /// The broker is away or refused.
    async fn delete_if_idle(&self, mailbox: &Mailbox) -> Result<bool, BrokerError>;

    /// The mailbox's size; `None`: there is no such mailbox.
    ///
    /// # Errors
    /// The broker is away or refused.
    async fn depth(&self, mailbox: &Mailbox) -> Result<Option<Depth>, BrokerError>;

    /// Drops everything that waits (not what is unacked); how many that was. No such mailbox: 0.
    ///
    /// # Errors
    /// The broker is away or refused.
    async fn purge(&self, mailbox: &Mailbox) -> Result<u64, BrokerError>;

    /// Deletes the mailbox with all that is in it; its consumers are told ([`Detached::Gone`]). No such mailbox: no error.
    ///
    /// # Errors
    /// The broker is away or refused.
    async fn delete(&self, mailbox: &Mailbox) -> Result<(), BrokerError>;

    /// From now on the requests of other gateways to this instance come to `responder`.
    fn respond(&self, instance: u64, responder: Arc<dyn Responder>);

    /// Asks another gateway, and waits for its answer for at most `limit`.
    async fn ask(&self, instance: u64, request: Bytes, limit: Duration) -> Asked;

    /// Asks every gateway, and waits until `enough` have answered, for at most `limit`. The answers that came.
    async fn ask_all(&self, request: Bytes, enough: usize, limit: Duration) -> Vec<Bytes>;

    /// What was asked of the broker so far, by operation; nothing where nothing has a price.
    fn operations(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// What carries the events, by the name it has in OpenTelemetry's conventions.
    fn system(&self) -> &'static str {
        "pollgate"
    }

    /// What is open and was saved; `None` where nothing has a price.
    fn usage(&self) -> Option<BrokerUsage> {
        None
    }

    /// How the broker is, now and whenever it changes.
    fn state(&self) -> watch::Receiver<BrokerState>;

    /// Stops: publications in flight are waited for within `grace`, consumers are released, connections closed.
    async fn close(&self, grace: Duration);
}
