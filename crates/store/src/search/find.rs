//! A page of what a search finds.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{Message, MessageId, RoomId, SearchCursor, SearchPage, SearchQuery, UserId};
use tokio::time::timeout;
use uuid::Uuid;

use super::{entry, pg, place, sqlite};
use crate::Store;
use crate::aside::transaction;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows::{self, MessageRow};
use crate::schema::{members, messages, rooms};
use crate::sql::Id;

/// Most rooms that one search goes through: those with the newest activity.
const MOST_ROOMS: i64 = 1_000;
/// Rooms in one question to FTS5.
const ROOMS_AT_ONCE: usize = 50;

/// A message that was found: its place in the order, and its id.
type Hit = (u128, Id);

impl Store {
    /// Messages in which all of `query` stands, newest first: in `room`, or in the rooms that the caller is a member of,
    /// of which the 1,000 with the newest activity count. A message that was just sent is found when it is indexed; a text
    /// that was changed or deleted is not found from then on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a room that the caller is no member of; [`StoreError::Busy`]: too many search.
    pub async fn search(
        &self,
        caller: &UserId,
        query: SearchQuery,
        room: Option<RoomId>,
        before: Option<SearchCursor>,
        limit: u32,
    ) -> Result<SearchPage, StoreError> {
        let (caller, room) = (caller.clone(), room.map(|room| Id(room.uuid())));
        let before = before.map_or(u128::MAX, SearchCursor::place);
        let search = move |conn: &mut AnyConnection| {
            let rooms = match room {
                Some(room) if !is_member(conn, room, &caller)? => return Ok(None),
                Some(room) => vec![room],
                None => rooms_of(conn, &caller)?,
            };
            page(conn, &rooms, &query, before, limit).map(Some)
        };
        // a search may take long: a few of them leave connections to all others
        let waited = timeout(self.inner.search_timeout, self.inner.searches.acquire()).await;
        let Ok(Ok(_seat)) = waited else { return Err(StoreError::Busy("searches")) };
        self.inner.readers.run(search).await?.ok_or(StoreError::NotFound("room"))
    }
}

fn is_member(conn: &mut AnyConnection, room: Id, user: &UserId) -> Result<bool, Failure> {
    let found: Vec<i64> = on_each!(conn, |c| members::table
        .filter(members::room_id.eq(room))
        .filter(members::user_id.eq(user.as_str()))
        .select(members::last_read_seq)
        .load(c))?;
    Ok(!found.is_empty())
}

fn rooms_of(conn: &mut AnyConnection, user: &UserId) -> Result<Vec<Id>, Failure> {
    Ok(on_each!(conn, |c| members::table
        .inner_join(rooms::table)
        .filter(members::user_id.eq(user.as_str()))
        .order(rooms::updated_at_ms.desc())
        .limit(MOST_ROOMS)
        .select(members::room_id)
        .load(c))?)
}

fn page(
    conn: &mut AnyConnection,
    rooms: &[Id],
    query: &SearchQuery,
    before: u128,
    limit: u32,
) -> Result<SearchPage, Failure> {
    // one more than asked for tells whether there are more
    let most = i64::from(limit).saturating_add(1);
    let mut hits = match conn {
        _ if rooms.is_empty() => Vec::new(),
        AnyConnection::Pg(_) => find_pg(conn, rooms, query, before, most)?,
        AnyConnection::Sqlite(c) => find_sqlite(c, rooms, query, before, most)?,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = hits.len() > limit;
    hits.truncate(limit);
    let next = hits.last().filter(|_| has_more).map(|(place, _)| SearchCursor::new(*place));
    Ok(SearchPage { messages: read(conn, &hits, rooms)?, has_more, next })
}

fn find_pg(
    conn: &mut AnyConnection,
    rooms: &[Id],
    query: &SearchQuery,
    before: u128,
    most: i64,
) -> Result<Vec<Hit>, Failure> {
    let queries: Vec<String> = rooms.iter().map(|room| entry::tsquery(*room, query)).collect();
    let before = Id(Uuid::from_u128(before));
    let ids: Vec<Id> = transaction(conn, |conn| {
        // a plan made while the table was small must not outlive that
        conn.run("SET LOCAL enable_seqscan = off")?;
        let AnyConnection::Pg(c) = conn else { return Ok(Vec::new()) };
        Ok(pg::Find { queries: &queries, before: &before, limit: &most }.load(c)?)
    })?;
    Ok(ids.into_iter().map(|id| (place(MessageId::from(id.0)), id)).collect())
}

fn find_sqlite(
    conn: &mut diesel::sqlite::SqliteConnection,
    rooms: &[Id],
    query: &SearchQuery,
    before: u128,
    most: i64,
) -> Result<Vec<Hit>, Failure> {
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    let mut hits: Vec<Hit> = Vec::new();
    for some in rooms.chunks(ROOMS_AT_ONCE) {
        let query = entry::fts5(some, query);
        let found: Vec<(i64, Id)> =
            sqlite::Find { query: &query, before: &before, limit: &most }.load(conn)?;
        hits.extend(found.into_iter().filter_map(|(number, id)| Some((u128::try_from(number).ok()?, id))));
        hits.sort_unstable_by(|one, other| other.cmp(one));
        hits.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    Ok(hits)
}

/// The messages, in the order in which they were found; what is not there any more, and what is none of the rooms', is left
/// out.
fn read(conn: &mut AnyConnection, hits: &[Hit], rooms: &[Id]) -> Result<Vec<Message>, Failure> {
    let ids: Vec<Id> = hits.iter().map(|(_, id)| *id).collect();
    let found: Vec<MessageRow> = on_each!(conn, |c| messages::table
        .filter(messages::id.eq_any(&ids))
        .filter(messages::deleted_at_ms.is_null())
        .load(c))?;
    let rooms: HashSet<Id> = rooms.iter().copied().collect();
    let mut of: HashMap<Id, MessageRow> =
        found.into_iter().filter(|row| rooms.contains(&row.0)).map(|row| (row.2, row)).collect();
    ids.iter().filter_map(|id| of.remove(id)).map(rows::message).collect()
}
