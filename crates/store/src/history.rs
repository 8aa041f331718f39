//! Pages of a room's history.

use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{History, Message, Range, RoomId, UserId};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows::{self, MessageRow};
use crate::schema::{members, messages};
use crate::sql::Id;

impl Store {
    /// A page of a room's messages, oldest first. [`Range::Newest`] and [`Range::Before`] are read downwards, the
    /// others upwards; `has_more` speaks of that direction.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for rooms that the caller is no member of.
    pub async fn history(
        &self,
        caller: &UserId,
        room: RoomId,
        range: Range,
        limit: u32,
    ) -> Result<History, StoreError> {
        let (caller, room) = (caller.clone(), Id(room.uuid()));
        let read = move |conn: &mut AnyConnection| {
            if !is_member(conn, room, &caller)? {
                return Ok(None);
            }
            page(conn, room, range, limit).map(Some)
        };
        self.inner.readers.run(read).await?.ok_or(StoreError::NotFound("room"))
    }
}

/// The user is in this room now.
pub(crate) fn is_member(conn: &mut AnyConnection, room: Id, user: &UserId) -> Result<bool, Failure> {
    let found: Vec<i64> = on_each!(conn, |c| members::table
        .filter(members::room_id.eq(room).and(members::user_id.eq(user.as_str())))
        .select(members::last_read_seq)
        .load(c))?;
    Ok(!found.is_empty())
}

fn page(conn: &mut AnyConnection, room: Id, range: Range, limit: u32) -> Result<History, Failure> {
    let (after, before, downwards) = match range {
        Range::Newest => (0, i64::MAX, true),
        Range::Before(before) => (0, before, true),
        Range::After(after) => (after, i64::MAX, false),
        Range::Between { after, before } => (after, before, false),
    };
    // one more than asked for tells whether there are more
    let rows = i64::from(limit).saturating_add(1);
    let part = messages::room_id.eq(room).and(messages::seq.gt(after)).and(messages::seq.lt(before));
    let found: Vec<MessageRow> = if downwards {
        on_each!(conn, |c| messages::table.filter(part).order(messages::seq.desc()).limit(rows).load(c))?
    } else {
        on_each!(conn, |c| messages::table.filter(part).order(messages::seq.asc()).limit(rows).load(c))?
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    let mut messages: Vec<Message> =
        found.into_iter().take(limit).map(rows::message).collect::<Result<_, _>>()?;
    if downwards {
        messages.reverse();
    }
    Ok(History::new(messages, has_more))
}
