//! Pages of a room's history: who may read it and what stands there, in one statement.

use diesel::RunQueryDsl as _;
use diesel::pg::{Pg, PgConnection};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use pollgate_model::{History, Message, Range, RoomId, UserId};

use crate::Store;
use crate::connection::AnyConnection;
use crate::error::{Failure, StoreError};
use crate::rows::{self, MessageColumns, MessageRow};
use crate::sql::{Id, Id16, statement};

/// A page in one direction: always at least one row, without a message where there is none or the caller may not read.
///
/// Members may read, and the agents of the room's desk while nobody looks after it.
macro_rules! page {
    ($name:ident on $backend:ty => $connection:ty, $order:literal) => {
        statement! {
            $name on $backend => $connection, rows (Bool, Nullable<MessageColumns>) {
                "SELECT a.ok, p.room_id, p.seq, p.id, p.sender, p.body, p.client_id, p.reply_to, p.created_at_ms, \
                 p.attachments, p.edited_at_ms, p.deleted_at_ms FROM (SELECT EXISTS (SELECT 1 FROM members WHERE room_id = "
                [of: &'a Id, Id16] " AND user_id = " [member: &'a str, Text]
                ") OR EXISTS (SELECT 1 FROM rooms r JOIN desk_agents d ON d.category = r.category WHERE r.id = "
                [at: &'a Id, Id16] " AND r.assignee IS NULL AND d.user_id = " [agent: &'a str, Text]
                ") AS ok) a LEFT JOIN (SELECT * FROM messages WHERE room_id = " [room: &'a Id, Id16]
                " AND seq > " [after: &'a i64, BigInt] " AND seq < " [before: &'a i64, BigInt]
                $order [limit: &'a i64, BigInt] ") p ON a.ok"
            }
        }
    };
}
page!(DownPg on Pg => PgConnection, " ORDER BY seq DESC LIMIT ");
page!(DownSqlite on Sqlite => SqliteConnection, " ORDER BY seq DESC LIMIT ");
page!(UpPg on Pg => PgConnection, " ORDER BY seq LIMIT ");
page!(UpSqlite on Sqlite => SqliteConnection, " ORDER BY seq LIMIT ");

/// Asks in one direction on one kind of database.
macro_rules! ask {
    ($name:ident, $conn:expr, $room:expr, $caller:expr, $after:expr, $before:expr, $limit:expr) => {
        $name {
            of: &$room,
            member: $caller,
            at: &$room,
            agent: $caller,
            room: &$room,
            after: &$after,
            before: &$before,
            limit: &$limit,
        }
        .load($conn)?
    };
}

impl Store {
    /// A page of a room's messages, oldest first. [`Range::Newest`] and [`Range::Before`] are read downwards, the
    /// others upwards; `has_more` speaks of that direction.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for rooms that the caller may not look into.
    pub async fn history(
        &self,
        caller: &UserId,
        room: RoomId,
        range: Range,
        limit: u32,
    ) -> Result<History, StoreError> {
        let (caller, room) = (caller.clone(), Id(room.uuid()));
        let read = move |conn: &mut AnyConnection| page(conn, room, caller.as_str(), range, limit);
        self.inner.readers.run(read).await?.ok_or(StoreError::NotFound("room"))
    }
}

fn page(
    conn: &mut AnyConnection,
    room: Id,
    caller: &str,
    range: Range,
    limit: u32,
) -> Result<Option<History>, Failure> {
    let (after, before, downwards) = match range {
        Range::Newest => (0, i64::MAX, true),
        Range::Before(before) => (0, before, true),
        Range::After(after) => (after, i64::MAX, false),
        Range::Between { after, before } => (after, before, false),
    };
    // one more than asked for tells whether there are more
    let most = i64::from(limit).saturating_add(1);
    let found: Vec<(bool, Option<MessageRow>)> = match (conn, downwards) {
        (AnyConnection::Pg(c), true) => ask!(DownPg, c, room, caller, after, before, most),
        (AnyConnection::Pg(c), false) => ask!(UpPg, c, room, caller, after, before, most),
        (AnyConnection::Sqlite(c), true) => ask!(DownSqlite, c, room, caller, after, before, most),
        (AnyConnection::Sqlite(c), false) => ask!(UpSqlite, c, room, caller, after, before, most),
    };
    if !found.first().is_some_and(|(may_read, _)| *may_read) {
        return Ok(None);
    }
    let mut messages: Vec<Message> =
        found.into_iter().filter_map(|(_, row)| row).map(rows::message).collect::<Result<_, _>>()?;
    // a join promises no order
    messages.sort_unstable_by_key(|message| message.seq);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = messages.len() > limit;
    if has_more {
        if downwards { drop(messages.remove(0)) } else { messages.truncate(limit) }
    }
    Ok(Some(History::new(messages, has_more)))
}
