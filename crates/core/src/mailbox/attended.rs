//! One mailbox that this gateway attends: its window, its readers, and its consumers on the broker.
//!
//! Locking: `state` is a short std lock. The broker is never called under it (an ack may deliver at once, and a
//! delivery takes this lock); what is to be acked is returned and acked after the lock is gone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_broker::{Consumer, Delivery, Detached, Inbox};
use pollgate_model::{Cursor, EncodedEvent, Mailbox};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::warn;

use super::inherit::Main;
use super::window::{Done, Source, Window};

/// Why a client must look at the history again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResyncReason {
    /// The mailbox had vanished, with what was in it.
    Gone,
    /// The mailbox was full: the oldest events were dropped.
    Overflowed,
    /// The client was away for longer than events wait.
    Expired,
    /// The broker lost what it did not have to keep.
    BrokerRestarted,
    /// The user's place is on another cluster now; what waited in the old place stays there.
    Moved,
}

/// Where a mailbox is in its life here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Closing,
    Closed,
}

/// The take-over of the main mailbox by a session.
pub(super) struct MainLink {
    pub(super) consumer: Arc<dyn Consumer>,
    /// Nothing waited behind what was taken.
    pub(super) drained: bool,
    /// All of it was older than the own mailbox: what is published from then on stands in both.
    pub(super) older: bool,
}

/// The consumers of an attended mailbox.
#[derive(Default)]
pub(super) struct Link {
    pub(super) own: Option<Arc<dyn Consumer>>,
    pub(super) main: Option<MainLink>,
}

impl Link {
    /// Deliveries come, or what the main mailbox held is being answered.
    pub(super) fn is_up(&self) -> bool {
        self.own.is_some() || self.main.as_ref().is_some_and(|main| !main.drained)
    }

    fn consumer(&self, source: Source) -> Option<&Arc<dyn Consumer>> {
        match source {
            Source::Own => self.own.as_ref(),
            Source::Main => self.main.as_ref().map(|m| &m.consumer),
            Source::Void => None,
        }
    }
}

/// A poll without a cursor that waits for events past `from`.
pub(super) struct SimpleReader {
    pub(super) id: u64,
    pub(super) from: u64,
    /// Up to where it was answered, until that answer is written or lost.
    pub(super) answered: Option<u64>,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) window: Window,
    /// Names the window's positions in cursors; another number after a loss.
    pub(super) incarnation: u32,
    /// Tells the deliveries of the present consumer from those of one that is gone.
    pub(super) epoch: u64,
    pub(super) link: Link,
    pub(super) main: Main,
    pub(super) phase: Phase,
    /// The broker's transient state this was attached on.
    pub(super) broker: u32,
    /// The mailbox had to be made when it was attached.
    pub(super) made: bool,
    pub(super) resync: Option<ResyncReason>,
    /// The consumer ended because the mailbox vanished; what the window holds is still good.
    pub(super) gone: bool,
    /// The attachment elsewhere (instance, incarnation) whose cursor this one was made for: it has let go, or has
    /// been asked in vain.
    pub(super) claimed: Option<(u64, u32)>,
    /// Nobody else consumes the mailbox, as far as is known here.
    pub(super) sole: bool,
    /// Until then another gateway reads this mailbox too, so it is let go soon after its last poll.
    pub(super) shared_until: Option<Instant>,
    /// Deliveries that were had already, or are no events, to be acked at the next occasion.
    pub(super) doubles: Vec<Done>,
    /// Until then, or until `expected` events are here, answers wait for the first burst of a new consumer.
    pub(super) burst_until: Option<Instant>,
    pub(super) expected: u64,
    /// Deliveries since it was attached.
    pub(super) arrived: u64,
    pub(super) generation: u64,
    pub(super) cursor_polls: usize,
    pub(super) cursor_until: Option<Instant>,
    pub(super) readers: Vec<SimpleReader>,
    pub(super) next_reader: u64,
    pub(super) written: u64,
    /// Up to where simple polls were answered, also beside a cursor loop, where that confirms nothing: the next one
    /// starts behind it instead of being answered the same at once.
    pub(super) shown: u64,
    /// When the mailbox's depth was looked at because the window was full.
    pub(super) depth_at: Option<Instant>,
    pub(super) held: usize,
    pub(super) idle_since: Instant,
    /// It stands in the sweeper's queue.
    pub(super) queued: bool,
}

