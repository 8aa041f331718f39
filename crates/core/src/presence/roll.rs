//! The roll of one gateway: which users have a mailbox that is attended here, what of that the database knows, and what
//! it is to be told next.
//!
//! Rules:
//! - A user is here while a mailbox of theirs is attended, and for `keep` after the end of their last poll. So neither a
//!   reconnect nor a loop that alternates between gateways changes anything.
//! - Who asked to hear of others watches until the time said with the question.
//! - What is written is compared with what is so: many changes of one user between two writes are one, or none.
//!
//! Pure: no I/O, and every clock is the caller's.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_model::UserId;
use pollgate_store::PresenceBatch;
use tokio::time::Instant;

/// How it is with a user, here or in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not here.
    Absent,
    Here {
        watching: bool,
    },
    /// It is being written, or that failed.
    Unknown,
}

#[derive(Debug)]
struct Entry {
    /// Attended here.
    mailboxes: usize,
    /// The end of the last poll at a mailbox that is not attended any more.
    last: Instant,
    watch_until: Option<Instant>,
    /// What the database knows.
    written: Standing,
    /// It stands in the queue of those to be written.
    queued: bool,
    /// When it stands in the agenda.
    due: Option<Instant>,
}

impl Entry {
    fn new(now: Instant) -> Self {
        Self {
            mailboxes: 0,
            last: now,
            watch_until: None,
            written: Standing::Absent,
            queued: false,
            due: None,
        }
    }

    fn standing(&self, now: Instant, keep: Duration) -> Standing {
        if self.mailboxes == 0 && self.last + keep <= now {
            return Standing::Absent;
        }
        Standing::Here { watching: self.watch_until.is_some_and(|until| now < until) }
    }

    /// When that changes by itself.
    fn next(&self, now: Instant, keep: Duration) -> Option<Instant> {
        let leaves = (self.mailboxes == 0).then_some(self.last + keep);
        let next = leaves.into_iter().chain(self.watch_until).filter(|at| *at > now);
        next.min()
    }
}

#[derive(Debug, Default)]
struct State {
    users: HashMap<UserId, Entry>,
    /// To be written, in order; each once.
    queue: VecDeque<UserId>,
    /// When to look at whom; each once at most.
    agenda: BTreeSet<(Instant, UserId)>,
}

/// See the module's text. Bounded: a user who finds no place is not shown as online by this gateway.
#[derive(Debug)]
pub(crate) struct Roll {
    // a std lock: held for one look, never over an await
    state: Mutex<State>,
    keep: Duration,
    most: usize,
    refused: AtomicU64,
}

impl Roll {
    /// Nobody is here. `keep`: how long users stay after their last poll; `most`: users at once.
    pub(crate) fn new(keep: Duration, most: usize) -> Self {
        Self { state: Mutex::default(), keep, most, refused: AtomicU64::new(0) }
    }

