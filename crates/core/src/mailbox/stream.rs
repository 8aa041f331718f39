//! A stream: a reader that stays, and is given each event with a cursor of its own.
//!
//! It differs from a loop of polls in one thing: what it was given stays unconfirmed until its client confirms it, and is
//! not given again meanwhile. The mailbox, its window and its cursors are the same, so a client may change from one to
//! the other at any event.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pollgate_model::{Cursor, Mailbox, Marks, Timestamp};
use tokio::time::Instant;

use super::Mailboxes;
use super::answer::Asked;
use super::attended::{ResyncReason, State};
use super::poll::{PollCursor, PollRequest};
use super::reading::{Look, Reached, Reading};
use crate::CoreError;
use crate::trace::Fresh;

/// Most events given at once.
const PORTION: usize = 64;
/// And most bytes, but for one that is larger: what a slow client takes in reasonable time.
const PORTION_BYTES: usize = 128 << 10;

/// What a stream asks for.
#[derive(Clone, Debug)]
pub struct StreamRequest {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// What its client had last; `None`: the start of a loop.
    pub cursor: Option<Cursor>,
    /// Its user wants to hear who comes online and goes offline.
    pub presence: bool,
    /// How long nothing may come because the broker is away; then the stream fails.
    pub patience: Duration,
}

/// An event, and the cursor that confirms it and all before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// The event as JSON.
    pub event: Bytes,
    /// What to send back to confirm it.
    pub cursor: Cursor,
}

/// What a stream is given at once.
#[derive(Debug, Default)]
pub struct Portion {
    /// Events may have been missed. Comes before the events; its cursor says that the client has heard.
    pub resync: Option<Cursor>,
    /// Oldest first.
    pub events: Vec<Streamed>,
    /// Why they may have been missed.
    pub(crate) reason: Option<ResyncReason>,
    /// Those that were in no answer here before.
    pub(crate) fresh: Vec<Fresh>,
}

impl Portion {
    /// These.
    #[must_use]
    pub const fn new(resync: Option<Cursor>, events: Vec<Streamed>) -> Self {
        Self { resync, events, reason: None, fresh: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.resync.is_none() && self.events.is_empty()
    }
}

/// What came of waiting.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment, on one stack")]
pub enum Next {
    /// Something to give.
    News(Portion),
    /// Nothing for that long.
    Quiet,
    /// The gateway stops: the client should come back after this time.
    Drained(Duration),
}

/// What is unconfirmed of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// So many events.
    pub events: u64,
    /// Since when the mailbox may hand over no more until some are confirmed.
    pub full: Option<Instant>,
    /// Since when none was confirmed.
    pub since: Instant,
}

/// What a stream was given.
#[derive(Default)]
pub(super) struct Given {
    /// The attachment that the place belongs to.
    incarnation: u32,
    /// The last place given.
    upto: u64,
    /// The place up to which everything was confirmed when it was last looked at.
    confirmed: u64,
    unconfirmed: Option<Unconfirmed>,
    /// The last events given.
    marks: Marks,
    told: Option<ResyncReason>,
    /// The gateway drains: then it ends.
    pub(super) ends_at: Option<Instant>,
    /// Nothing can come since then: the broker is away.
    away_since: Option<Instant>,
    /// How long that is borne.
    patience: Duration,
}

impl Given {
    /// The broker did not answer; until when that is borne, which waiting anew does not put off.
    pub(super) fn away(&mut self, now: Instant) -> Instant {
        *self.away_since.get_or_insert(now) + self.patience
    }

    /// What there is to give now.
    pub(super) fn decide(
        &mut self,
        state: &mut State,
        mailboxes: &Mailboxes,
        asked: &Asked<'_>,
        deadline: Instant,
    ) -> Look {
        self.away_since = None;
        if self.incarnation != state.incarnation {
            // places mean nothing any more; what was given and not confirmed comes again
            (self.incarnation, self.upto, self.confirmed) = (state.incarnation, 0, 0);
        }
        self.upto = self.upto.max(state.window.confirmed());
        if state.resync.is_none() {
            self.told = None;
        }
        let mut portion = Portion::default();
        if state.resync.is_some() && state.resync != self.told {
            self.told = state.resync;
            portion.reason = state.resync;
            portion.resync = Some(state.cursor(mailboxes, asked, self.upto, self.marks));
        }
        self.take(state, mailboxes, asked, &mut portion);
        let now = Instant::now();
        self.note_unconfirmed(state, usize::from(mailboxes.settings.prefetch), now);
        if portion.is_empty() && now < deadline {
            return Look::Wait(state.main.at().map_or(deadline, |at| deadline.min(at)));
        }
        Look::Portion(portion)
    }

    fn take(&mut self, state: &mut State, mailboxes: &Mailboxes, asked: &Asked<'_>, portion: &mut Portion) {
        let mut bytes = 0;
        let most = mailboxes.settings.answer_bytes.min(PORTION_BYTES);
        while portion.events.len() < PORTION && bytes < most {
            let Some(one) = state.window.one(self.upto) else { return };
            bytes += one.event.len();
            self.upto = one.position;
            self.marks.push(one.id);
            portion.fresh.extend(one.fresh);
            let cursor = state.cursor(mailboxes, asked, one.position, self.marks);
            portion.events.push(Streamed { event: one.event, cursor });
        }
    }

