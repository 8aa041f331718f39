//! Who is in a room.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{RoomId, UserId};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::StoreError;
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
}
