//! A look at everything that is counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pollgate_broker::{BrokerState, BrokerUsage, Cluster, ClusterName};
use pollgate_model::Timestamp;
use pollgate_store::{Fill, Statements, StoreError};

use super::{HandoverFigures, Histogram, POLL_ENDS, RESYNCS, SignalFigures, StreamFigures};
use crate::{AttachmentFigures, Core, DepthFigures, ThrottleFigures, audience, typing};

/// Whoever scrapes must get an answer even from a gateway whose database hangs.
const ASKING: Duration = Duration::from_secs(2);

/// A bound, and how near it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name, the last word of its setting.
    pub name: &'static str,
    /// The bound.
    pub most: u64,
    /// What is used of it now, where that can be said.
    pub used: Option<u64>,
    /// How often it was met.
    pub refused: Option<u64>,
}

/// What of a cluster is in use; nothing for the in-process broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterUse {
    /// Which one.
    pub cluster: ClusterName,
    /// What is used of it.
    pub usage: BrokerUsage,
}

/// Everything that is counted, at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Messages stored.
    pub sent: u64,
    /// How long that took.
    pub sending: Histogram,
    /// From an event's acceptance to the first answer that holds it.
    pub delivering: Histogram,
    /// Polls held now.
    pub held: usize,
    /// Polls that had their seat, by how they ended.
    pub polls: Vec<(&'static str, u64)>,
    /// How long they were held, by how they ended.
    pub holds: Vec<(&'static str, Histogram)>,
    /// How long each stage of a message's way took.
    pub stages: Vec<(&'static str, Histogram)>,
    /// Answers that told of a resync, by its reason.
    pub resyncs: Vec<(&'static str, u64)>,
    /// Events that were given once more.
    pub redelivered: u64,
    /// Requests that were answered with what an earlier one came to.
    pub repeated: u64,
    /// How much the database was given in one transaction.
    pub batches: Histogram,
    /// Connections of pools by what they do: pool, in use, idle.
    pub pools: Vec<(&'static str, u64, u64)>,
    /// What of each cluster is in use.
    pub usage: Vec<ClusterUse>,
    /// Streams held now, and those that ended.
    pub streams: StreamFigures,
    /// Outbox rows of this gateway.
    pub outbox_rows: usize,
    /// Age of the oldest of them; unknown when the database did not answer.
    pub outbox_oldest: Option<Duration>,
    /// The database answered just now.
    pub store_up: bool,
    /// Statements that the database was asked for.
    pub statements: Statements,
    /// How each cluster of the broker is.
    pub brokers: Vec<(ClusterName, BrokerState)>,
    /// What was asked of the broker, by operation, over all clusters.
    pub operations: Vec<(&'static str, u64)>,
    /// How mailboxes moved between gateways.
    pub handovers: HandoverFigures,
    /// What was counted about throttling.
    pub throttle: ThrottleFigures,
    /// How deep mailboxes are.
    pub depths: DepthFigures,
    /// Mailboxes attended now.
    pub attended: usize,
    /// Typing and presence.
    pub signals: SignalFigures,
    /// Uploads, downloads, and what became of files that nobody used.
    pub attachments: AttachmentFigures,
    /// Messages that were made findable.
    pub indexed: u64,
    /// Old messages that were removed.
    pub removed: u64,
    /// The bounds.
    pub limits: Vec<Limit>,
}

impl Core {
    /// Looks at everything that is counted. Asks the database one small question, and waits for it two seconds at most.
    pub async fn snapshot(&self) -> Snapshot {
        let oldest = tokio::time::timeout(ASKING, self.store.outbox_oldest()).await;
        let (store_up, outbox_oldest) = match oldest {
            Ok(Ok(accepted_at)) => {
                let age = accepted_at.map(|accepted_at| accepted_at.age_at(Timestamp::now()));
                (true, Some(age.unwrap_or_default()))
            }
            // all its connections are in use: it was not asked
            Ok(Err(StoreError::Busy(_))) => (self.store.health(), None),
            Ok(Err(_)) | Err(_) => (false, None),
        };
        let figures = &self.figures;
        let named = |counters: &'static [&'static str], now: &[AtomicU64]| -> Vec<(&'static str, u64)> {
            counters.iter().zip(now).map(|(name, counter)| (*name, counter.load(Ordering::Relaxed))).collect()
        };
        let usage = self.usage();
        Snapshot {
            sent: figures.sent.load(Ordering::Relaxed),
            sending: figures.sending.read(),
            delivering: figures.delivering.read(),
            held: self.mailboxes.held().saturating_sub(figures.streams.held()),
            streams: figures.streams.read(),
            polls: named(&POLL_ENDS, &figures.polls),
            holds: POLL_ENDS.iter().zip(&figures.holds).map(|(name, times)| (*name, times.read())).collect(),
            stages: figures.stages.read(),
            resyncs: named(&RESYNCS, &figures.resyncs),
            redelivered: figures.again.load(Ordering::Relaxed),
            repeated: figures.repeated.load(Ordering::Relaxed),
            batches: Histogram::of(&self.store.batches(), 1.0),
            pools: self.pools(&usage),
            usage,
            outbox_rows: self.relay.rows(),
            outbox_oldest,
            store_up,
            statements: self.store.statements(),
            brokers: self.broker_states(),
            operations: self.broker_operations(),
            handovers: self.mailboxes.handovers(),
            throttle: self.throttle.figures(),
            depths: self.watch.figures(),
            attended: self.mailboxes.count(),
            signals: figures.signals.read(),
            attachments: self.attachments.figures(),
            indexed: self.indexing.indexed(),
            removed: self.sweeper.removed(),
            limits: [self.limits(), self.attachments.limits()].concat(),
        }
    }

    /// What of each cluster is in use.
    fn usage(&self) -> Vec<ClusterUse> {
        let of = |cluster: &Cluster| {
            cluster.broker.usage().map(|usage| ClusterUse { cluster: cluster.name.clone(), usage })
        };
        self.clusters.iter().filter_map(of).collect()
    }

    /// The readers' connections, and those of all clusters that publish.
    fn pools(&self, usage: &[ClusterUse]) -> Vec<(&'static str, u64, u64)> {
        let (in_use, idle) = self.store.pool_use();
        let mut pools = vec![("store", in_use, idle)];
        if !usage.is_empty() {
            let sum = |of: fn(&ClusterUse) -> u64| usage.iter().map(of).sum();
            pools.push(("publishing", sum(|one| one.usage.pool.in_use), sum(|one| one.usage.pool.idle)));
        }
        pools
    }

    fn limits(&self) -> Vec<Limit> {
        let (settings, refused) = (&self.settings, &self.figures.refused);
        let (store, memory) = (self.store.fill(), self.relay.memory());
        let limit = |name, most: usize, used: Option<usize>, refused: u64| Limit {
            name,
            most: most as u64,
            used: used.map(|used| used as u64),
            refused: Some(refused),
        };
        let of_store = |name, fill: Fill| limit(name, fill.most, Some(fill.used), fill.refused);
        let met = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut limits = vec![
            limit(
                "held_polls_per_user",
                settings.held_polls_per_user,
                Some(self.mailboxes.most_held_by_one()),
                met(&refused.held_polls_per_user),
            ),
            limit("held_polls", settings.held_polls, Some(self.mailboxes.held()), met(&refused.held_polls)),
            limit("mailboxes", settings.mailboxes, Some(self.mailboxes.count()), met(&refused.mailboxes)),
            limit("most_bytes", settings.answer_bytes, None, met(&self.figures.cut)),
            limit("outbox_rows", settings.outbox_rows, Some(self.relay.rows()), met(&refused.outbox_rows)),
            limit(
                "relay_publications",
                settings.relay_publications,
                Some(memory.publications),
                memory.overflowed,
            ),
            limit("relay_bytes", settings.relay_bytes, Some(memory.bytes), memory.overflowed),
            of_store("writer_queue", store.writer_queue),
            of_store("pool_size", store.pool),
            limit("presence_users", self.roll.most(), Some(self.roll.len()), self.roll.refused()),
            limit("typists", typing::MOST_TYPISTS, Some(self.typing.len()), self.typing.emptied()),
            limit("audiences", audience::MOST, Some(self.audiences.len()), self.audiences.emptied()),
            self.indexing.limit(),
        ];
        limits.extend(self.throttle.figures().limits);
        limits.extend(self.watch.limits());
        limits
    }
}