/// See the module's text.
pub(crate) struct Attended {
    pub(super) mailbox: Mailbox,
    /// It was noted for presence, and its end must be.
    pub(super) on_roll: bool,
    pub(super) state: Mutex<State>,
    /// Something changed that a poll may wait for.
    pub(super) changed: Notify,
    /// One attach at a time.
    pub(super) attaching: tokio::sync::Mutex<()>,
}

/// Acks for after the lock.
#[must_use]
#[derive(Default)]
pub(super) struct Acks(Vec<(Arc<dyn Consumer>, Vec<u64>)>);

impl Acks {
    /// Tells the consumers. Must be called without the state's lock.
    pub(super) fn send(self) {
        for (consumer, tags) in self.0 {
            consumer.ack(&tags);
        }
    }
}

impl State {
    /// Sorts what is done by whom to tell.
    pub(super) fn acks(&self, done: &[Done]) -> Acks {
        let mut acks = Acks::default();
        for source in [Source::Own, Source::Main] {
            let tags: Vec<u64> = done.iter().filter(|d| d.source == source).map(|d| d.tag).collect();
            if let (false, Some(consumer)) = (tags.is_empty(), self.link.consumer(source)) {
                acks.0.push((consumer.clone(), tags));
            }
        }
        acks
    }

    /// A cursor loop has this mailbox, so polls without a cursor confirm nothing.
    pub(super) fn is_cursors(&self, now: Instant) -> bool {
        self.cursor_polls > 0 || self.cursor_until.is_some_and(|until| now < until)
    }

    /// This cursor comes from a gateway that may have the mailbox, and has not been asked for it yet.
    pub(super) fn is_from_elsewhere(&self, cursor: &Cursor, instance: u64) -> bool {
        cursor.instance != instance && self.claimed != Some((cursor.instance, cursor.incarnation))
    }

    /// Until when an answer should wait although events are here: the first burst of a new consumer is still
    /// coming in, and one answer shall drain it.
    pub(super) fn wait_for_burst(&mut self, now: Instant) -> Option<Instant> {
        let until = self.burst_until?;
        if self.arrived >= self.expected || now >= until {
            self.burst_until = None;
            return None;
        }
        Some(until)
    }

    /// As many events as may are unconfirmed here, so more may wait at the broker: it is time to look how many.
    pub(super) fn is_to_look_behind(&mut self, prefetch: usize) -> bool {
        let now = Instant::now();
        let due = self.depth_at.is_none_or(|at| now.duration_since(at) >= BETWEEN_DEPTHS);
        let looks = due && self.link.own.is_some() && self.window.len() >= prefetch;
        if looks {
            self.depth_at = Some(now);
        }
        looks
    }

    /// The take-over of which everything is confirmed, if there is one; its end is a job for after the acks.
    pub(super) fn ended_take_over(&mut self) -> Option<MainLink> {
        let ended = self.link.own.is_some() && !self.window.has_main();
        self.link.main.take_if(|main| ended && main.drained)
    }

    /// Where a new simple poll begins: past what is being written to another one, so that a loop whose next poll is
    /// faster than the news of its last answer gets nothing twice.
    pub(super) fn simple_start(&self) -> u64 {
        let answered = self.readers.iter().filter_map(|reader| reader.answered).max();
        self.window.confirmed().max(answered.unwrap_or(0)).max(self.shown)
    }

    /// A simple poll was answered and the answer is lost: what it held is everybody's again.
    pub(super) fn answer_lost(&mut self, from: u64) {
        self.written = self.written.min(from);
        self.shown = self.shown.min(from);
        let confirmed = self.window.confirmed();
        for other in &mut self.readers {
            other.from = other.from.min(from).max(confirmed);
        }
    }

    /// Confirms what every waiting simple poll has had.
    pub(super) fn confirm_written(&mut self) -> Acks {
        let slowest = self.readers.iter().map(|r| r.from).min().unwrap_or(u64::MAX);
        let done = self.window.confirm(self.written.min(slowest));
        self.acks(&done)
    }

