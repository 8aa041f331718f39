//! Indexing what was sent, behind the senders' backs.
//!
//! Rooms that something was sent to in this process are noted and indexed a moment later. What was noted by a process that
//! ended before is found by looking through all rooms, at the start and from time to time; so is what a database held
//! before there was an index. Nothing here needs to be remembered: how far a room is indexed stands in the database, and
//! several gateways may index the same room.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pollgate_model::RoomId;
use pollgate_store::Store;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::debug;

use crate::figures::Limit;
use crate::task::Stop;

/// Most rooms that are noted. What is sent to one more is found by looking through all rooms.
const MOST: usize = 100_000;
/// From the first message to indexing: others come meanwhile, and one transaction does for all.
const GATHER: Duration = Duration::from_millis(200);
/// Rooms, messages, and bytes of messages, of one transaction.
const ROOMS: usize = 64;
const MESSAGES: usize = 256;
const BYTES: usize = 16 << 20;
/// Between two transactions: hardly any pause, or a real one while senders wait.
const BREATH: Duration = Duration::from_millis(2);
const PAUSE: Duration = Duration::from_millis(100);
/// Messages of one transaction while senders wait.
const BUSY: usize = 64;
/// When another gateway is at the same rooms.
const OTHERS: Duration = Duration::from_millis(200);
/// When the database does not answer.
const AWAY: Duration = Duration::from_secs(1);
/// From one look through all rooms to the next.
const LOOK: Duration = Duration::from_secs(60);

/// Rooms to be indexed.
#[derive(Debug, Default)]
struct Noted {
    rooms: BTreeSet<RoomId>,
    /// The last one that was taken.
    last: Option<RoomId>,
}

/// Rooms to be indexed, and what was.
#[derive(Debug, Default)]
pub(crate) struct Indexing {
    // a std lock: held for a look, never over I/O
    noted: Mutex<Noted>,
    arrived: Notify,
    /// How often a room found no place.
    refused: AtomicU64,
    indexed: AtomicU64,
}

impl Indexing {
    /// Something was sent to this room. Never blocks.
    pub(crate) fn note(&self, room: RoomId) {
        self.note_all(&[room]);
    }

    fn note_all(&self, rooms: &[RoomId]) {
        let mut noted = self.noted();
        for room in rooms {
            if noted.rooms.len() < MOST || noted.rooms.contains(room) {
                noted.rooms.insert(*room);
            } else {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        drop(noted);
        self.arrived.notify_one();
    }

    /// The next rooms, at most so many: from where the last ones ended and round again, so that no room waits for all
    /// others to be done.
    fn take(&self, most: usize) -> Vec<RoomId> {
        let mut noted = self.noted();
        let past = noted.last.map_or(Bound::Unbounded, Bound::Excluded);
        let taken: Vec<RoomId> =
            noted.rooms.range((past, Bound::Unbounded)).chain(&noted.rooms).take(most).copied().collect();
        let taken: Vec<RoomId> = taken.into_iter().filter(|room| noted.rooms.remove(room)).collect();
        noted.last = taken.last().copied();
        taken
    }

    /// Messages that were indexed by this process.
    pub(crate) fn indexed(&self) -> u64 {
        self.indexed.load(Ordering::Relaxed)
    }

    /// The rooms that wait.
    pub(crate) fn limit(&self) -> Limit {
        Limit {
            name: "search_rooms",
            most: MOST as u64,
            used: Some(self.noted().rooms.len() as u64),
            refused: Some(self.refused.load(Ordering::Relaxed)),
        }
    }

    /// The service that indexes the rooms that were noted; ends with the stop signal.
    /// `text_bytes` is how long a text may be.
    pub(crate) async fn run(self: Arc<Self>, store: Store, text_bytes: usize, mut stop: Stop) {
        let most = BYTES.checked_div(text_bytes).unwrap_or(MESSAGES).min(MESSAGES);
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = self.arrived.notified() => {}
            }
            let mut pause = GATHER;
            loop {
                tokio::select! {
                    () = stop.wait() => return,
                    () = sleep(pause) => {}
                }
                let rooms = self.take(most.clamp(1, ROOMS));
                if rooms.is_empty() {
                    break;
                }
                pause = self.index(&store, rooms, most).await;
            }
        }
    }

    /// One transaction; how long to wait before the next.
    async fn index(&self, store: &Store, rooms: Vec<RoomId>, most: usize) -> Duration {
        let busy = store.fill().writer_queue.used > 0;
        let most = if busy { most.min(BUSY) } else { most };
        match store.index(rooms.clone(), most).await {
            Ok(done) => {
                self.indexed.fetch_add(done.messages as u64, Ordering::Relaxed);
                self.note_all(&done.again);
                match done.messages {
                    0 if !done.again.is_empty() => OTHERS,
                    _ if busy => PAUSE,
                    _ => BREATH,
                }
            }
            Err(error) => {
                debug!(%error, "messages were not indexed, trying again");
                self.note_all(&rooms);
                AWAY
            }
        }
    }

    /// The service that looks through all rooms for what nobody noted; ends with the stop signal.
    pub(crate) async fn look(self: Arc<Self>, store: Store, mut stop: Stop) {
        let mut after = None;
        loop {
            let pause = match store.rooms_behind(after).await {
                Ok(behind) => {
                    self.note_all(&behind.rooms);
                    after = behind.upto;
                    if after.is_some() { PAUSE } else { LOOK }
                }
                Err(error) => {
                    debug!(%error, "rooms were not looked through, trying again");
                    AWAY
                }
            };
            tokio::select! {
                () = stop.wait() => return,
                () = sleep(pause) => {}
            }
            // no more is noted than can be: the rest of the rooms waits
            while self.noted().rooms.len() > MOST / 2 {
                tokio::select! {
                    () = stop.wait() => return,
                    () = sleep(AWAY) => {}
                }
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_beyond_the_bound_are_left_to_the_next_look() {
        let indexing = Indexing::default();
        let rooms: Vec<RoomId> = (0..MOST).map(|_| RoomId::new()).collect();
        indexing.note_all(&rooms);
        let first = rooms[0];
        indexing.note(first);
        assert_eq!((indexing.limit().used, indexing.limit().refused), (Some(MOST as u64), Some(0)));
        indexing.note(RoomId::new());
        assert_eq!((indexing.limit().used, indexing.limit().refused), (Some(MOST as u64), Some(1)));
        assert_eq!(indexing.take(ROOMS).len(), ROOMS);
        indexing.note(RoomId::new());
        assert_eq!(indexing.limit().refused, Some(1), "there is room again");
    }

    #[test]
    fn a_room_waits_once_however_much_is_sent_to_it() {
        let indexing = Indexing::default();
        let room = RoomId::new();
        indexing.note(room);
        indexing.note(room);
        assert_eq!(indexing.take(ROOMS), [room]);
        assert!(indexing.take(ROOMS).is_empty());
    }
}
