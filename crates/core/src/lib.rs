//! The rules of pollgate: sending, relaying, mailboxes, polling. No HTTP, no SQL, no AMQP.
//!
//! [`Core`] is the handle that the HTTP layer holds. [`Core::start`] starts its services; [`Core::drain`] and
//! [`Core::stop`] end them in the order in which nothing is lost.

mod amend;
mod attachments;
mod audience;
mod depth;
mod error;
mod figures;
mod history;
mod idempotency;
mod mailbox;
mod moves;
mod overview;
mod presence;
mod publish;
mod relay;
mod report;
mod retention;
mod rooms;
mod search;
mod send;
mod services;
mod settings;
mod slow;
mod stream;
mod task;
mod throttle;
mod trace;
mod typing;

use std::sync::Arc;
use std::time::Duration;

use attachments::Attachments;
use pollgate_broker::{BrokerState, ClusterName, Clusters, Outcome};
use pollgate_files::Files;
use pollgate_model::{InstanceId, UserId};
use pollgate_redis::RedisBuckets;
use pollgate_store::Store;
use tokio::sync::mpsc;

pub use attachments::{AttachmentBytes, AttachmentFigures, AttachmentSettings, FoundAttachment, Upload};
pub use depth::{DepthFigures, DepthRule, ListedDepth};
pub use error::CoreError;
pub use figures::{
    ClusterUse, HandoverFigures, Histogram, Limit, SignalFigures, Snapshot, StreamEnd, StreamFigures,
    StreamKind,
};
pub use mailbox::{
    Mailboxes, Next, PollCursor, PollRequest, Polled, Portion, Receipt, ResyncReason, StreamRequest,
    Streamed, Tally, Unconfirmed,
};
pub use moves::Moves;
pub use overview::{Identity, Looks, Overview};
pub use pollgate_store::{Digest, RequestKey, Sent};
pub use publish::{Accepted, Announcement, To};
pub use relay::Relay;
pub use retention::Retention;
pub use rooms::{Actor, NewRoom, RoomPatch};
pub use settings::CoreSettings;
pub use stream::Stream;
pub use task::{FirstFailure, Stop, Tasks};
pub use throttle::{Allowance, Class, Throttle, ThrottleFigures, ThrottleSettings, Verdict};
pub use trace::{Fresh, Span, SpanBegun, SpanKind, SpanSink, SpanValue, Tracing};

use audience::Audiences;
use depth::{Purges, Watch};
use figures::{Figures, Stage};
use idempotency::InProgress;
use mailbox::Missed;
use presence::Roll;
use retention::Sweeper;
use search::Indexing;
use slow::SlowStage;
use typing::Recent;

/// What [`Core::start`] is made of.
pub struct Parts {
    /// The database, which tells `relay` of its commits.
    pub store: Store,
    /// The brokers; `relay` has a lane for each.
    pub clusters: Arc<Clusters>,
    /// Each broker's answers, in the order of `clusters`.
    pub outcomes: Vec<mpsc::UnboundedReceiver<Outcome>>,
    /// Who was placed elsewhere by other gateways.
    pub moves: Arc<Moves>,
    /// Hears of commits.
    pub relay: Arc<Relay>,
    /// This process.
    pub instance: InstanceId,
    /// What other gateways and operators are to call it.
    pub identity: Identity,
    /// The bytes of attachments.
    pub files: Files,
    /// Times, sizes, bounds.
    pub settings: CoreSettings,
    /// Where requests are counted together with other gateways, when that is not the database.
    pub redis: Option<RedisBuckets>,
    /// Where services run.
    pub tasks: Tasks,
}

/// The rules, as one handle; cheap to clone.
#[derive(Clone)]
pub struct Core {
    store: Store,
    clusters: Arc<Clusters>,
    relay: Arc<Relay>,
    mailboxes: Arc<Mailboxes>,
    attachments: Arc<Attachments>,
    settings: Arc<CoreSettings>,
    slow_commit: Arc<SlowStage>,
    in_progress: Arc<InProgress>,
    figures: Arc<Figures>,
    throttle: Arc<Throttle>,
    audiences: Arc<Audiences>,
    typing: Arc<Recent>,
    roll: Arc<Roll>,
    indexing: Arc<Indexing>,
    sweeper: Arc<Sweeper>,
    overview: Arc<Overview>,
    watch: Arc<Watch>,
    purges: Arc<Purges>,
    tasks: Tasks,
}

