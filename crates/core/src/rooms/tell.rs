//! What others hear of a change of a room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pollgate_model::{EncodedEvent, EventId, EventKind, Recipient, Room, Timestamp, UserId};
use pollgate_store::{RoomView, StoreError, Told};
use serde::Serialize;
use serde_json::Value;

/// Data of `member.added` and `member.removed`.
#[derive(Serialize)]
struct Moved<'a> {
    user: &'a UserId,
}

/// In larger rooms all get the same event, which says nothing of what one has read: with the list of members in each, an
/// event for every mark would be a million names.
const MOST_APART: usize = 100;

/// Tells of one change.
pub(super) struct Teller {
    pub(super) now: Timestamp,
}

impl Teller {
    /// The room, to everybody in it and to these others, each with what is unread for them: one event for all who have
    /// read equally far. For others nothing is unread. See [`MOST_APART`] for large rooms.
    pub(super) fn room<'u>(
        &self,
        kind: &EventKind,
        view: &RoomView,
        to: impl Iterator<Item = &'u UserId>,
    ) -> Result<Vec<Told>, StoreError> {
        let users: BTreeSet<&UserId> = to.collect();
        // one newcomer is told apart in any room: nothing of what was said before is unread to them
        if view.members.len() > MOST_APART && users.len() > 1 {
            return Ok(vec![self.told(kind, &view.room, &for_anybody(view)?, users.into_iter())?]);
        }
        let mut by_mark: BTreeMap<i64, BTreeSet<&UserId>> = BTreeMap::new();
        for user in users {
            let member = view.members.iter().find(|member| member.user == *user);
            let mark = member.map_or(view.room.last_seq, |member| view.room.read_by(member));
            by_mark.entry(mark).or_default().insert(user);
        }
        let members: Vec<UserId> = view.members.iter().map(|member| member.user.clone()).collect();
        let told = by_mark.into_iter().map(|(mark, users)| {
            let room = view.room.seen(members.clone(), mark);
            self.told(kind, &view.room, &room, users.into_iter())
        });
        told.collect()
    }

    /// Somebody came or left.
    pub(super) fn moved<'u>(
        &self,
        kind: &EventKind,
        room: &Room,
        user: &UserId,
        to: impl Iterator<Item = &'u UserId>,
    ) -> Result<Told, StoreError> {
        self.told(kind, room, &Moved { user }, to)
    }

    fn told<'u, T: Serialize>(
        &self,
        kind: &EventKind,
        room: &Room,
        data: &T,
        to: impl Iterator<Item = &'u UserId>,
    ) -> Result<Told, StoreError> {
        let event = EncodedEvent::new(EventId::new(), kind, self.now, Some(room.id), data)
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        // changes are rare: whoever made one hears of it, too, also before the first poll
        let to: Arc<[Recipient]> =
            to.map(|user| Recipient { user: user.clone(), make_mailbox: true }).collect();
        Ok(Told { event, to })
    }
}

/// The room without what differs from reader to reader.
fn for_anybody(view: &RoomView) -> Result<Value, StoreError> {
    let members = view.members.iter().map(|member| member.user.clone()).collect();
    let mut room = serde_json::to_value(view.room.seen(members, view.room.last_seq))
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    if let Some(fields) = room.as_object_mut() {
        fields.remove("last_read_seq");
        fields.remove("unread");
    }
    Ok(room)
}
