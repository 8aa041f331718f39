//! Removing old messages, a few at a time.
//!
//! Rules: what a room loses is its beginning, so its history ends earlier and has no holes. A message that the outbox still
//! points to stays, and so does all of its room that comes after it: what was accepted is delivered. `rooms.last_seq` never
//! changes here.

mod prefix;

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::min;
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{MessageId, RoomId, Timestamp};
use uuid::Uuid;

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::schema::{attachment_uses, messages, outbox, rooms};
use crate::search::Index;
use crate::sql::{Id, Id16, statement};
use prefix::{Old, Prefix as _};

/// Rooms that one look goes through.
const WINDOW: i64 = 2_000;

/// What came of a look for old messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed<T> {
    /// Messages that were removed.
    pub messages: usize,
    /// After what to go on; `None`: this was the last of them.
    pub next: Option<T>,
}

/// What was found by looking, which changes nothing.
struct Seen<T> {
    old: Vec<Old>,
    next: Option<T>,
}

impl Store {
    /// Removes messages that were accepted before `than`, and whatever stands before them in their rooms: of those past
    /// `after`, at most `most` in one short transaction.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn remove_older(
        &self,
        than: Timestamp,
        after: Option<MessageId>,
        most: u32,
    ) -> Result<Removed<MessageId>, StoreError> {
        let after = Id(after.map_or(Uuid::nil(), MessageId::uuid));
        let seen = self.inner.readers.run(move |conn| older(conn, than, after, i64::from(most))).await?;
        self.remove(seen).await
    }

    /// Removes what a room holds beyond its `keep` newest places: in rooms past `after`, at most `most` messages in one
    /// short transaction.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn remove_beyond(
        &self,
        keep: u32,
        after: Option<RoomId>,
        most: u32,
    ) -> Result<Removed<RoomId>, StoreError> {
        let look = move |conn: &mut AnyConnection| beyond(conn, i64::from(keep), after, i64::from(most));
        let seen = self.inner.readers.run(look).await?;
        self.remove(seen).await
    }

    async fn remove<T>(&self, Seen { old, next }: Seen<T>) -> Result<Removed<T>, StoreError> {
        let messages = old.len();
        if !old.is_empty() {
            self.aside(move |conn| on_each!(conn, |c| remove(c, &old))).await?;
        }
        Ok(Removed { messages, next })
    }
}

/// Ids sort by the time at which they were made, so the oldest messages stand at the beginning of their index.
fn older(
    conn: &mut AnyConnection,
    than: Timestamp,
    after: Id,
    most: i64,
) -> Result<Seen<MessageId>, Failure> {
    let ms = u128::try_from(than.as_ms()).unwrap_or(0);
    let end = Id(Uuid::from_u128(ms << 80));
    let window: Vec<(Id, Id, i64)> = on_each!(conn, |c| messages::table
        .filter(messages::id.gt(after))
        .filter(messages::id.lt(end))
        .order(messages::id)
        .limit(most)
        .select((messages::id, messages::room_id, messages::seq))
        .load(c))?;
    let mut upto: BTreeMap<Id, i64> = BTreeMap::new();
    for (_, room, seq) in &window {
        let highest = upto.entry(*room).or_insert(*seq);
        *highest = (*highest).max(*seq);
    }
    let full = i64::try_from(window.len()).is_ok_and(|rows| rows == most);
    let next = window.last().filter(|_| full).map(|(id, ..)| id.0.into());
    Ok(Seen { old: old(conn, &upto, most)?, next })
}

fn beyond(
    conn: &mut AnyConnection,
    keep: i64,
    after: Option<RoomId>,
    most: i64,
) -> Result<Seen<RoomId>, Failure> {
    let start = Id(after.map_or(Uuid::nil(), RoomId::uuid));
    let window: Vec<(Id, i64)> = on_each!(conn, |c| rooms::table
        .filter(rooms::id.gt(start))
        .order(rooms::id)
        .limit(WINDOW)
        .select((rooms::id, rooms::last_seq))
        .load(c))?;
    let upto: BTreeMap<Id, i64> =
        window.iter().filter(|(_, last)| *last > keep).map(|(room, last)| (*room, last - keep)).collect();
    let found = conn.prefixes(&upto, most)?;
    let more = i64::try_from(found.len()).is_ok_and(|rows| rows == most);
    let reached = if more { found.last().map(|old| old.room) } else { None };
    let old = unless_in_outbox(conn, found)?;
    // the room that was cut short is looked at again, unless nothing of it may go now
    let again = reached.filter(|room| old.iter().any(|old| old.room == *room)).and_then(|room| {
        let before = window.iter().map(|(id, _)| *id).filter(|id| *id < room).max();
        before.or(Some(start))
    });
    let full = i64::try_from(window.len()).is_ok_and(|rows| rows == WINDOW);
    let last = window.last().filter(|_| full).map(|(room, _)| *room);
    Ok(Seen { old, next: again.or(reached).or(last).map(|room| room.0.into()) })
}

