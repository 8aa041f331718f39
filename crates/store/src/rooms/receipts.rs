//! How far the members of a room have read, and what a room is about.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{Label, Member, RoomId, UserId};

use crate::Store;
use crate::connection::{AnyConnection, on_each};
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::schema::{members, rooms};
use crate::sql::Id;

/// Member, mark, and the room's last `seq` and sender.
type Row = (String, i64, i64, Option<String>);

impl Store {
    /// How far each member of a room has read, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for rooms that the caller is no member of.
    pub async fn receipts(&self, caller: &UserId, room: RoomId) -> Result<Vec<Member>, StoreError> {
        let id = Id(room.uuid());
        let read = move |conn: &mut AnyConnection| {
            let found: Vec<Row> = on_each!(conn, |c| members::table
                .inner_join(rooms::table)
                .filter(members::room_id.eq(id))
                .order(members::user_id)
                .select((
                    members::user_id,
                    members::last_read_seq,
                    rooms::last_seq,
                    rooms::last_message_sender
                ))
                .load(c))?;
            found.into_iter().map(member).collect::<Result<Vec<_>, Failure>>()
        };
        let members = self.inner.readers.run(read).await?;
        if members.iter().any(|member| member.user == *caller) {
            return Ok(members);
        }
        Err(StoreError::NotFound("room"))
    }

    /// The kind of thing that a room is about; `None`: about nothing, or the caller is not in it. It never changes.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn room_context(&self, caller: &UserId, room: RoomId) -> Result<Option<Label>, StoreError> {
        let (caller, id) = (caller.as_str().to_owned(), Id(room.uuid()));
        let read = move |conn: &mut AnyConnection| {
            let found: Option<Option<String>> = on_each!(conn, |c| members::table
                .inner_join(rooms::table)
                .filter(members::room_id.eq(id))
                .filter(members::user_id.eq(&caller))
                .select(rooms::context_kind)
                .first(c)
                .optional())?;
            found.flatten().map(Label::try_from).transpose().map_err(Failure::corrupt)
        };
        self.inner.readers.run(read).await
    }
}

/// Who sent the newest message has read it all; see `Room::read_by`.
fn member((user, mark, last_seq, last_sender): Row) -> Result<Member, Failure> {
    let last_read_seq = if last_sender.as_deref() == Some(user.as_str()) { last_seq } else { mark };
    Ok(Member { user: rows::user(user)?, last_read_seq })
}