impl Core {
    /// Starts the services: relay, settlement, lease, sweepers.
    #[must_use]
    pub fn start(parts: Parts) -> Self {
        let Parts {
            store,
            clusters,
            outcomes,
            moves,
            relay,
            instance,
            identity,
            files,
            settings,
            redis,
            tasks,
        } = parts;
        // the low half of a version 7 UUID is random
        let [.., a, b, c, d, e, f, g, h] = *instance.uuid().as_bytes();
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let roll = Arc::new(Roll::of(&settings));
        let (watch, purges) = (relay.watch().clone(), Arc::new(Purges::new(settings.message_ttl)));
        let missed = Missed { moves: moves.clone(), purges: purges.clone() };
        let figures = Arc::new(Figures::new(relay.stages().clone()));
        let mailboxes = Mailboxes::new(
            clusters.clone(),
            missed,
            settings.clone(),
            tasks.clone(),
            (roll.clone(), watch.clone()),
            number,
        );
        let stop = || tasks.stop_signal();
        services::presence(&tasks, &store, &clusters, (&roll, &figures), &settings);
        services::depth(&tasks, &store, &clusters, (&watch, &purges), &settings);
        services::relay(&tasks, &relay, &store, &clusters, outcomes, &mailboxes);
        let overview = Overview::new(instance, identity);
        tasks.service("outbox lease", relay.clone().hold_lease(store.clone(), overview.clone(), stop()));
        tasks.service("lists of clusters", moves.clone().watch(store.clone(), stop()));
        let (indexing, sweeper) = services::upkeep(&tasks, &store, &settings);
        tasks.service("mailbox sweeper", mailboxes.clone().sweep(stop()));
        let attachments = Attachments::new(files, settings.attachments.clone());
        tasks.service("attachment sweeper", attachments::sweep(attachments.clone(), store.clone(), stop()));
        Self {
            throttle: Throttle::start(settings.throttle.clone(), redis, &store, &tasks),
            attachments,
            slow_commit: Arc::new(SlowStage::new("commit", settings.slow)),
            in_progress: Arc::default(),
            settings: Arc::new(settings),
            audiences: Arc::default(),
            typing: Arc::default(),
            roll,
            figures,
            indexing,
            sweeper,
            watch,
            purges,
            store,
            clusters,
            relay,
            mailboxes,
            overview,
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

    /// Starts a job that comes to its end whoever waits for it; the end of the process waits for it, for a while.
    pub fn job(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.tasks.job(work));
    }

    /// See [`Mailboxes::poll`].
    ///
    /// # Errors
    /// As there; [`CoreError::Throttled`]: polls that find nothing follow each other too fast.
    pub async fn poll(&self, request: PollRequest) -> Result<Polled, CoreError> {
        self.check_loop(&request.mailbox)?;
        let (started, mailbox) = (tokio::time::Instant::now(), request.mailbox.clone());
        let under_way = self.figures.poll();
        let outcome = self.mailboxes.poll(request).await;
        under_way.ends(&outcome);
        if let Ok(polled) = &outcome {
            let hold = ("pollgate.hold_ms", trace::as_ms(started.elapsed()));
            let transport = ("pollgate.transport", SpanValue::Name("poll"));
            self.tell_given(&mailbox.user, &polled.tally.fresh, &[transport, hold]);
        }
        if outcome.as_ref().is_ok_and(Polled::is_empty) {
            self.throttle.loops().found_nothing(&mailbox, started.elapsed());
        }
        outcome
    }

    /// A request is checked, so long after it came.
    pub fn accepted(&self, took: Duration) {
        self.figures.stages.note(Stage::Accept, took);
    }

    /// Tells of events that a user is given now: of each that is traced, a span from its coming here to now.
    fn tell_given(&self, user: &UserId, fresh: &[Fresh], how: &[(&'static str, SpanValue)]) {
        let tracing = &self.settings.tracing;
        for event in fresh {
            let Some(span) = tracing.below_since(event.trace.as_ref(), true, event.arrived.elapsed()) else {
                continue;
            };
            let system = self.clusters.of(user).broker.system();
            let mut attributes = trace::messaging(system, ("deliver", "process"), event.id);
            attributes.push(("pollgate.stage", SpanValue::Name("deliver")));
            attributes.push(("pollgate.redelivered", SpanValue::Flag(event.redelivered)));
            attributes.extend_from_slice(how);
            tracing.tell(span.ended("deliver", SpanKind::Consumer, attributes));
        }
    }

    /// How each cluster is now.
    #[must_use]
    pub fn broker_states(&self) -> Vec<(ClusterName, BrokerState)> {
        self.clusters.iter().map(|cluster| (cluster.name.clone(), cluster.state())).collect()
    }

    /// What was asked of the broker so far, by operation, over all clusters.
    fn broker_operations(&self) -> Vec<(&'static str, u64)> {
        let mut all: Vec<(&'static str, u64)> = Vec::new();
        for (operation, count) in self.clusters.iter().flat_map(|cluster| cluster.broker.operations()) {
            match all.iter_mut().find(|(name, _)| *name == operation) {
                Some((_, sum)) => *sum += count,
                None => all.push((operation, count)),
            }
        }
        all
    }

    /// The relay has something in memory that a broker would take.
    fn relay_is_busy(&self) -> bool {
        let mut lanes = self.clusters.iter().enumerate();
        lanes.any(|(lane, cluster)| {
            self.relay.waiting(lane) > 0 && cluster.state().up && !cluster.state().blocked
        })
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
    /// database finishes what it has. Each of these may take half of what is left of `grace`, so that one that hangs
    /// leaves time to the others.
    pub async fn stop(&self, grace: Duration) {
        let until = tokio::time::Instant::now() + grace;
        let left = || until.saturating_duration_since(tokio::time::Instant::now());
        if tokio::time::timeout(left() / 2, self.mailboxes.release_all()).await.is_err() {
            tracing::warn!("mailboxes were not all released in time; the broker gives their events back");
        }
        let emptied = async {
            while self.relay_is_busy() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let relayed = tokio::time::timeout(left() / 2, emptied).await.is_ok();
        let closed = tokio::time::timeout(left() / 2, self.clusters.close(left() / 4)).await.is_ok();
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
