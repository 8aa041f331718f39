//! Outbox relay: moves committed publications to the broker.
//!
//! Rule: a row leaves the outbox only after the broker has answered for it. A crash between the two publishes
//! twice; receivers drop the second by its id. Order is kept per room, not across rooms. With several clusters each
//! has a lane of its own, and a row leaves when all that have a share of it have answered.

mod lanes;
mod lease;
mod queue;
mod shares;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_broker::{Broker, Durability, Outcome, Placement, Publication};
use pollgate_model::{Timestamp, TraceContext};
use pollgate_store::{OnCommit, Outgoing, Store};
use tokio::sync::{Notify, mpsc};
use tracing::{Instrument as _, debug, debug_span, warn};

use crate::CoreSettings;
use crate::depth::Watch;
use crate::figures::{Stage, Stages};
use crate::slow::SlowStage;
use crate::task::Stop;
use crate::trace::{Span, SpanBegun, SpanKind, SpanValue, Tracing, as_ms, messaging};
use lanes::{Lanes, Page};
pub(crate) use lease::DEAD_AFTER;
use queue::{Memory, Next};
use shares::Shares;
pub(crate) use shares::divide;

/// Publications given to the broker in one turn.
const TURN: usize = 256;
/// Rows of the outbox read at once.
const PAGE: i64 = 500;
/// Outcomes settled at once.
const SETTLE: usize = 1024;
/// Pause before a failed turn is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// The writer's end of the relay: hears of what was committed. See the module's text.
pub struct Relay {
    placement: Placement,
    lanes: Mutex<Lanes>,
    /// One for each lane.
    wakes: Vec<Notify>,
    /// Outbox rows of this instance, as far as it knows.
    rows: AtomicUsize,
    most_rows: usize,
    /// Beats for which the outbox is looked through for rows that nobody offered.
    uncertain: AtomicUsize,
    unstored: bool,
    slow: SlowStage,
    /// Hears of what was published.
    watch: Arc<Watch>,
    stages: Arc<Stages>,
    tracing: Tracing,
}

impl OnCommit for Relay {
    fn committed(&self, rows: Vec<Outgoing>) {
        self.rows.fetch_add(rows.len(), Ordering::Relaxed);
        let shares = Shares::new(&self.placement, rows);
        let concerned = shares.lanes();
        self.lanes().offer(shares);
        for (_, wake) in self.wakes.iter().enumerate().filter(|(lane, _)| concerned.contains(*lane)) {
            wake.notify_one();
        }
    }

    fn uncertain(&self) {
        // the database may still be finishing that commit: looked at again for some beats of the lease
        self.uncertain.store(lease::BEATS_OF_DOUBT, Ordering::Relaxed);
        self.look_past(0);
    }
}

impl Relay {
    /// A relay with nothing to do, and a lane for each cluster.
    #[must_use]
    pub fn new(settings: &CoreSettings, placement: Placement) -> Arc<Self> {
        let lanes = placement.lanes();
        Arc::new(Self {
            placement,
            lanes: Mutex::new(Lanes::new(lanes, settings.relay_publications, settings.relay_bytes)),
            wakes: (0..lanes).map(|_| Notify::new()).collect(),
            rows: AtomicUsize::new(0),
            most_rows: settings.outbox_rows,
            uncertain: AtomicUsize::new(0),
            unstored: settings.unstored,
            slow: SlowStage::new("publish", settings.slow),
            watch: Arc::new(Watch::new(settings)),
            stages: Arc::default(),
            tracing: settings.tracing.clone(),
        })
    }

    /// Who hears of what was published.
    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Outbox rows of this instance that are not finished.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Where the times of all stages are counted.
    pub(crate) const fn stages(&self) -> &Arc<Stages> {
        &self.stages
    }

    /// Publications waiting in memory for the broker of a lane.
    #[must_use]
    pub fn waiting(&self, lane: usize) -> usize {
        self.lanes().waiting(lane)
    }

    /// How full its memory is.
    pub(crate) fn memory(&self) -> Memory {
        self.lanes().memory()
    }

    /// The outbox holds as many rows as it may.
    pub(crate) fn is_full(&self) -> bool {
        self.rows() >= self.most_rows
    }

