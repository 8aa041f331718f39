//! Reading a mailbox: attach, confirm, and wait until there is something to give or the time is up. What a poll is held
//! with, and what a stream does again and again.

use std::sync::Arc;
use std::time::Duration;

use pollgate_broker::BrokerError;
use pollgate_model::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, Asked};
use super::attach::Attach;
use super::attendance::Attendance;
use super::attended::{Acks, Attended, MainLink, Phase, ResyncReason, State};
use super::inherit::{self, Main};
use super::poll::{PollCursor, PollRequest};
use super::stream::{Given, Portion};
use super::{Mailboxes, attach};
use crate::CoreError;

/// How often a poll without a cursor asks again for a mailbox that a cursor loop elsewhere has.
const OCCUPIED: Duration = Duration::from_secs(1);

/// What a look at the mailbox found.
pub(super) enum Look {
    Answer(Answer),
    Portion(Portion),
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

/// What reading came to.
pub(super) enum Reached {
    /// There is something to give, or the time is up.
    Answer(Answer),
    /// The same, for a stream.
    Portion(Portion),
    /// Nothing can come here.
    Nothing,
}

/// A reader of a mailbox.
pub(super) struct Reading {
    pub(super) attendance: Attendance,
    pub(super) request: PollRequest,
    /// When it was asked; a cursor says so.
    pub(super) asked_at: Timestamp,
    /// The epoch in which the cursor was applied; a new consumer needs it again.
    pub(super) applied: Option<u64>,
    pub(super) deadline: Instant,
    /// The gateway drains, and the reader knows.
    pub(super) draining: bool,
    /// What a stream has given; a poll gives once, and has none of it.
    pub(super) given: Option<Given>,
}

impl Reading {
    /// Begins to attend the mailbox that is asked for.
    pub(super) async fn begin(mailboxes: &Arc<Mailboxes>, request: PollRequest) -> Result<Self, CoreError> {
        let mut seat = mailboxes.seats.take(&request.mailbox.user)?;
        let attendance = loop {
            let attended = mailboxes.find_or_make(&request.mailbox)?;
            match Attendance::begin(mailboxes, &attended, seat, request.cursor) {
                Ok(attendance) => break attendance,
                Err(unused) => seat = unused,
            }
            attended.closed().await;
        };
        Ok(Self {
            attendance,
            request,
            asked_at: Timestamp::now(),
            applied: None,
            deadline: Instant::now(),
            draining: mailboxes.is_draining(),
            given: None,
        })
    }

    /// Waits until there is something to give, the time is up, or the gateway drains.
    ///
    /// Cancel safe: dropped while it waits, it has taken nothing.
    pub(super) async fn reach(&mut self) -> Result<Reached, CoreError> {
        let mailboxes = self.attendance.mailboxes.clone();
        loop {
            let attended = self.attendance.attended.clone();
            let mut changed = std::pin::pin!(attended.changed.notified());
            changed.as_mut().enable(); // registered before the look: nothing slips in between
            if !self.draining && mailboxes.is_draining() {
                self.draining = true;
                self.end_soon();
            }
            let Seen { look, acks, ended, main, behind } = self.look(&attended);
            acks.send();
            if let Some(main) = ended {
                let work = inherit::finish(mailboxes.clone(), attended.clone(), main);
                drop(mailboxes.tasks.job(work));
            }
            if let Some(pause) = main {
                drop(mailboxes.tasks.job(inherit::see_to_main(
                    mailboxes.clone(),
                    attended.clone(),
                    pause,
                    false,
                )));
            }
            if behind {
                drop(mailboxes.tasks.job(attach::look_behind(mailboxes.clone(), attended.clone())));
            }
            let until = match look {
                Look::Answer(answer) => return Ok(Reached::Answer(answer)),
                Look::Portion(portion) => return Ok(Reached::Portion(portion)),
                Look::Superseded => return Err(CoreError::Superseded),
                Look::Attach => {
                    // boxed: a poll that is held need not have room for it
                    let work =
                        Box::pin(attach::attach(mailboxes.clone(), attended.clone(), self.request.cursor));
                    // an error, also while draining: a cursor says that there was a mailbox
                    let outcome = self.with_broker(work).await?;
                    if outcome.is_none() && self.given.is_some() && Instant::now() >= self.deadline {
                        // the broker is away, and a stream has more patience than one wait
                        return Ok(Reached::Nothing);
                    }
                    if outcome == Some(Attach::Occupied) {
                        if Instant::now() >= self.deadline || self.draining {
                            return Ok(Reached::Nothing);
                        }
                        self.wait_for_place().await;
                    }
                    continue;
                }
                Look::Advance => {
                    self.with_broker(Box::pin(inherit::advance(mailboxes.clone(), attended.clone()))).await?;
                    continue;
                }
                Look::Closed => return Ok(Reached::Nothing),
                Look::Wait(until) => until,
            };
            let _arrived_or_late = timeout_at(until, changed).await;
        }
    }

