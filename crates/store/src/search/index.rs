//! Indexing what was sent: a batch of rooms at a time.

use std::collections::{BTreeMap, HashSet};

use diesel::{
    ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _, QueryDsl as _, RunQueryDsl as _,
};
use pollgate_model::RoomId;
use uuid::Uuid;

use super::{Entry, Index, Mark};
use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::schema::{rooms, search_marks};
use crate::sql::Id;

/// Rooms that one look goes through.
const WINDOW: i64 = 2_000;

/// What came of indexing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Messages that were looked at.
    pub messages: usize,
    /// Rooms that may hold more: there was too much for one batch, or another gateway was at it.
    pub again: Vec<RoomId>,
}

/// Some of all rooms, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Those that hold messages which are not indexed.
    pub rooms: Vec<RoomId>,
    /// The last one that was looked at; `None`: there are no more.
    pub upto: Option<RoomId>,
}

impl Store {
    /// Indexes messages of these rooms, at most `most` of them (or one of each), in one short transaction. Two gateways may do
    /// this at once.
    ///
    /// # Errors
    /// The database is not available; nothing is lost by trying again.
    pub async fn index(&self, rooms: Vec<RoomId>, most: usize) -> Result<Indexed, StoreError> {
        let rooms: Vec<Id> = rooms.into_iter().map(|room| Id(room.uuid())).collect();
        self.aside(move |conn| on_each!(conn, |c| index(c, &rooms, most))).await
    }

    /// Looks for rooms past `after` that are not indexed to their end.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn rooms_behind(&self, after: Option<RoomId>) -> Result<Behind, StoreError> {
        let after = Id(after.map_or(Uuid::nil(), RoomId::uuid));
        self.inner.readers.run(move |conn| behind(conn, after)).await
    }
}

fn index(conn: &mut impl Index, rooms: &[Id], most: usize) -> Result<Indexed, Failure> {
    let each = most.checked_div(rooms.len()).unwrap_or(most).max(1);
    // what is committed now: messages up to here are seen below, or are gone
    let lasts = conn.last_seqs(rooms)?;
    let marks = conn.take_marks(rooms)?;
    let rows = conn.unindexed(&marks, i64::try_from(each).unwrap_or(i64::MAX))?;
    let messages = rows.len();
    // how far each room is, and by how many messages
    let mut reached: BTreeMap<Id, (i64, usize)> = BTreeMap::new();
    let mut entries = Vec::with_capacity(messages);
    for (room, seq, id, body, deleted_at) in rows {
        let (upto, count) = reached.entry(room).or_default();
        (*upto, *count) = (seq.max(*upto), *count + 1);
        let entry = Entry::new(room, id, &body);
        if deleted_at.is_none() && !entry.is_empty() {
            entries.push(entry);
        }
    }
    conn.put(&entries)?;
    let upto = marks.iter().filter_map(|(room, mark)| {
        let (upto, count) = reached.get(room).copied().unwrap_or((*mark, 0));
        // a room of which the end was removed is through, too
        let through = if count < each { lasts.get(room).copied().unwrap_or(0) } else { 0 };
        let upto = upto.max(through);
        (upto > *mark).then_some((*room, upto))
    });
    let upto: Vec<Mark> = upto.collect();
    conn.set_marks(&upto)?;
    let held: HashSet<Id> = marks.iter().map(|(room, _)| *room).collect();
    let full = |room: &Id| reached.get(room).is_some_and(|(_, count)| *count >= each);
    let again = rooms.iter().filter(|room| full(room) || !held.contains(room)).map(|room| room.0.into());
    Ok(Indexed { messages, again: again.collect() })
}

fn behind(conn: &mut AnyConnection, after: Id) -> Result<Behind, Failure> {
    let window: Vec<(Id, i64, Option<i64>)> = on_each!(conn, |c| rooms::table
        .left_join(search_marks::table.on(search_marks::room_id.eq(rooms::id)))
        .filter(rooms::id.gt(after))
        .order(rooms::id)
        .limit(WINDOW)
        .select((rooms::id, rooms::last_seq, search_marks::seq.nullable()))
        .load(c))?;
    let full = i64::try_from(window.len()).is_ok_and(|rows| rows == WINDOW);
    let upto = window.last().filter(|_| full).map(|(room, ..)| room.0.into());
    let behind = |(_, last, seq): &&(Id, i64, Option<i64>)| *last > seq.unwrap_or(0);
    Ok(Behind { rooms: window.iter().filter(behind).map(|(room, ..)| room.0.into()).collect(), upto })
}
