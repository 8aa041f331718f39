//! One poll: attach, confirm, hold, answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pollgate_model::{Cursor, Mailbox};
use tokio::time::Instant;

use super::Mailboxes;
use super::answer::Answer;
use super::attendance::Receipt;
use super::attended::ResyncReason;
use super::reading::{Reached, Reading};
use crate::CoreError;
use crate::trace::Fresh;

/// How a poll says what it has had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollCursor {
    /// No cursor: what is written to the socket counts as delivered.
    Simple,
    /// An empty cursor: the start of a loop.
    Start,
    /// Everything up to this is confirmed.
    At(Cursor),
}

/// What a poll asks for.
#[derive(Clone, Debug)]
pub struct PollRequest {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// How the poll says what it has had.
    pub cursor: PollCursor,
    /// Most events in the answer.
    pub limit: usize,
    /// How long to hold when there is nothing; cut to the configured most.
    pub wait: Duration,
    /// Its user wants to hear who comes online and goes offline, until the next poll has had time to say so again.
    pub presence: bool,
}

/// The answer to a poll.
#[derive(Debug)]
pub struct Polled {
    /// Events as JSON, oldest first.
    pub events: Vec<Bytes>,
    /// What to send back to confirm them.
    pub cursor: Cursor,
    /// Events may have been missed, and why.
    pub resync: Option<ResyncReason>,
    /// Events stayed behind.
    pub more: bool,
    /// How long the client should wait before it asks again.
    pub pause: Duration,
    /// To be told when the answer was written.
    pub receipt: Receipt,
    /// What is counted of it.
    pub tally: Tally,
}

impl Polled {
    /// It says nothing: no events, and nothing else that a client would act upon.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.resync.is_none() && self.pause.is_zero()
    }
}

/// What is counted of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events that were in no answer here before.
    pub fresh: Vec<Fresh>,
    /// Events stayed behind because the answer had as many bytes as it may.
    pub cut: bool,
}

impl Mailboxes {
    /// Events at hand, or the first to arrive within the hold; none: an empty answer.
    ///
    /// Cancel safe: dropped while it waits, it has taken nothing.
    ///
    /// # Errors
    /// Superseded by another cursor poll, no seat, or the broker was away for the whole hold.
    pub async fn poll(self: &Arc<Self>, request: PollRequest) -> Result<Polled, CoreError> {
        let mut reading = Reading::begin(self, request).await?;
        let PollRequest { mailbox, presence, wait, .. } = &reading.request;
        if *presence {
            let now = Instant::now();
            self.roll.asked(&mailbox.user, now + self.settings.hold + self.settings.linger, now);
        }
        // whoever comes while we drain is told at once to go elsewhere, with what is at hand
        let wait = if reading.draining { Duration::ZERO } else { self.hold_of(*wait) };
        reading.deadline = Instant::now() + wait;
        match reading.reach().await? {
            Reached::Answer(answer) => Ok(reading.answered(answer)),
            // a poll is given no portions
            Reached::Portion(_) | Reached::Nothing => Ok(reading.nothing()),
        }
    }

    /// The hold asked for, within bounds, less some jitter.
    fn hold_of(&self, wait: Duration) -> Duration {
        let less = f64::from(self.settings.jitter_percent) / 100.0 * self.dice.part();
        wait.min(self.settings.hold).mul_f64((1.0 - less).clamp(0.0, 1.0))
    }

    /// How long a client should wait before it comes back: long enough to be elsewhere by then, uneven so that not all
    /// come back at once.
    pub(super) fn pause(&self) -> Duration {
        self.dice.ms(250, 1500)
    }
}

impl Reading {
    /// An answer without events, that confirms nothing and is confirmed by nothing.
    fn nothing(self) -> Polled {
        let mut state = self.attendance.attended.lock();
        let none = PollRequest { limit: 0, ..self.request.clone() };
        let from = state.window.confirmed();
        let answer = state.answer(&none, from, &self.attendance.mailboxes, self.asked_at);
        drop(state);
        self.answered(answer)
    }

    fn answered(self, answer: Answer) -> Polled {
        let pause = if self.draining { self.attendance.mailboxes.pause() } else { Duration::ZERO };
        Polled {
            events: answer.events,
            cursor: answer.cursor,
            resync: answer.resync,
            more: answer.more,
            tally: answer.tally,
            pause,
            receipt: Receipt::new(self.attendance, answer.upto, answer.resync),
        }
    }
}