    /// The outbox is to be read from past this ticket.
    fn look_past(&self, ticket: i64) {
        self.lanes().look_past(ticket);
        for wake in &self.wakes {
            wake.notify_one();
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a lane may have something to do.
    async fn woken(&self, lane: usize) {
        match self.wakes.get(lane) {
            Some(wake) => wake.notified().await,
            None => std::future::pending().await,
        }
    }

    /// The service that publishes for a lane; ends with the stop signal, what is left stays in the outbox.
    pub(crate) async fn publish(
        self: Arc<Self>,
        lane: usize,
        store: Store,
        broker: Arc<dyn Broker>,
        mut stop: Stop,
    ) {
        loop {
            let next = self.lanes().next(lane, TURN);
            let turn = async {
                match next {
                    Next::Publish(rows) => {
                        let stage = debug_span!("publish", publications = rows.len());
                        self.give(lane, &*broker, rows).instrument(stage).await
                    }
                    Next::Read(after) => self.read(lane, &store, &*broker, after).await,
                    Next::Idle => {
                        self.woken(lane).await;
                        true
                    }
                }
            };
            tokio::select! {
                biased;
                () = stop.wait() => return,
                went_well = turn => {
                    if !went_well {
                        tokio::select! { () = stop.wait() => return, () = tokio::time::sleep(AGAIN) => {} }
                    }
                }
            }
        }
    }

    /// Publishes rows in order; what the broker does not take is kept for the next turn. `false`: not all.
    async fn give(&self, lane: usize, broker: &dyn Broker, rows: Vec<Outgoing>) -> bool {
        if let Some(oldest) = rows.first() {
            self.slow.note(oldest.accepted_at.age_at(Timestamp::now()));
        }
        let mut given = Vec::with_capacity(rows.len());
        let mut rows = rows.into_iter();
        while let Some(row) = rows.next() {
            let span = self.tracing.below(row.trace.as_ref(), true);
            let trace = span.as_ref().map_or_else(|| row.trace.clone(), |span| Some(span.context.clone()));
            if let Err(error) = broker.publish(self.publication(&row, trace)).await {
                debug!(%error, "publish was not taken, trying again");
                let rest: Vec<Outgoing> = std::iter::once(row).chain(rows).collect();
                self.lanes().put_back(lane, rest);
                self.watch.published(&given);
                return false;
            }
            given.push(row.recipients.clone());
            let waited = row.accepted_at.age_at(Timestamp::now());
            self.stages.note(Stage::Publish, waited);
            if let Some(span) = span {
                self.tracing.tell(published(span, broker.system(), &row, waited));
            }
        }
        self.watch.published(&given);
        true
    }

    async fn read(&self, lane: usize, store: &Store, broker: &dyn Broker, after: i64) -> bool {
        match store.outbox_page(after, PAGE).await {
            Ok(rows) => {
                let full = rows.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
                let last = rows.last().map(|row| row.ticket);
                let page = Page { shares: Shares::new(&self.placement, rows), full };
                let fresh = self.lanes().read(lane, after, last, page);
                self.give(lane, broker, fresh).await
            }
            Err(error) => {
                debug!(%error, "outbox was not read, trying again");
                false
            }
        }
    }

    fn publication(&self, row: &Outgoing, trace: Option<Arc<TraceContext>>) -> Publication {
        let replayable = row.stored && self.unstored;
        Publication {
            ticket: row.ticket,
            id: row.event.id,
            payload: row.event.json.clone(),
            recipients: row.recipients.clone(),
            durability: if replayable { Durability::Transient } else { Durability::Persistent },
            expires_at: row.expires_at,
            trace,
        }
    }

    /// The service that takes what the broker of a lane, and all others concerned, have answered for out of the
    /// outbox; ends when the broker is dropped or with the stop signal.
    pub(crate) async fn settle(
        self: Arc<Self>,
        lane: usize,
        store: Store,
        mut outcomes: mpsc::UnboundedReceiver<Outcome>,
        mut stop: Stop,
    ) {
        let mut batch = Vec::with_capacity(SETTLE);
        loop {
            tokio::select! {
                got = outcomes.recv_many(&mut batch, SETTLE) => if got == 0 { return stop.wait().await },
                () = stop.wait() => {
                    // what is known by now is settled; the rest is published again by whoever adopts it
                    while let Ok(outcome) = outcomes.try_recv() {
                        batch.push(outcome);
                    }
                    self.settle_batch(lane, &store, &mut batch);
                    return;
                }
            }
            self.settle_batch(lane, &store, &mut batch);
        }
    }

    fn note_outcome(&self, outcome: &Outcome) {
        if outcome.result.is_ok() {
            self.stages.note(Stage::Confirm, outcome.took);
        }
        let Some(span) = self.tracing.below_since(outcome.trace.as_ref(), false, outcome.took) else {
            return;
        };
        let failure = outcome.result.as_ref().err().map(ToString::to_string);
        let span =
            span.ended("confirm", SpanKind::Internal, vec![("pollgate.stage", SpanValue::Name("confirm"))]);
        self.tracing.tell(Span { failure, ..span });
    }

    fn settle_batch(&self, lane: usize, store: &Store, batch: &mut Vec<Outcome>) {
        let mut done = Vec::with_capacity(batch.len());
        let mut failed: Vec<i64> = Vec::new();
        for outcome in batch.drain(..) {
            self.note_outcome(&outcome);
            match outcome.result {
                Ok(()) => done.push(outcome.ticket),
                Err(error) => {
                    debug!(ticket = outcome.ticket, %error, "publication is unanswered, publishing again");
                    failed.push(outcome.ticket);
                }
            }
        }
        let done = self.lanes().finished(lane, done, &failed);
        if !failed.is_empty() {
            warn!(
                publications = failed.len(),
                "the broker did not answer for publications; they go out again"
            );
            if let Some(wake) = self.wakes.get(lane) {
                wake.notify_one();
            }
        }
        if !done.is_empty() {
            // in one step: commits add to it at the same time; rows of uncertain commits were never added
            let less = |rows: usize| Some(rows.saturating_sub(done.len()));
            let _before = self.rows.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            store.settle(done);
        }
    }
}

/// The span of a hand-over to the broker.
fn published(span: SpanBegun, system: &'static str, row: &Outgoing, waited: Duration) -> Span {
    let number = |size: usize| SpanValue::Number(i64::try_from(size).unwrap_or(i64::MAX));
    let mut attributes = messaging(system, ("publish", "send"), row.event.id);
    attributes.extend([
        ("pollgate.stage", SpanValue::Name("publish")),
        ("pollgate.waited_ms", as_ms(waited)),
        ("pollgate.recipients", number(row.recipients.len())),
        ("messaging.message.body.size", number(row.event.json.len())),
    ]);
    span.ended("publish", SpanKind::Producer, attributes)
}
