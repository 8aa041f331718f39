//! Direct rooms known to this process: which room a pair of users has, and who is in a room.
//!
//! A direct room never changes, so what is known stays true. Forgetting costs a look into the database. A room that
//! is not made yet stands here as a candidate, so that first messages sent at the same time agree on its id.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pollgate_model::{Recipient, RoomId, UserId};

/// Half of the direct rooms that are remembered at most.
const GENERATION: usize = 50_000;

/// A direct room of two users, or of one with oneself.
#[derive(Debug)]
pub(crate) struct Direct {
    pub(crate) room: RoomId,
    /// Both users in one text; see [`key`].
    pub(crate) key: String,
    /// In order, and the same one twice in a room with oneself.
    users: [UserId; 2],
    /// Known to stand in the database.
    made: AtomicBool,
}

impl Direct {
    fn new(room: RoomId, a: &UserId, b: &UserId, made: bool) -> Self {
        let users = if a <= b { [a.clone(), b.clone()] } else { [b.clone(), a.clone()] };
        Self { room, key: key(&users), users, made: AtomicBool::new(made) }
    }

    pub(crate) fn is_made(&self) -> bool {
        self.made.load(Ordering::Acquire)
    }

    pub(crate) fn set_made(&self) {
        self.made.store(true, Ordering::Release);
    }

    pub(crate) fn has(&self, user: &UserId) -> bool {
        self.users.contains(user)
    }

    /// Its one or two members.
    pub(crate) fn members(&self) -> Vec<UserId> {
        let [a, b] = &self.users;
        if a == b { vec![a.clone()] } else { vec![a.clone(), b.clone()] }
    }

    /// Who gets what `sender` does in it.
    pub(crate) fn recipients(&self, sender: &UserId) -> Arc<[Recipient]> {
        recipients(&self.members(), sender)
    }
}

/// All members get it; only for the others a mailbox is made.
pub(crate) fn recipients(members: &[UserId], sender: &UserId) -> Arc<[Recipient]> {
    members.iter().map(|user| Recipient { user: user.clone(), make_mailbox: user != sender }).collect()
}

/// One text for both users, whatever they are called: ids are opaque, so the length tells where the first ends.
fn key([a, b]: &[UserId; 2]) -> String {
    format!("{}:{a}{b}", a.as_str().len())
}

/// A bounded map that forgets what was not asked for during a generation.
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> Generations<K, V> {
    fn new() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }

    fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.put(key, value.clone());
        Some(value)
    }

    fn put(&mut self, key: K, value: V) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn forget<Q>(&mut self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.young.remove(key);
        self.old.remove(key);
    }
}

struct Known {
    by_pair: Generations<String, Arc<Direct>>,
    by_room: Generations<RoomId, Arc<Direct>>,
}

/// See the module's text.
pub(crate) struct Directs {
    // a std lock: held for a look or an entry, never over I/O
    known: Mutex<Known>,
}

impl Directs {
    pub(crate) fn new() -> Self {
        Self { known: Mutex::new(Known { by_pair: Generations::new(), by_room: Generations::new() }) }
    }

    /// The room of these two, or a candidate for it that everybody here gets from now on.
    pub(crate) fn of(&self, a: &UserId, b: &UserId) -> Arc<Direct> {
        let mut known = self.lock();
        let candidate = Direct::new(RoomId::new(), a, b, false);
        if let Some(direct) = known.by_pair.get(candidate.key.as_str()) {
            return direct;
        }
        let direct = Arc::new(candidate);
        known.by_pair.put(direct.key.clone(), direct.clone());
        direct
    }

    /// The direct room with this id, if it is remembered.
    pub(crate) fn by_room(&self, room: RoomId) -> Option<Arc<Direct>> {
        self.lock().by_room.get(&room)
    }

    /// This direct room stands in the database.
    pub(crate) fn learn(&self, room: RoomId, members: &[UserId]) -> Option<Arc<Direct>> {
        let (first, last) = (members.first()?, members.last()?);
        let direct = Arc::new(Direct::new(room, first, last, true));
        let mut known = self.lock();
        known.by_pair.put(direct.key.clone(), direct.clone());
        known.by_room.put(room, direct.clone());
        Some(direct)
    }

    /// The candidate was made, or found to be made.
    pub(crate) fn made(&self, direct: &Arc<Direct>) {
        direct.set_made();
        self.lock().by_room.put(direct.room, direct.clone());
    }

    /// The database does not know this room.
    pub(crate) fn forget(&self, direct: &Direct) {
        let mut known = self.lock();
        known.by_pair.forget(direct.key.as_str());
        known.by_room.forget(&direct.room);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    #[test]
    fn both_sides_get_the_same_candidate() {
        let directs = Directs::new();
        let there = directs.of(&user("ann"), &user("bob"));
        assert_eq!(directs.of(&user("bob"), &user("ann")).room, there.room);
        assert_ne!(directs.of(&user("a"), &user("nnbob")).room, there.room);
    }

    #[test]
    fn a_room_with_oneself_has_one_member() {
        let direct = Directs::new().of(&user("ann"), &user("ann"));
        assert_eq!(direct.members(), [user("ann")]);
        assert!(!direct.recipients(&user("ann"))[0].make_mailbox);
    }

    #[test]
    fn it_remembers_no_more_than_two_generations() {
        let mut map = Generations::new();
        for n in 0..GENERATION * 3 {
            map.put(n, n);
        }
        assert!(map.young.len() + map.old.len() <= GENERATION * 2);
        assert_eq!(map.get(&(GENERATION * 3 - 1)), Some(GENERATION * 3 - 1));
        assert_eq!(map.get(&0), None);
    }
}
