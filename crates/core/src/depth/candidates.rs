//! Where something may be left: a plain struct, asked with the time.
//!
//! Rules:
//! - A user is a candidate when `least` events were published for them since somebody looked, and then every time as many
//!   more were; after a look that found nothing once more, and each time not before a pause, which
//!   doubles up to a minute.
//! - A session is one from the moment it is left until a fixed time after, with pauses that double: a look keeps a queue
//!   alive, so a session must not be looked at for ever.
//! - Both maps are bounded. In place of a new user those with the fewest events are forgotten; when all are candidates,
//!   the new one is not counted.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use pollgate_model::{Mailbox, UserId};
use tokio::time::Instant;

/// The first pause after a look that found nothing, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A session that was left is looked at first after this.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// Part of the users that are forgotten at once.
const FORGOTTEN: usize = 4;

/// A time, and a number that tells two of the same time apart.
type Place = (Instant, u64);

#[derive(Debug)]
struct Counted {
    /// Events published since the last look.
    events: u32,
    /// Stands in `ripe`, or in somebody's hand.
    candidate: bool,
    pause: Duration,
    not_before: Instant,
    /// The last look found nothing, and may have been too early.
    once_more: bool,
}

#[derive(Debug)]
struct Left {
    place: Place,
    pause: Duration,
    until: Instant,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Candidates {
    least: u32,
    most: usize,
    /// For how long a session that was left is looked at.
    follow: Duration,
    users: HashMap<UserId, Counted>,
    ripe: BTreeMap<Place, UserId>,
    left: HashMap<Mailbox, Left>,
    due: BTreeMap<Place, Mailbox>,
    number: u64,
    refused: u64,
}

impl Candidates {
    pub(super) fn new(least: u64, most: usize, follow: Duration) -> Self {
        Self {
            least: u32::try_from(least).unwrap_or(u32::MAX).max(1),
            most,
            follow,
            users: HashMap::new(),
            ripe: BTreeMap::new(),
            left: HashMap::new(),
            due: BTreeMap::new(),
            number: 0,
            refused: 0,
        }
    }

    /// Users and sessions that are remembered.
    pub(super) fn len(&self) -> usize {
        self.users.len() + self.left.len()
    }

    /// How many were forgotten, or not taken in, because there were too many.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// An event was published for this user.
    pub(super) fn published(&mut self, user: &UserId, now: Instant) {
        if !self.users.contains_key(user) {
            if self.len() >= self.most && !self.make_room() {
                self.refused += 1;
                return;
            }
            let fresh = Counted {
                events: 0,
                candidate: false,
                pause: Duration::ZERO,
                not_before: now,
                once_more: false,
            };
            self.users.insert(user.clone(), fresh);
        }
        let Some(counted) = self.users.get_mut(user) else { return };
        counted.events = counted.events.saturating_add(1);
        if counted.events < self.least || counted.candidate {
            return;
        }
        counted.candidate = true;
        let at = counted.not_before.max(now);
        let place = self.place(at);
        self.ripe.insert(place, user.clone());
    }

    /// Forgets the users with the fewest events; `false`: there are none but candidates.
    fn make_room(&mut self) -> bool {
        let mut events: Vec<u32> =
            self.users.values().filter(|counted| !counted.candidate).map(|counted| counted.events).collect();
        if events.is_empty() {
            return false;
        }
        let at = events.len() / FORGOTTEN;
        let (_, few, _) = events.select_nth_unstable(at);
        let (few, before) = (*few, self.users.len());
        self.users.retain(|_, counted| counted.candidate || counted.events > few);
        self.refused += (before - self.users.len()) as u64;
        true
    }

    /// A session's mailbox was left.
    pub(super) fn left(&mut self, mailbox: &Mailbox, now: Instant) {
        let until = now + self.follow;
        if let Some(known) = self.left.remove(mailbox) {
            self.due.remove(&known.place);
        } else if self.len() >= self.most && !self.make_room() {
            self.refused += 1;
            return;
        }
        let place = self.place(now + FIRST_LOOK);
        self.due.insert(place, mailbox.clone());
        self.left.insert(mailbox.clone(), Left { place, pause: FIRST_PAUSE, until });
    }

    /// Takes users whose time has come, at most `most`, those who waited longest first. Each is to be handed back by
    /// [`Self::looked`], [`Self::later`] or [`Self::at_once`].
    pub(super) fn take_users(&mut self, most: usize, now: Instant) -> Vec<(UserId, u32)> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(first) = self.ripe.first_entry().filter(|first| first.key().0 <= now) else { break };
            let user = first.remove();
            if let Some(counted) = self.users.get(&user) {
                taken.push((user, counted.events));
            }
        }
        taken
    }

    /// Somebody looked at the mailbox of a user who was taken with so many events, and found much or not. What was
    /// published a moment ago may not stand there yet: who looks in vain looks once more.
    pub(super) fn looked(&mut self, user: &UserId, events: u32, deep: bool, now: Instant) {
        let Some(counted) = self.users.get_mut(user) else { return };
        counted.events = counted.events.saturating_sub(events);
        counted.wait(now);
        counted.once_more = !deep && !counted.once_more;
        counted.candidate = counted.once_more || counted.events >= self.least;
        if counted.candidate {
            let at = counted.not_before;
            let place = self.place(at);
            self.ripe.insert(place, user.clone());
        }
    }

    /// A user who was taken was not looked at, and comes again after a pause.
    pub(super) fn later(&mut self, user: &UserId, now: Instant) {
        let Some(counted) = self.users.get_mut(user) else { return };
        counted.wait(now);
        let at = counted.not_before;
        let place = self.place(at);
        self.ripe.insert(place, user.clone());
    }

    /// There was no time for a user who was taken: at the next turn.
    pub(super) fn at_once(&mut self, user: UserId, now: Instant) {
        let place = self.place(now);
        self.ripe.insert(place, user);
    }

    /// Takes sessions whose time has come, at most `most`.
    pub(super) fn take_left(&mut self, most: usize, now: Instant) -> Vec<Mailbox> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now) else { break };
            let mailbox = first.remove();
            if let Some(mut left) = self.left.remove(&mailbox) {
                if now < left.until {
                    // the last look stands at the very end
                    let at = (now + left.pause).min(left.until);
                    left.pause = left.pause.saturating_mul(2);
                    left.place = self.place(at);
                    self.due.insert(left.place, mailbox.clone());
                    self.left.insert(mailbox.clone(), left);
                }
                taken.push(mailbox);
            }
        }
        taken
    }

    /// A session needs no looks any more: somebody reads it again, it is gone, or it is noted.
    pub(super) fn seen_to(&mut self, mailbox: &Mailbox) {
        if let Some(known) = self.left.remove(mailbox) {
            self.due.remove(&known.place);
        }
    }

    fn place(&mut self, at: Instant) -> Place {
        self.number += 1;
        (at, self.number)
    }
}

impl Counted {
    fn wait(&mut self, now: Instant) {
        self.pause = self.pause.saturating_mul(2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.not_before = now + self.pause;
    }
}

#[cfg(test)]
#[path = "candidates_tests.rs"]
mod tests;