    /// Takes a delivery into the window; what was had by the client elsewhere, and what is no event, is acked with the next
    /// of its kind.
    pub(super) fn take_in(&mut self, delivery: Delivery, source: Source) {
        let done = if EncodedEvent::may_be(&delivery.payload) {
            self.window.arrive(delivery, source)
        } else {
            // handed out, it would break every answer that it stands in, again and again
            warn!(event = %delivery.id, "what is no JSON object stood in a mailbox, dropping it");
            Some(Done { source, tag: delivery.tag })
        };
        self.doubles.extend(done);
    }
}

impl Attended {
    pub(super) fn new(mailbox: Mailbox, on_roll: bool) -> Arc<Self> {
        Arc::new(Self {
            mailbox,
            on_roll,
            state: Mutex::new(State {
                window: Window::default(),
                incarnation: 0,
                epoch: 0,
                link: Link::default(),
                main: Main::Gone,
                phase: Phase::Open,
                broker: 0,
                made: false,
                resync: None,
                gone: false,
                claimed: None,
                sole: false,
                shared_until: None,
                doubles: Vec::new(),
                burst_until: None,
                expected: 0,
                arrived: 0,
                generation: 0,
                cursor_polls: 0,
                cursor_until: None,
                readers: Vec::new(),
                next_reader: 0,
                written: 0,
                shown: 0,
                depth_at: None,
                held: 0,
                idle_since: Instant::now(),
                queued: false,
            }),
            changed: Notify::new(),
            attaching: tokio::sync::Mutex::new(()),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // nothing under this lock leaves the state half-changed, so a panic elsewhere does not spoil it
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of its last poll; now, while one is held.
    pub(super) fn last_polled(&self, now: Instant) -> Instant {
        let state = self.lock();
        if state.held > 0 { now } else { state.idle_since }
    }

    /// Begins to let go if nobody has polled for so long; `false`: somebody has, or it has begun already.
    pub(super) fn close_if_idle(&self, time: Duration) -> bool {
        let mut state = self.lock();
        let idle = state.held == 0 && state.idle_since.elapsed() >= time && state.phase == Phase::Open;
        if idle {
            state.phase = Phase::Closing;
        }
        idle
    }

    /// Waits until the mailbox was let go.
    pub(super) async fn closed(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.lock().phase == Phase::Closed {
                return;
            }
            changed.await;
        }
    }
}

/// Brings the deliveries of one consumer to the mailbox it was made for.
pub(super) struct Entrance {
    pub(super) attended: Arc<Attended>,
    pub(super) epoch: u64,
}

impl Inbox for Entrance {
    fn deliver(&self, delivery: Delivery) {
        let mut state = self.attended.lock();
        if state.epoch != self.epoch {
            return; // of a consumer that is gone: the broker still has it
        }
        state.arrived += 1;
        state.take_in(delivery, Source::Own);
        let wake = state.held > 0;
        drop(state);
        if wake {
            self.attended.changed.notify_waiters();
        }
    }

    fn detached(&self, why: Detached) {
        let mut state = self.attended.lock();
        if state.epoch != self.epoch {
            return;
        }
        state.epoch += 1;
        state.doubles.clear();
        let link = std::mem::take(&mut state.link);
        match why {
            Detached::Lost => {
                state.window.reset();
                state.incarnation = 0;
            }
            Detached::Gone => {
                state.window.detach();
                state.gone = true;
                state.resync = Some(ResyncReason::Gone);
            }
        }
        drop(state);
        drop(link);
        self.attended.changed.notify_waiters();
    }
}

/// How often the depth behind a full window is looked at.
const BETWEEN_DEPTHS: Duration = Duration::from_secs(1);
/// How long two gateways that read one mailbox take it for shared after they found out.
pub(super) const SHARED: Duration = Duration::from_secs(60);
/// How long a shared mailbox stays attended after its last poll: what comes to it here waits in vain meanwhile.
pub(super) const SHARED_LINGER: Duration = Duration::from_millis(100);

/// How long answers wait for the first burst of a new consumer, at most: some round trips to the broker.
pub(super) const BURST: Duration = Duration::from_millis(60);
