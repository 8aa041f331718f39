//! Who is in a room.

use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{RoomId, UserId};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::schema::members;
use crate::sql::Id;

impl Store {
    /// The members of a room, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such room, or nobody in it.
    pub async fn members(&self, room: RoomId) -> Result<Vec<UserId>, StoreError> {
        if let Some(direct) = self.inner.directs.by_room(room) {
            return Ok(direct.members());
        }
        let room = Id(room.uuid());
        let read = move |conn: &mut AnyConnection| {
            let users: Vec<String> = on_each!(conn, |c| members::table
                .filter(members::room_id.eq(room))
                .order(members::user_id)
                .select(members::user_id)
                .load(c))?;
            users.into_iter().map(rows::user).collect::<Result<Vec<_>, _>>()
        };
        let users = self.inner.readers.run(read).await?;
        if users.is_empty() { Err(StoreError::NotFound("room")) } else { Ok(users) }
    }

    /// The members of a room of at most `most`, for one of them; `None`: it has more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for anybody else.
    pub async fn members_for(
        &self,
        caller: &UserId,
        room: RoomId,
        most: usize,
    ) -> Result<Option<Vec<UserId>>, StoreError> {
        let users = match self.inner.directs.by_room(room) {
            Some(direct) => direct.members(),
            None => {
                let (caller, room) = (caller.clone(), Id(room.uuid()));
                self.inner.readers.run(move |conn| some_and(conn, room, &caller, most)).await?
            }
        };
        if !users.contains(caller) {
            return Err(StoreError::NotFound("room"));
        }
        Ok((users.len() <= most).then_some(users))
    }
}

/// At most one member more than `most`; one who is not among them is asked for and stands last.
fn some_and(
    conn: &mut AnyConnection,
    room: Id,
    caller: &UserId,
    most: usize,
) -> Result<Vec<UserId>, Failure> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let first: Vec<String> = on_each!(conn, |c| members::table
        .filter(members::room_id.eq(room))
        .order(members::user_id)
        .limit(limit)
        .select(members::user_id)
        .load(c))?;
    let mut users: Vec<UserId> = first.into_iter().map(rows::user).collect::<Result<_, _>>()?;
    if users.len() > most && !users.contains(caller) {
        let own: Vec<String> = on_each!(conn, |c| members::table
            .filter(members::room_id.eq(room).and(members::user_id.eq(caller.as_str())))
            .select(members::user_id)
            .load(c))?;
        users.extend(own.into_iter().map(rows::user).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(users)
}
