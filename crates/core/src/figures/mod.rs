//! What the rules count, for whoever draws graphs: plain atomics, read when somebody looks.

mod handover;
mod signals;
mod snapshot;
mod stages;
mod streams;
mod times;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pollgate_model::Timestamp;

pub use handover::HandoverFigures;
pub use signals::SignalFigures;
pub(crate) use signals::TypingEnd;
pub use snapshot::{ClusterUse, Limit, Snapshot};
pub(crate) use stages::{Stage, Stages};
pub(crate) use streams::Streams;
pub use streams::{StreamEnd, StreamFigures, StreamKind};
pub use times::Histogram;

use crate::mailbox::ResyncReason;
use crate::trace::Fresh;
use crate::{CoreError, Polled};
use signals::Signals;
use times::Times;

/// How a poll that had its seat ended.
#[derive(Clone, Copy, Debug)]
enum PollEnd {
    Events,
    Time,
    Gone,
    Superseded,
    Drained,
    Failed,
}

/// Names of [`PollEnd`], in its order.
const POLL_ENDS: [&str; 6] = ["events", "time", "gone", "superseded", "drained", "failed"];

/// Names of [`ResyncReason`], in its order.
const RESYNCS: [&str; 5] = ["gone", "overflowed", "expired", "broker_restarted", "moved"];

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    sent: AtomicU64,
    sending: Times,
    delivering: Times,
    polls: [AtomicU64; POLL_ENDS.len()],
    holds: [Times; POLL_ENDS.len()],
    /// How long each stage of a message's way took.
    pub(crate) stages: Arc<Stages>,
    resyncs: [AtomicU64; RESYNCS.len()],
    again: AtomicU64,
    repeated: AtomicU64,
    cut: AtomicU64,
    refused: Refused,
    pub(crate) signals: Signals,
    pub(crate) streams: Streams,
}

/// How often each bound was met.
#[derive(Debug, Default)]
struct Refused {
    held_polls_per_user: AtomicU64,
    held_polls: AtomicU64,
    mailboxes: AtomicU64,
    outbox_rows: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Figures {
    /// Nothing was counted yet; the relay counts into the same stages.
    pub(crate) fn new(stages: Arc<Stages>) -> Self {
        Self { stages, ..Self::default() }
    }

    /// A message was stored, so long after it was asked for.
    pub(crate) fn sent(&self, took: Duration) {
        count(&self.sent);
        self.sending.note(took);
        self.stages.note(Stage::Commit, took);
    }

    /// Something was refused; it counts when a bound was the reason.
    pub(crate) fn refused(&self, error: &CoreError) {
        let refused = &self.refused;
        match error {
            CoreError::TooManyPolls { .. } => count(&refused.held_polls_per_user),
            CoreError::Overloaded("held polls") => count(&refused.held_polls),
            CoreError::Overloaded("mailboxes") => count(&refused.mailboxes),
            CoreError::Overloaded("outbox") => count(&refused.outbox_rows),
            // the store counts its own
            _other => {}
        }
    }

    /// A poll begins.
    pub(crate) fn poll(self: &Arc<Self>) -> PollUnderWay {
        PollUnderWay { figures: self.clone(), open: true, began: Instant::now() }
    }

    fn ended(&self, end: PollEnd, held: Duration) {
        if let Some(counter) = self.polls.get(end as usize) {
            count(counter);
        }
        if let Some(times) = self.holds.get(end as usize) {
            times.note(held);
        }
    }

    /// A client is given so many events, of which these were in no answer of this gateway before.
    pub(crate) fn given(&self, events: usize, fresh: &[Fresh]) {
        let mut first = 0;
        for event in fresh.iter().filter(|event| !event.redelivered) {
            first += 1;
            self.stages.note(Stage::Deliver, event.arrived.elapsed());
            // an id of another kind (an event of a foreign publisher) tells no time
            if let Some(made) = event.id.made_at_ms() {
                self.delivering.note(Timestamp::from_ms(made).age_at(Timestamp::now()));
            }
        }
        self.again.fetch_add(events.saturating_sub(first) as u64, Ordering::Relaxed);
    }

    /// A client is told that it may have missed something.
    pub(crate) fn resync(&self, reason: ResyncReason) {
        if let Some(counter) = self.resyncs.get(reason as usize) {
            count(counter);
        }
    }

    /// A request was answered with what an earlier one came to.
    pub(crate) fn repeated(&self) {
        count(&self.repeated);
    }
}

/// A poll that has not ended. Dropped as it is: the client has left.
#[derive(Debug)]
pub(crate) struct PollUnderWay {
    figures: Arc<Figures>,
    open: bool,
    began: Instant,
}

impl PollUnderWay {
    /// The poll has this answer, or none.
    pub(crate) fn ends(mut self, outcome: &Result<Polled, CoreError>) {
        self.open = false;
        let end = match outcome {
            Ok(polled) => {
                self.figures.given(polled.events.len(), &polled.tally.fresh);
                if let Some(reason) = polled.resync {
                    self.figures.resync(reason);
                }
                if polled.tally.cut {
                    count(&self.figures.cut);
                }
                match polled {
                    Polled { pause, .. } if !pause.is_zero() => PollEnd::Drained,
                    Polled { events, resync: None, .. } if events.is_empty() => PollEnd::Time,
                    _news => PollEnd::Events,
                }
            }
            Err(CoreError::Superseded) => PollEnd::Superseded,
            // it never had a seat
            Err(error @ (CoreError::TooManyPolls { .. } | CoreError::Overloaded(_))) => {
                return self.figures.refused(error);
            }
            Err(_failed) => PollEnd::Failed,
        };
        self.figures.ended(end, self.began.elapsed());
    }
}

impl Drop for PollUnderWay {
    fn drop(&mut self) {
        if self.open {
            self.figures.ended(PollEnd::Gone, self.began.elapsed());
        }
    }
}
