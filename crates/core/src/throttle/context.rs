//! Which rooms are about something that has a class of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use pollgate_model::{RoomId, UserId};
use pollgate_store::{Store, StoreError};
use tokio::time::Instant;

use crate::figures::Limit;

/// Most rooms that are remembered. At that bound the memory starts anew, which costs look-ups.
const MOST: usize = 100_000;
/// What was looked up is believed for so long.
const FRESH: Duration = Duration::from_secs(60);

/// The kind of a context, and since when it is known.
type Known = (Option<Arc<str>>, Instant);

/// Kinds of contexts by room: a hint, looked up again in time.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    kinds: DashMap<(RoomId, UserId), Known>,
    /// How often the memory started anew.
    met: AtomicU64,
}

/// The kind of a room's context, as the store has it for a member.
pub(super) async fn kind_in_store(
    store: &Store,
    caller: &UserId,
    room: RoomId,
) -> Result<Option<String>, StoreError> {
    Ok(store.room_context(caller, room).await?.map(String::from))
}

impl Contexts {
    /// The kind of the room's context for this caller; `None`: it has none, the caller is not in it, or it cannot be looked
    /// up now.
    pub(super) async fn context_of(
        &self,
        caller: &UserId,
        room: RoomId,
        look_up: impl AsyncFnOnce() -> Result<Option<String>, StoreError>,
    ) -> Option<Arc<str>> {
        let key = (room, caller.clone());
        if let Some(kind) = self.known(&key) {
            return kind;
        }
        let kind: Option<Arc<str>> = look_up().await.ok()?.map(Into::into);
        if self.kinds.len() >= MOST {
            self.met.fetch_add(1, Ordering::Relaxed);
            self.kinds.clear();
        }
        self.kinds.insert(key, (kind.clone(), Instant::now()));
        kind
    }

    fn known(&self, key: &(RoomId, UserId)) -> Option<Option<Arc<str>>> {
        let known = self.kinds.get(key)?;
        let (kind, since) = known.value();
        (since.elapsed() < FRESH).then(|| kind.clone())
    }

    pub(super) fn limit(&self) -> Limit {
        Limit {
            name: "room_contexts",
            most: MOST as u64,
            used: Some(self.kinds.len() as u64),
            refused: Some(self.met.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> UserId {
        "ann".parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_is_looked_up_once_in_a_while() {
        let (contexts, room) = (Contexts::default(), RoomId::new());
        let order = async || Ok(Some("order".to_owned()));
        let never = async || -> Result<Option<String>, StoreError> { panic!("it is known") };
        assert_eq!(contexts.context_of(&ann(), room, order).await.as_deref(), Some("order"));
        assert_eq!(contexts.context_of(&ann(), room, never).await.as_deref(), Some("order"));
        tokio::time::advance(FRESH).await;
        assert_eq!(contexts.context_of(&ann(), room, async || Ok(None)).await, None);
        assert_eq!(contexts.context_of(&ann(), room, never).await, None, "that there is none is known too");
    }

    #[tokio::test]
    async fn a_failed_look_up_is_no_context_and_is_tried_again() {
        let (contexts, room) = (Contexts::default(), RoomId::new());
        let away = async || Err(StoreError::Unavailable("away".into()));
        assert_eq!(contexts.context_of(&ann(), room, away).await, None);
        let order = async || Ok(Some("order".to_owned()));
        assert_eq!(contexts.context_of(&ann(), room, order).await.as_deref(), Some("order"));
    }

    #[tokio::test]
    async fn the_memory_of_rooms_is_bounded() {
        let contexts = Contexts::default();
        for _ in 0..=MOST {
            contexts.context_of(&ann(), RoomId::new(), async || Ok(None)).await;
        }
        let limit = contexts.limit();
        assert_eq!((limit.used, limit.refused), (Some(1), Some(1)));
    }
}