    /// The gateway drains: the hold ends some time within what the drain may take.
    fn end_soon(&mut self) {
        let Mailboxes { settings, dice, .. } = &*self.attendance.mailboxes;
        let now = Instant::now();
        let Some(given) = &mut self.given else {
            let left = self.deadline.saturating_duration_since(now);
            let spread = (settings.hold / 2).min(settings.drain).min(left);
            self.deadline = now + spread.mul_f64(dice.part());
            return;
        };
        let ends_at = now + settings.drain.mul_f64(dice.part());
        given.ends_at = Some(ends_at);
        self.deadline = self.deadline.min(ends_at);
    }

    /// Runs a job on the broker. While the broker is away, waits and lets the caller look again, until the hold ends, or a
    /// stream's patience.
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
        let now = Instant::now();
        let deadline = match &mut self.given {
            Some(given) => given.away(now),
            None => self.deadline,
        };
        if now >= deadline {
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
            let _late = timeout_at(self.deadline.min(deadline), changed).await;
            if Instant::now() >= deadline {
                return Err(error.into());
            }
        }
    }

    /// Waits before the next attempt at a mailbox that a cursor loop elsewhere has.
    async fn wait_for_place(&self) {
        let changed = self.attendance.attended.changed.notified();
        let _early = timeout_at(self.deadline.min(Instant::now() + OCCUPIED), changed).await;
    }

    /// Looks whether there is something to answer. Short, under the lock; what is to be acked is acked after it.
    fn look(&mut self, attended: &Attended) -> Seen {
        let mut state = attended.lock();
        if self.attendance.generation.is_some_and(|mine| state.generation != mine) {
            return Seen::only(Look::Superseded);
        }
        if state.phase != Phase::Open {
            let look = if self.attendance.generation.is_some() { Look::Superseded } else { Look::Closed };
            return Seen::only(look);
        }
        if !state.link.is_up() || state.must_claim(self.request.cursor, self.attendance.mailboxes.instance) {
            return Seen::only(Look::Attach);
        }
        state.notice_restart(&self.attendance.mailboxes, &self.request.mailbox.user);
        let mut done = std::mem::take(&mut state.doubles);
        if self.applied != Some(state.epoch) {
            self.applied = Some(state.epoch);
            let (mailboxes, mailbox) = (&self.attendance.mailboxes, &self.request.mailbox);
            match self.request.cursor {
                PollCursor::At(cursor) => {
                    done.extend(state.apply(&cursor, mailboxes, &Asked { mailbox, at: self.asked_at }))
                }
                PollCursor::Start if mailboxes.missed.moves.may_have_missed(&mailbox.user) => {
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
        let behind = state.is_to_look_behind(usize::from(self.attendance.mailboxes.settings.prefetch));
        let look = self.decide(&mut state);
        drop(state);
        Seen { look, acks, ended, main, behind }
    }

    fn decide(&mut self, state: &mut State) -> Look {
        let now = Instant::now();
        if state.link.main.as_ref().is_some_and(|m| !m.drained) && !state.window.has_main() {
            return Look::Advance;
        }
        if let Some(until) = state.wait_for_burst(now) {
            return Look::Wait(until);
        }
        if let Some(given) = &mut self.given {
            let asked = Asked { mailbox: &self.request.mailbox, at: self.asked_at };
            return given.decide(state, &self.attendance.mailboxes, &asked, self.deadline);
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
}
