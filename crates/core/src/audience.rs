//! Who hears of what happens in a room in passing: its members, for one of them.
//!
//! What was read is good for some seconds, so that somebody who types costs the database next to nothing. A member who was
//! added since is looked for again before being refused; one who was removed may be told, and may tell, for that long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_model::{RoomId, UserId};
use tokio::time::Instant;

use crate::{Core, CoreError};

/// How long what was read is good.
const GOOD: Duration = Duration::from_secs(5);
/// Most rooms that are remembered, and most members of rooms that are too large.
pub(crate) const MOST: usize = 10_000;

/// A room, and the member for whom it is remembered where it has too many to remember them all.
type Key = (RoomId, Option<UserId>);

/// The members of a room; none when it has too many.
type Audience = Option<Arc<[UserId]>>;

/// Rooms looked at lately. Bounded: when it is full of what is good, it starts anew, which costs look-ups.
#[derive(Debug, Default)]
pub(crate) struct Audiences {
    // a std lock: held for one look, never over an await
    known: Mutex<HashMap<Key, (Instant, Audience)>>,
    emptied: AtomicU64,
}

impl Audiences {
    fn find(&self, caller: &UserId, room: RoomId, now: Instant) -> Option<Audience> {
        let known = self.lock();
        let good = |key: &Key| known.get(key).filter(|(until, _)| now < *until).map(|(_, of)| of.clone());
        if good(&(room, Some(caller.clone()))).is_some() {
            return Some(None);
        }
        let members = good(&(room, None))??;
        members.contains(caller).then_some(Some(members))
    }

    fn note(&self, caller: &UserId, room: RoomId, audience: Audience, now: Instant) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.retain(|_, (until, _)| now < *until);
        }
        if known.len() >= MOST {
            known.clear();
            self.emptied.fetch_add(1, Ordering::Relaxed);
        }
        let whose = audience.is_none().then(|| caller.clone());
        known.insert((room, whose), (now + GOOD, audience));
    }

    /// Rooms and members remembered.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// How often the bound was met.
    pub(crate) fn emptied(&self) -> u64 {
        self.emptied.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Instant, Audience)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// The members of a room, for one of them; `None`: there are so many that they are not told.
    ///
    /// # Errors
    /// `NotFound` for anybody else; the database is away.
    pub(crate) async fn audience_of(&self, caller: &UserId, room: RoomId) -> Result<Audience, CoreError> {
        if let Some(known) = self.audiences.find(caller, room, Instant::now()) {
            return Ok(known);
        }
        let members = self.store.members_for(caller, room, self.settings.signal_members).await?;
        let audience = members.map(Arc::from);
        self.audiences.note(caller, room, audience.clone(), Instant::now());
        Ok(audience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    #[test]
    fn what_was_read_is_good_for_a_while_for_those_it_names() {
        let (audiences, room, now) = (Audiences::default(), RoomId::new(), Instant::now());
        let members: Arc<[UserId]> = Arc::new([user("ann"), user("bob")]);
        audiences.note(&user("ann"), room, Some(members.clone()), now);
        assert_eq!(audiences.find(&user("bob"), room, now), Some(Some(members)));
        assert_eq!(audiences.find(&user("eve"), room, now), None, "she may have been added since");
        assert_eq!(audiences.find(&user("bob"), room, now + GOOD), None);
    }

    #[test]
    fn a_room_that_is_too_large_is_remembered_for_each_member() {
        let (audiences, room, now) = (Audiences::default(), RoomId::new(), Instant::now());
        audiences.note(&user("ann"), room, None, now);
        assert_eq!(audiences.find(&user("ann"), room, now), Some(None));
        assert_eq!(audiences.find(&user("eve"), room, now), None);
    }

    #[test]
    fn a_full_memory_drops_what_is_old_and_else_starts_anew() {
        let (audiences, now) = (Audiences::default(), Instant::now());
        for _ in 0..MOST {
            audiences.note(&user("ann"), RoomId::new(), None, now);
        }
        let room = RoomId::new();
        audiences.note(&user("ann"), room, None, now + GOOD / 2);
        assert_eq!((audiences.len(), audiences.emptied()), (1, 1), "all of it was good");
        for _ in 1..MOST {
            audiences.note(&user("ann"), RoomId::new(), None, now);
        }
        audiences.note(&user("ann"), RoomId::new(), None, now + GOOD);
        assert_eq!((audiences.len(), audiences.emptied()), (2, 1), "most of it was old");
        assert_eq!(audiences.find(&user("ann"), room, now + GOOD), Some(None));
    }
}
