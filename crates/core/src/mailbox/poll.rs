//! One poll: attach, confirm, hold, answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pollgate_broker::BrokerError;
use pollgate_model::{Cursor, EventId, Mailbox, Timestamp};
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, Asked};
use super::attach::Attach;
use super::attendance::{Attendance, Receipt};
use super::attended::{Acks, MainLink, Phase, ResyncReason, State};
use super::inherit::{self, Main};
use super::{Mailboxes, attach};
use crate::CoreError;

/// How often a poll without a cursor asks again for a mailbox that a cursor loop elsewhere has.
const OCCUPIED: Duration = Duration::from_secs(1);

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
    /// Events that were in no answer before, as far as can be known here.
    pub fresh: Vec<EventId>,
    /// Events stayed behind because the answer had as many bytes as it may.
    pub cut: bool,
}

/// What a look at the mailbox found.
#[expect(clippy::large_enum_variant, reason = "it lives for a moment, on one stack")]
enum Look {
    Answer(Answer),
    Wait(Instant),
    Attach,
    Advance,
    Superseded,
    /// Another gateway has taken the mailbox over.
    Closed,
}

/// A look, and what is to be done about it outside of the lock.
struct Seen {
    look: Look,
    acks: Acks,
    ended: Option<MainLink>,
    /// The main mailbox is to be looked at again, after this pause.
    main: Option<Duration>,
    /// The mailbox behind a full window is to be looked at.
    behind: bool,
}

impl Seen {
    /// Nothing but what to do next.
    fn only(look: Look) -> Self {
        Self { look, acks: Acks::default(), ended: None, main: None, behind: false }
    }
}

/// A poll under way.
struct Poll {
    attendance: Attendance,
    request: PollRequest,
    /// When it began; its answer's cursor says so.
    asked_at: Timestamp,
    /// The epoch in which the cursor was applied; a new consumer needs it again.
    applied: Option<u64>,
    deadline: Instant,
}

impl Mailboxes {
    /// Events at hand, or the first to arrive within the hold; none: an empty answer.
    ///
    /// Cancel safe: dropped while it waits, it has taken nothing.
    ///
    /// # Errors
    /// Superseded by another cursor poll, no seat, or the broker was away for the whole hold.
    pub async fn poll(self: &Arc<Self>, request: PollRequest) -> Result<Polled, CoreError> {
        let attendance = self.enter(&request).await?;
        let mut draining = self.is_draining();
        // whoever comes while we drain is told at once to go elsewhere, with what is at hand
        let wait = if draining { Duration::ZERO } else { self.hold_of(request.wait) };
        let mut poll = Poll {
            attendance,
            request,
            asked_at: Timestamp::now(),
            applied: None,
            deadline: Instant::now() + wait,
        };
        loop {
            let attended = poll.attendance.attended.clone();
            let mut changed = std::pin::pin!(attended.changed.notified());
            changed.as_mut().enable(); // registered before the look: nothing slips in between
            if !draining && self.is_draining() {
                draining = true;
                poll.end_soon();
            }
            let Seen { look, acks, ended, main, behind } = poll.look();
            acks.send();
            if let Some(main) = ended {
                let work = inherit::finish(self.clone(), attended.clone(), main);
                drop(self.tasks.job(work));
            }
            if let Some(pause) = main {
                drop(self.tasks.job(inherit::see_to_main(self.clone(), attended.clone(), pause, false)));
            }
            if behind {
                drop(self.tasks.job(attach::look_behind(self.clone(), attended.clone())));
            }
            let until = match look {
                Look::Answer(answer) => return Ok(poll.answered(answer, draining)),
                Look::Superseded => return Err(CoreError::Superseded),
                Look::Attach => {
                    // boxed: a poll that is held need not have room for it
                    let work = Box::pin(attach::attach(self.clone(), attended.clone(), poll.request.cursor));
                    // an error, also while draining: a cursor says that there was a mailbox
                    if poll.with_broker(work).await? == Some(Attach::Occupied) {
                        if Instant::now() >= poll.deadline || draining {
                            return Ok(poll.nothing(draining));
                        }
                        poll.wait_for_place().await;
                    }
                    continue;
                }
                Look::Advance => {
                    poll.with_broker(Box::pin(inherit::advance(self.clone(), attended.clone()))).await?;
                    continue;
                }
                Look::Closed => return Ok(poll.nothing(draining)),
                Look::Wait(until) => until,
            };
            let _arrived_or_late = timeout_at(until, changed).await;
        }
    }

    /// The hold asked for, within bounds, less some jitter.
    fn hold_of(&self, wait: Duration) -> Duration {
        let less = f64::from(self.settings.jitter_percent) / 100.0 * self.dice.part();
        wait.min(self.settings.hold).mul_f64((1.0 - less).clamp(0.0, 1.0))
    }

    async fn enter(self: &Arc<Self>, request: &PollRequest) -> Result<Attendance, CoreError> {
        let mut seat = self.seats.take(&request.mailbox.user)?;
        loop {
            let attended = self.find_or_make(&request.mailbox)?;
            if request.presence {
                let now = Instant::now();
                let until = now + self.settings.hold + self.settings.linger;
                self.roll.asked(&request.mailbox.user, until, now);
            }
            match Attendance::begin(self, &attended, seat, request.cursor) {
                Ok(attendance) => return Ok(attendance),
                Err(unused) => seat = unused,
            }
            attended.closed().await;
        }
    }
}

