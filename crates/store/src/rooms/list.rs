//! A user's rooms, and one of them.

use diesel::RunQueryDsl as _;
use pollgate_model::{
    Assigned, ContextId, Label, Member, RoomCursor, RoomFilter, RoomId, RoomKind, RoomSummary, Rooms, UserId,
};

use super::sql::{Row, SeenRooms};
use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::sql::Id;

impl Store {
    /// A page of a user's rooms, newest activity first: those the user is in, and, when the list is narrowed to a
    /// category or to rooms of nobody, those that wait at a desk of the user's.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn rooms(
        &self,
        caller: &UserId,
        filter: &RoomFilter,
        before: Option<RoomCursor>,
        limit: u32,
    ) -> Result<Rooms, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // one more than asked for tells whether there are more
        let query = SeenRooms { limit: count(limit.saturating_add(1)), ..narrowed(caller, filter, before) };
        let mut rooms = self.seen(query, Some(caller)).await?;
        let has_more = rooms.len() > limit;
        rooms.truncate(limit);
        Ok(Rooms::new(rooms, has_more))
    }

    /// A room as somebody sees it: a member, an agent of its desk while nobody looks after it, or, without a caller,
    /// nobody in particular.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for anybody else.
    pub async fn room(&self, caller: Option<&UserId>, room: RoomId) -> Result<RoomSummary, StoreError> {
        let query = SeenRooms {
            caller: caller.map(|user| user.as_str().to_owned()),
            desks: true,
            only: Some(Id(room.uuid())),
            equal: Vec::new(),
            unassigned: false,
            before: None,
            limit: 1,
        };
        self.seen(query, caller).await?.pop().ok_or(StoreError::NotFound("room"))
    }

    async fn seen(&self, query: SeenRooms, caller: Option<&UserId>) -> Result<Vec<RoomSummary>, StoreError> {
        let caller = caller.cloned();
        let read = move |conn: &mut AnyConnection| {
            let rows: Vec<Row> = on_each!(conn, |c| query.clone().load(c))?;
            rows.into_iter().map(|row| summary(row, caller.as_ref())).collect()
        };
        self.inner.readers.run(read).await
    }
}

fn summary((row, read, members): Row, caller: Option<&UserId>) -> Result<RoomSummary, Failure> {
    let room = rows::room(row)?;
    let members: Vec<UserId> = match members {
        Some(json) => serde_json::from_str(&json).map_err(Failure::corrupt)?,
        None => Vec::new(),
    };
    let read = match caller {
        Some(user) => room.read_by(&Member { user: user.clone(), last_read_seq: read }),
        None => read,
    };
    Ok(room.seen(members, read))
}

fn narrowed(caller: &UserId, filter: &RoomFilter, before: Option<RoomCursor>) -> SeenRooms {
    let mut equal = Vec::new();
    let mut add = |column, value: Option<&str>| equal.extend(value.map(|value| (column, value.to_owned())));
    add("kind", filter.kind.map(RoomKind::as_str));
    add("context_kind", filter.context_kind.as_ref().map(Label::as_str));
    add("context_id", filter.context_id.as_ref().map(ContextId::as_str));
    add("category", filter.category.as_ref().map(Label::as_str));
    add("status", filter.status.as_ref().map(Label::as_str));
    if let Some(Assigned::To(user)) = &filter.assignee {
        add("assignee", Some(user.as_str()));
    }
    let unassigned = filter.assignee == Some(Assigned::Nobody);
    SeenRooms {
        caller: Some(caller.as_str().to_owned()),
        desks: filter.category.is_some() || unassigned,
        only: None,
        equal,
        unassigned,
        before: before.map(|place| (place.updated_at.as_ms(), Id(place.id.uuid()))),
        limit: 0,
    }
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