    fn note_unconfirmed(&mut self, state: &State, prefetch: usize, now: Instant) {
        let confirmed = state.window.confirmed();
        let events = self.upto - confirmed;
        let progress = confirmed > self.confirmed;
        self.confirmed = confirmed;
        let before = self.unconfirmed.filter(|_| !progress);
        let full = (state.window.len() >= prefetch).then(|| before.and_then(|one| one.full).unwrap_or(now));
        let since = before.map_or(now, |before| before.since);
        self.unconfirmed = (events > 0).then_some(Unconfirmed { events, full, since });
    }
}

/// See the module's text. It attends its mailbox until it is dropped.
pub(crate) struct MailboxStream {
    reading: Reading,
    /// What it came upon when it began.
    first: Option<Next>,
}

impl Mailboxes {
    /// Begins a stream. Its mailbox is there when this is done: nothing published from then on misses it.
    ///
    /// # Errors
    /// No seat, too many mailboxes, or the broker is away.
    pub(crate) async fn stream(self: &Arc<Self>, request: StreamRequest) -> Result<MailboxStream, CoreError> {
        let StreamRequest { mailbox, cursor, presence, patience } = request;
        let cursor = cursor.map_or(PollCursor::Start, PollCursor::At);
        let request = PollRequest { mailbox, cursor, limit: PORTION, wait: Duration::ZERO, presence };
        let mut reading = Reading::begin(self, request).await?;
        // whoever comes while the gateway drains is told at once to go elsewhere
        let ends_at = reading.draining.then(Instant::now);
        reading.given = Some(Given { ends_at, patience, ..Given::default() });
        let mut stream = MailboxStream { reading, first: None };
        let first = stream.next(Duration::ZERO).await?;
        let is_up = stream.reading.attendance.attended.lock().link.is_up();
        if matches!(first, Next::Quiet) && !is_up {
            return Err(CoreError::BrokerUnavailable("no stream can begin while it is away".into()));
        }
        stream.first = Some(first);
        Ok(stream)
    }
}

impl MailboxStream {
    /// Waits for something to give, so long at most.
    ///
    /// Cancel safe: dropped while it waits, it has taken nothing.
    ///
    /// # Errors
    /// Another reader has the mailbox now, or the broker was away for the whole time.
    pub(crate) async fn next(&mut self, wait: Duration) -> Result<Next, CoreError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let now = Instant::now();
        self.look_around(wait, now);
        let ends_at = self.reading.given.as_ref().and_then(|given| given.ends_at);
        self.reading.deadline = ends_at.map_or(now + wait, |at| at.min(now + wait));
        let portion = match self.reading.reach().await? {
            Reached::Portion(portion) => portion,
            Reached::Answer(_) | Reached::Nothing => Portion::default(),
        };
        self.stand_here();
        if !portion.is_empty() {
            return Ok(Next::News(portion));
        }
        let ends_at = self.reading.given.as_ref().and_then(|given| given.ends_at);
        match ends_at {
            Some(at) if at <= Instant::now() => Ok(Next::Drained(self.reading.attendance.mailboxes.pause())),
            _ => Ok(Next::Quiet),
        }
    }

    /// What the polls of a loop would see to each time.
    fn look_around(&mut self, wait: Duration, now: Instant) {
        let Reading { attendance, request, asked_at, .. } = &mut self.reading;
        let (mailboxes, user) = (&attendance.mailboxes, &request.mailbox.user);
        let before = std::mem::replace(asked_at, Timestamp::now());
        if let Some(why) = mailboxes.missed.since(&request.mailbox, (before, true), *asked_at) {
            attendance.attended.lock().resync = Some(why);
        }
        if request.presence {
            mailboxes.roll.asked(user, now + wait + mailboxes.settings.linger, now);
        }
    }

    /// From here on the stream stands where it is now: should its consumer be lost, the next one is found out about as if
    /// the client had polled with a cursor of this moment. It confirms nothing that was not confirmed.
    fn stand_here(&mut self) {
        let Reading { attendance, request, asked_at, .. } = &mut self.reading;
        let state = attendance.attended.lock();
        let had = match request.cursor {
            PollCursor::At(cursor) => cursor.had,
            PollCursor::Start | PollCursor::Simple => Marks::default(),
        };
        let asked = Asked { mailbox: &request.mailbox, at: *asked_at };
        let here = state.cursor(&attendance.mailboxes, &asked, state.window.confirmed(), had);
        request.cursor = PollCursor::At(Cursor { resync: false, ..here });
    }

    /// Confirms everything up to this cursor: at once when it is one of this stream's, otherwise when the stream is next
    /// waited for. One that is older than what was confirmed changes nothing.
    pub(crate) fn confirm(&mut self, cursor: Cursor) {
        let Reading { attendance, request, applied, .. } = &mut self.reading;
        let mut state = attendance.attended.lock();
        let ours = cursor.instance == attendance.mailboxes.instance
            && cursor.incarnation == state.incarnation
            && attendance.generation == Some(state.generation);
        if !ours {
            request.cursor = PollCursor::At(cursor);
            *applied = None;
            return;
        }
        if cursor.resync {
            state.resync = None;
        }
        let done = state.window.confirm(cursor.position);
        let acks = state.acks(&done);
        drop(state);
        acks.send();
    }

    /// What is unconfirmed of what was given.
    pub(crate) fn unconfirmed(&self) -> Option<Unconfirmed> {
        if self.first.is_some() {
            return None; // it was taken from the mailbox, and not yet from us
        }
        self.reading.given.as_ref()?.unconfirmed
    }
}