/// The first messages of these rooms, up to these places, that may go.
fn old(conn: &mut AnyConnection, upto: &BTreeMap<Id, i64>, most: i64) -> Result<Vec<Old>, Failure> {
    let found = conn.prefixes(upto, most)?;
    unless_in_outbox(conn, found)
}

/// A message stands in the outbox from its beginning or never, so what is not there now will not be there later.
fn unless_in_outbox(conn: &mut AnyConnection, found: Vec<Old>) -> Result<Vec<Old>, Failure> {
    if found.is_empty() {
        return Ok(found);
    }
    let mut rooms: Vec<Id> = found.iter().map(|old| old.room).collect();
    rooms.dedup();
    let waiting: Vec<(Option<Id>, Option<i64>)> = on_each!(conn, |c| outbox::table
        .filter(outbox::room_id.eq_any(rooms.iter().map(|room| Some(*room))))
        .filter(outbox::seq.is_not_null())
        .group_by(outbox::room_id)
        .select((outbox::room_id, min(outbox::seq)))
        .load(c))?;
    let first: HashMap<Id, i64> = waiting.into_iter().filter_map(|(room, seq)| Some((room?, seq?))).collect();
    Ok(found.into_iter().filter(|old| first.get(&old.room).is_none_or(|first| old.seq < *first)).collect())
}

/// What PostgreSQL needs before rows of several rooms are written: their locks, in one order for everybody.
trait Hold {
    /// Locks the rooms whose newest message is one of these.
    fn hold_rooms(&mut self, rooms: &[Id], messages: &[Id]) -> Result<(), Failure>;
    /// These messages hold their files no more; files that no other one holds are removed later.
    fn let_files_go(&mut self, ids: &[Id]) -> Result<(), Failure>;
    /// Removes messages.
    fn delete_messages(&mut self, ids: &[Id]) -> Result<(), Failure>;
    /// A room whose newest message is one of these has none any more.
    fn empty_rooms(&mut self, rooms: &[Id], ids: &[Id]) -> Result<(), Failure>;
}

statement! {
    HoldRooms on diesel::pg::Pg => PgConnection, rows Id16 {
        "SELECT id FROM rooms WHERE id = ANY (" [rooms: &'a [Id], diesel::sql_types::Array<Id16>]
        ") AND last_message_id = ANY (" [messages: &'a [Id], diesel::sql_types::Array<Id16>]
        ") ORDER BY id FOR NO KEY UPDATE"
    }
}

macro_rules! hold {
    ($connection:ty, |$conn:ident, $rooms:ident, $messages:ident| $lock:expr) => {
        impl Hold for $connection {
            fn hold_rooms(&mut self, $rooms: &[Id], $messages: &[Id]) -> Result<(), Failure> {
                let $conn = self;
                $lock
            }

            fn let_files_go(&mut self, ids: &[Id]) -> Result<(), Failure> {
                // few messages hold any
                let holders: Vec<(Id, i64)> = messages::table
                    .filter(messages::id.eq_any(ids))
                    .filter(messages::attachments.is_not_null())
                    .select((messages::room_id, messages::seq))
                    .load(self)?;
                for (room, seq) in holders {
                    let uses = attachment_uses::table
                        .filter(attachment_uses::room_id.eq(room))
                        .filter(attachment_uses::seq.eq(seq));
                    diesel::delete(uses).execute(self)?;
                }
                Ok(())
            }

            fn delete_messages(&mut self, ids: &[Id]) -> Result<(), Failure> {
                diesel::delete(messages::table.filter(messages::id.eq_any(ids))).execute(self)?;
                Ok(())
            }

            fn empty_rooms(&mut self, of: &[Id], ids: &[Id]) -> Result<(), Failure> {
                let ids = ids.iter().map(|id| Some(*id));
                let of = rooms::table.filter(rooms::id.eq_any(of)).filter(rooms::last_message_id.eq_any(ids));
                diesel::update(of)
                    // who sent it stays, who has read everything (see `Room::read_by`)
                    .set((
                        rooms::last_message_id.eq(None::<Id>),
                        rooms::last_message_text.eq(None::<String>),
                        rooms::last_message_at_ms.eq(None::<i64>),
                    ))
                    .execute(self)?;
                Ok(())
            }
        }
    };
}
hold!(PgConnection, |conn, rooms, messages| {
    let _held: Vec<Id> = HoldRooms { rooms, messages }.load(conn)?;
    Ok(())
});
hold!(SqliteConnection, |_conn, _rooms, _messages| Ok(()));

/// Removes messages with all that hangs on them.
fn remove(conn: &mut (impl Hold + Index), old: &[Old]) -> Result<(), Failure> {
    let ids: Vec<Id> = old.iter().map(|old| old.id).collect();
    let mut rooms: Vec<Id> = old.iter().map(|old| old.room).collect();
    rooms.dedup();
    conn.hold_rooms(&rooms, &ids)?;
    conn.hold_marks(&rooms)?;
    conn.forget(&ids)?;
    conn.let_files_go(&ids)?;
    conn.delete_messages(&ids)?;
    conn.empty_rooms(&rooms, &ids)
}
