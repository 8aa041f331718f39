//! What the rules count, for whoever draws graphs: plain atomics, read when somebody looks.

mod handover;
mod signals;
mod snapshot;
mod streams;
mod times;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pollgate_model::{EventId, Timestamp};

pub use handover::HandoverFigures;
pub use signals::SignalFigures;
pub(crate) use signals::TypingEnd;
pub use snapshot::{Limit, Snapshot};
pub(crate) use streams::Streams;
pub use streams::{StreamEnd, StreamFigures, StreamKind};
pub use times::Histogram;

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

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    sent: AtomicU64,
    sending: Times,
    delivering: Times,
    polls: [AtomicU64; POLL_ENDS.len()],
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
    /// A message was stored, so long after it was asked for.
    pub(crate) fn sent(&self, took: Duration) {
        count(&self.sent);
        self.sending.note(took);
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
        PollUnderWay { figures: self.clone(), open: true }
    }

    fn ended(&self, end: PollEnd) {
        if let Some(counter) = self.polls.get(end as usize) {
            count(counter);
        }
    }

    pub(crate) fn delivered(&self, event: EventId) {
        // an id of another kind (an event of a foreign publisher) tells no time
        let Some(made) = event.made_at_ms() else { return };
        self.delivering.note(Timestamp::from_ms(made).age_at(Timestamp::now()));
    }
}

/// A poll that has not ended. Dropped as it is: the client has left.
#[derive(Debug)]
pub(crate) struct PollUnderWay {
    figures: Arc<Figures>,
    open: bool,
}

impl PollUnderWay {
    /// The poll has this answer, or none.
    pub(crate) fn ends(mut self, outcome: &Result<Polled, CoreError>) {
        self.open = false;
        let end = match outcome {
            Ok(polled) => {
                polled.tally.fresh.iter().for_each(|event| self.figures.delivered(*event));
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
        self.figures.ended(end);
    }
}

impl Drop for PollUnderWay {
    fn drop(&mut self) {
        if self.open {
            self.figures.ended(PollEnd::Gone);
        }
    }
}
