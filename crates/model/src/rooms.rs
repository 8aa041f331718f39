//! Pages of a user's rooms, newest activity first.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{BadCursor, ContextId, Label, RoomId, RoomKind, RoomSummary, Timestamp, UserId};

const VERSION: u8 = 1;

/// Whose rooms a list is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// Nobody's.
    Nobody,
    /// This user's.
    To(UserId),
}

/// What a list of rooms is narrowed to; all of it must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomFilter {
    /// Rooms of this kind.
    pub kind: Option<RoomKind>,
    /// About things of this kind.
    pub context_kind: Option<Label>,
    /// About this thing.
    pub context_id: Option<ContextId>,
    /// Of this category.
    pub category: Option<Label>,
    /// Of this status.
    pub status: Option<Label>,
    /// By who looks after them.
    pub assignee: Option<Assigned>,
}

/// A place in a list of rooms: after it come those with older activity.
///
/// Opaque to clients: base64url of a version byte, the time and the id. Each can be forged, which shows nobody a room
/// that is not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomCursor {
    /// When the room changed last.
    pub updated_at: Timestamp,
    /// Tells rooms apart that changed in the same millisecond.
    pub id: RoomId,
}

impl fmt::Display for RoomCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(25);
        bytes.push(VERSION);
        bytes.extend(self.updated_at.as_ms().to_be_bytes());
        bytes.extend(self.id.uuid().into_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for RoomCursor {
    type Err = BadCursor;
    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_no_base64| BadCursor)?;
        let Some((&VERSION, rest)) = bytes.split_first() else { return Err(BadCursor) };
        let (at, id) = rest.split_first_chunk::<8>().ok_or(BadCursor)?;
        let id = Uuid::from_slice(id).map_err(|_wrong_length| BadCursor)?;
        Ok(Self { updated_at: Timestamp::from_ms(i64::from_be_bytes(*at)), id: id.into() })
    }
}

impl Serialize for RoomCursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// One page of a user's rooms, newest activity first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rooms {
    /// The rooms.
    pub rooms: Vec<RoomSummary>,
    /// There are rooms with older activity.
    pub has_more: bool,
    /// Where the next page begins; none after the last one.
    pub next: Option<RoomCursor>,
}

impl Rooms {
    /// A page from rooms in order.
    #[must_use]
    pub fn new(rooms: Vec<RoomSummary>, has_more: bool) -> Self {
        let last = rooms.last().filter(|_| has_more);
        let next = last.map(|room| RoomCursor { updated_at: room.updated_at, id: room.id });
        Self { rooms, has_more, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_is_read_as_it_was_written() {
        let place = RoomCursor { updated_at: Timestamp::from_ms(1_769_860_800_007), id: RoomId::new() };
        assert_eq!(place.to_string().parse(), Ok(place));
    }

    #[test]
    fn any_other_text_is_none() {
        for text in ["", "x", "!", "AAAA", &URL_SAFE_NO_PAD.encode([1; 26]), &URL_SAFE_NO_PAD.encode([2; 25])]
        {
            assert_eq!(text.parse::<RoomCursor>(), Err(BadCursor), "{text}");
        }
    }

    #[test]
    fn only_a_page_that_is_not_the_last_names_the_next() {
        let room = RoomSummary::new_direct(RoomId::new(), vec![], Timestamp::from_ms(5));
        assert_eq!(Rooms::new(vec![room.clone()], false).next, None);
        let next = RoomCursor { updated_at: room.updated_at, id: room.id };
        assert_eq!(Rooms::new(vec![room], true).next, Some(next));
    }
}
