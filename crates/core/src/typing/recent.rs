//! Who said lately whether they are typing: what is said again is not told again.
//!
//! Of this gateway alone. Where a balancer alternates, each gateway tells the same once in that time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_model::{RoomId, UserId};
use tokio::time::Instant;

/// The same within this time is not told again.
const ABSORBED: Duration = Duration::from_secs(2);
/// Most typists that are remembered.
pub(crate) const MOST: usize = 100_000;

/// Who typed last, and when it was told. Bounded: when it is full of what is recent, it starts anew, which costs events.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    // a std lock: held for one look, never over an await
    told: Mutex<HashMap<(RoomId, UserId), (Instant, bool)>>,
    emptied: AtomicU64,
}

impl Recent {
    /// The same was told a moment ago.
    pub(super) fn is_told(&self, room: RoomId, user: &UserId, typing: bool, now: Instant) -> bool {
        is_recent(self.lock().get(&(room, user.clone())), typing, now)
    }

    /// Notes that it is told now; `false`: somebody has just told the same.
    pub(super) fn tell(&self, room: RoomId, user: &UserId, typing: bool, now: Instant) -> bool {
        let key = (room, user.clone());
        let mut told = self.lock();
        if is_recent(told.get(&key), typing, now) {
            return false;
        }
        if told.len() >= MOST {
            told.retain(|_, (at, _)| now < *at + ABSORBED);
        }
        if told.len() >= MOST {
            told.clear();
            self.emptied.fetch_add(1, Ordering::Relaxed);
        }
        told.insert(key, (now, typing));
        true
    }

    /// Typists remembered.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// How often the bound was met.
    pub(crate) fn emptied(&self) -> u64 {
        self.emptied.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(RoomId, UserId), (Instant, bool)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_recent(told: Option<&(Instant, bool)>, typing: bool, now: Instant) -> bool {
    told.is_some_and(|(at, what)| *what == typing && now < *at + ABSORBED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    #[test]
    fn the_same_is_told_again_after_two_seconds_and_another_word_at_once() {
        let (recent, room, ann, now) = (Recent::default(), RoomId::new(), user("ann"), Instant::now());
        assert!(recent.tell(room, &ann, true, now));
        let soon = now + ABSORBED - Duration::from_millis(1);
        assert!(recent.is_told(room, &ann, true, soon) && !recent.tell(room, &ann, true, soon));
        assert!(!recent.is_told(room, &ann, true, now + ABSORBED), "what is absorbed does not count");
        assert!(recent.tell(room, &ann, false, soon), "she stopped");
        assert!(!recent.tell(room, &ann, false, soon));
        assert!(recent.tell(room, &ann, true, soon), "she began again");
        assert!(recent.tell(RoomId::new(), &ann, true, soon), "in another room");
        assert!(recent.tell(room, &user("bob"), true, soon), "somebody else");
    }

    #[test]
    fn a_full_memory_drops_what_is_old_and_else_starts_anew() {
        let (recent, ann, now) = (Recent::default(), user("ann"), Instant::now());
        for _ in 0..MOST {
            assert!(recent.tell(RoomId::new(), &ann, true, now));
        }
        assert_eq!((recent.len(), recent.emptied()), (MOST, 0));
        recent.tell(RoomId::new(), &ann, true, now + ABSORBED / 2);
        assert_eq!((recent.len(), recent.emptied()), (1, 1));
        for _ in 1..MOST {
            recent.tell(RoomId::new(), &ann, true, now);
        }
        recent.tell(RoomId::new(), &ann, true, now + ABSORBED);
        assert_eq!((recent.len(), recent.emptied()), (2, 1));
    }
}