impl Poll {
    /// The gateway drains: the hold ends some time within what the drain may take.
    fn end_soon(&mut self) {
        let Mailboxes { settings, dice, .. } = &*self.attendance.mailboxes;
        let left = self.deadline.saturating_duration_since(Instant::now());
        let spread = (settings.hold / 2).min(settings.drain).min(left);
        self.deadline = Instant::now() + spread.mul_f64(dice.part());
    }

    /// Runs a job on the broker. While the broker is away, waits and lets the caller look again, until the hold ends.
    async fn with_broker<T: Send + 'static>(
        &mut self,
        work: impl Future<Output = Result<T, BrokerError>> + Send + 'static,
    ) -> Result<Option<T>, CoreError> {
        let mailboxes = self.attendance.mailboxes.clone();
        let outcome = mailboxes.tasks.job(work).await;
        let error = match outcome {
            Ok(Ok(done)) => return Ok(Some(done)),
            Ok(Err(error)) => error,
            Err(failed) => return Err(CoreError::Internal(failed.to_string())),
        };
        if Instant::now() >= self.deadline {
            return Err(error.into());
        }
        let pause = mailboxes.dice.ms(50, 250);
        tokio::time::sleep_until(self.deadline.min(Instant::now() + pause)).await;
        loop {
            let mut changed = std::pin::pin!(self.attendance.attended.changed.notified());
            changed.as_mut().enable();
            // up again, or the end of the hold: the next look says which
            if mailboxes.cluster_of(&self.request.mailbox.user).state().up
                || mailboxes.is_draining()
                || Instant::now() >= self.deadline
            {
                return Ok(None);
            }
            let _late = timeout_at(self.deadline, changed).await;
        }
    }

    /// Waits before the next attempt at a mailbox that a cursor loop elsewhere has.
    async fn wait_for_place(&self) {
        let changed = self.attendance.attended.changed.notified();
        let _early = timeout_at(self.deadline.min(Instant::now() + OCCUPIED), changed).await;
    }

    /// Looks whether there is something to answer. Short, under the lock; what is to be acked is acked after it.
    fn look(&mut self) -> Seen {
        let attendance = &self.attendance;
        let mut state = attendance.attended.lock();
        if attendance.generation.is_some_and(|mine| state.generation != mine) {
            return Seen::only(Look::Superseded);
        }
        if state.phase != Phase::Open {
            let look = if attendance.generation.is_some() { Look::Superseded } else { Look::Closed };
            return Seen::only(look);
        }
        if !state.link.is_up() || state.must_claim(self.request.cursor, attendance.mailboxes.instance) {
            return Seen::only(Look::Attach);
        }
        state.notice_restart(&attendance.mailboxes, &self.request.mailbox.user);
        let mut done = std::mem::take(&mut state.doubles);
        if self.applied != Some(state.epoch) {
            self.applied = Some(state.epoch);
            let (mailboxes, mailbox) = (&attendance.mailboxes, &self.request.mailbox);
            match self.request.cursor {
                PollCursor::At(cursor) => {
                    done.extend(state.apply(&cursor, mailboxes, &Asked { mailbox, at: self.asked_at }))
                }
                PollCursor::Start if mailboxes.moves.may_have_missed(&mailbox.user) => {
                    state.resync = Some(ResyncReason::Moved);
                }
                PollCursor::Start | PollCursor::Simple => {}
            }
        }
        let acks = state.acks(&done);
        let ended = state.ended_take_over();
        let main = state.main.due(Instant::now()).filter(|_due| state.link.own.is_some());
        if main.is_some() {
            state.main = Main::InHand;
        }
        let behind = state.is_to_look_behind(usize::from(attendance.mailboxes.settings.prefetch));
        let look = self.decide(&mut state);
        drop(state);
        Seen { look, acks, ended, main, behind }
    }

    fn decide(&self, state: &mut State) -> Look {
        let now = Instant::now();
        if state.link.main.as_ref().is_some_and(|m| !m.drained) && !state.window.has_main() {
            return Look::Advance;
        }
        if let Some(until) = state.wait_for_burst(now) {
            return Look::Wait(until);
        }
        let from = match self.attendance.reader {
            Some(id) => state.readers.iter().find(|r| r.id == id).map_or(0, |r| r.from),
            None => state.window.confirmed(),
        };
        if state.window.has_past(from) || state.resync.is_some() || now >= self.deadline {
            let answer = state.answer(&self.request, from, &self.attendance.mailboxes, self.asked_at);
            let reader = state.readers.iter_mut().find(|r| Some(r.id) == self.attendance.reader);
            if let (Some(reader), false) = (reader, answer.events.is_empty()) {
                reader.answered = Some(answer.upto);
            }
            return Look::Answer(answer);
        }
        Look::Wait(state.main.at().map_or(self.deadline, |at| self.deadline.min(at)))
    }

    /// An answer without events, that confirms nothing and is confirmed by nothing.
    fn nothing(self, draining: bool) -> Polled {
        let mut state = self.attendance.attended.lock();
        let none = PollRequest { limit: 0, ..self.request.clone() };
        let from = state.window.confirmed();
        let answer = state.answer(&none, from, &self.attendance.mailboxes, self.asked_at);
        drop(state);
        self.answered(answer, draining)
    }

    fn answered(self, answer: Answer, draining: bool) -> Polled {
        let pause = match draining {
            // long enough to be elsewhere by then, uneven so that not all come back at once
            true => self.attendance.mailboxes.dice.ms(250, 1500),
            false => Duration::ZERO,
        };
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