    /// A mailbox of this user is attended from now on; `false`: there is no room, and it must not be said to end either.
    pub(crate) fn came(&self, user: &UserId, now: Instant) -> bool {
        let mut state = self.lock();
        if !state.users.contains_key(user) && state.users.len() >= self.most {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        state.users.entry(user.clone()).or_insert_with(|| Entry::new(now)).mailboxes += 1;
        self.look(&mut state, user, now);
        true
    }

    /// A mailbox of this user is not attended any more; `last`: the end of its last poll.
    pub(crate) fn left(&self, user: &UserId, last: Instant, now: Instant) {
        let mut state = self.lock();
        if let Some(entry) = state.users.get_mut(user) {
            entry.mailboxes = entry.mailboxes.saturating_sub(1);
            entry.last = entry.last.max(last);
        }
        self.look(&mut state, user, now);
    }

    /// A session of this user wants to hear of others until then.
    pub(crate) fn asked(&self, user: &UserId, until: Instant, now: Instant) {
        let mut state = self.lock();
        if let Some(entry) = state.users.get_mut(user) {
            entry.watch_until = entry.watch_until.max(Some(until));
        }
        self.look(&mut state, user, now);
    }

    /// What the database is to be told next, of at most so many users. Followed by [`Roll::wrote`] or [`Roll::failed`].
    pub(crate) fn take(&self, now: Instant, most: usize) -> PresenceBatch {
        let mut state = self.lock();
        while state.agenda.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, user)) = state.agenda.pop_first() else { break };
            if let Some(entry) = state.users.get_mut(&user) {
                entry.due = None;
            }
            self.look(&mut state, &user, now);
        }
        let mut batch = PresenceBatch::default();
        while batch.len() < most {
            let Some(user) = state.queue.pop_front() else { break };
            let Some(entry) = state.users.get_mut(&user) else { continue };
            entry.queued = false;
            let standing = entry.standing(now, self.keep);
            if standing == entry.written {
                state.drop_if_done(&user, standing);
                continue;
            }
            entry.written = Standing::Unknown;
            match standing {
                Standing::Here { watching } => batch.here.push((user, watching)),
                Standing::Absent | Standing::Unknown => {
                    batch.gone.push((user, now.saturating_duration_since(entry.last)));
                }
            }
        }
        batch
    }

    /// The database knows this now.
    pub(crate) fn wrote(&self, batch: &PresenceBatch, now: Instant) {
        let mut state = self.lock();
        let here = batch.here.iter().map(|(user, watching)| (user, Standing::Here { watching: *watching }));
        let gone = batch.gone.iter().map(|(user, _)| (user, Standing::Absent));
        for (user, written) in here.chain(gone) {
            let Some(entry) = state.users.get_mut(user) else { continue };
            entry.written = written;
            if entry.standing(now, self.keep) == written && !entry.queued {
                state.drop_if_done(user, written);
            } else {
                self.look(&mut state, user, now);
            }
        }
    }

    /// It is not known whether the database knows this: it is told again.
    pub(crate) fn failed(&self, batch: &PresenceBatch, now: Instant) {
        let mut state = self.lock();
        let gone = batch.gone.iter().map(|(user, _)| user);
        for user in batch.here.iter().map(|(user, _)| user).chain(gone) {
            self.look(&mut state, user, now);
        }
    }

    /// The database may have forgotten what this gateway said: all of it is told again.
    pub(crate) fn say_again(&self, now: Instant) {
        let mut state = self.lock();
        let users: Vec<UserId> = state.users.keys().cloned().collect();
        for user in &users {
            if let Some(entry) = state.users.get_mut(user) {
                entry.written = Standing::Unknown;
            }
            self.look(&mut state, user, now);
        }
    }

    /// Users on it.
    pub(crate) fn len(&self) -> usize {
        self.lock().users.len()
    }

    /// The bound.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// How often the bound was met.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Something may have changed: queues the user if the database is to know, and notes when to look again.
    fn look(&self, state: &mut State, user: &UserId, now: Instant) {
        let State { users, queue, agenda } = state;
        let Some(entry) = users.get_mut(user) else { return };
        if entry.standing(now, self.keep) != entry.written && !entry.queued {
            entry.queued = true;
            queue.push_back(user.clone());
        }
        // what stands there too early is looked at in vain, which costs less than moving it with each poll
        let Some(next) = entry.next(now, self.keep) else { return };
        if entry.due.is_none_or(|due| next < due) {
            if let Some(due) = entry.due.replace(next) {
                agenda.remove(&(due, user.clone()));
            }
            agenda.insert((next, user.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Nothing is known of somebody who is not here and was not said to be.
    fn drop_if_done(&mut self, user: &UserId, standing: Standing) {
        if standing != Standing::Absent {
            return;
        }
        let due = self.users.remove(user).and_then(|entry| entry.due);
        if let Some(due) = due {
            self.agenda.remove(&(due, user.clone()));
        }
    }
}

#[cfg(test)]
#[path = "roll_tests.rs"]
mod tests;
