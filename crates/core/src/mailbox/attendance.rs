//! A poll's hold on a mailbox, from its start until its answer is written or lost.

use std::sync::Arc;

use tokio::time::Instant;

use super::Mailboxes;
use super::attended::{Acks, Attended, Phase, ResyncReason, SimpleReader};
use super::poll::PollCursor;
use super::seats::Seat;

/// A poll's hold on a mailbox: the only thing that marks a mailbox as attended. Dropping it, whatever the reason,
/// restarts the idle clock.
pub(super) struct Attendance {
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) attended: Arc<Attended>,
    _seat: Seat,
    /// This cursor poll's number; a higher one has superseded it.
    pub(super) generation: Option<u64>,
    /// This simple poll's number among the readers.
    pub(super) reader: Option<u64>,
}

impl std::fmt::Debug for Attendance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attendance({})", self.attended.mailbox)
    }
}

impl Attendance {
    /// `None`: the mailbox is being let go.
    pub(super) fn begin(
        mailboxes: &Arc<Mailboxes>,
        attended: &Arc<Attended>,
        seat: Seat,
        cursor: PollCursor,
    ) -> Result<Self, Seat> {
        let mut state = attended.lock();
        if state.phase != Phase::Open {
            return Err(seat);
        }
        state.held += 1;
        let (mut generation, mut reader) = (None, None);
        if cursor == PollCursor::Simple {
            let (id, from) = (state.next_reader, state.simple_start());
            state.next_reader += 1;
            state.readers.push(SimpleReader { id, from, answered: None });
            reader = Some(id);
        } else {
            state.generation += 1;
            state.cursor_polls += 1;
            generation = Some(state.generation);
        }
        let supersedes = state.cursor_polls > 1;
        drop(state);
        if supersedes {
            attended.changed.notify_waiters();
        }
        Ok(Self { mailboxes: mailboxes.clone(), attended: attended.clone(), _seat: seat, generation, reader })
    }

    fn wrote(&mut self, upto: u64, told: Option<ResyncReason>) {
        let Some(reader) = self.reader.take() else { return };
        let mut state = self.attended.lock();
        state.readers.retain(|r| r.id != reader);
        if !state.is_cursors(Instant::now()) {
            state.written = state.written.max(upto);
            // what came up while the answer was on its way is still to be told
            state.resync = state.resync.filter(|now| Some(*now) != told);
        }
        state.shown = state.shown.max(upto);
        let acks = state.confirm_written();
        drop(state);
        acks.send();
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.attended.lock();
        let mut acks = Acks::default();
        let mut lost = false;
        if let Some(at) = self.reader.take().and_then(|id| state.readers.iter().position(|r| r.id == id)) {
            let reader = state.readers.swap_remove(at);
            lost = reader.answered.is_some();
            if lost {
                state.answer_lost(reader.from);
            }
            acks = state.confirm_written(); // what the others had may have waited for this one
        }
        if self.generation.is_some() {
            state.cursor_polls -= 1;
            state.cursor_until = Some(now + self.mailboxes.settings.linger);
        }
        state.held -= 1;
        if state.held == 0 {
            state.idle_since = now;
        }
        let shared = state.held == 0 && state.shared_until.is_some_and(|until| now < until);
        let sweep = state.held == 0 && !std::mem::replace(&mut state.queued, true);
        drop(state);
        acks.send();
        if lost {
            self.attended.changed.notify_waiters();
        }
        if shared {
            self.mailboxes.release_soon(self.attended.clone());
        }
        if sweep {
            self.mailboxes.sweep_later(self.attended.clone(), now);
        }
    }
}

/// What becomes of an answer.
///
/// A poll without a cursor confirms when its answer was written; dropped before that, it has confirmed nothing. For a
/// cursor poll it does nothing: only the next cursor proves anything.
#[derive(Debug)]
pub struct Receipt {
    attendance: Attendance,
    upto: u64,
    told: Option<ResyncReason>,
}

impl Receipt {
    /// For an answer up to this position.
    pub(super) const fn new(attendance: Attendance, upto: u64, told: Option<ResyncReason>) -> Self {
        Self { attendance, upto, told }
    }

    /// The answer was written to the socket.
    pub fn written(mut self) {
        self.attendance.wrote(self.upto, self.told);
    }
}
