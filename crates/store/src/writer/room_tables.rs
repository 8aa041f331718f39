//! What changes of rooms do to the tables. They are rare beside messages, so each goes row by row, in the same words on
//! both databases.

use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};
use pollgate_model::{LastMessage, Message, Room, Timestamp, UserId};

use crate::error::Failure;
use crate::rows::{self, MessageRow, RoomRow};
use crate::schema::{attachment_uses, desk_agents, members, messages, rooms};
use crate::sql::Id;

/// The tables of rooms within one transaction that holds the rooms in question.
pub(crate) trait RoomTables {
    /// These rooms, as far as they are there.
    fn rooms(&mut self, ids: &[Id]) -> Result<Vec<RoomRow>, Failure>;
    /// Who is in these rooms and has read how far, as (room, user, seq) in order.
    fn marks(&mut self, rooms: &[Id]) -> Result<Vec<(Id, String, i64)>, Failure>;
    /// Who serves these desks, as (category, user) in order.
    fn agents(&mut self, categories: &[&str]) -> Result<Vec<(String, String)>, Failure>;
    /// These messages, as far as they are there.
    fn messages(&mut self, ids: &[Id]) -> Result<Vec<MessageRow>, Failure>;
    fn make_room(&mut self, room: &Room, at: Timestamp) -> Result<(), Failure>;
    /// Writes what a change may change: name, category, status, assignee, time.
    fn change_room(&mut self, room: &Room) -> Result<(), Failure>;
    fn leave(&mut self, room: Id, user: &UserId) -> Result<(), Failure>;
    /// Writes a message's text and when it was changed or deleted, into its room's row too when it is the newest.
    fn change_message(&mut self, message: &Message) -> Result<(), Failure>;
}

macro_rules! room_tables {
    ($connection:ty) => {
        impl RoomTables for $connection {
            fn rooms(&mut self, ids: &[Id]) -> Result<Vec<RoomRow>, Failure> {
                Ok(rooms::table.filter(rooms::id.eq_any(ids)).select(rows::ROOM_COLUMNS).load(self)?)
            }

            fn marks(&mut self, of: &[Id]) -> Result<Vec<(Id, String, i64)>, Failure> {
                let found = members::table
                    .filter(members::room_id.eq_any(of))
                    .order((members::room_id, members::user_id))
                    .select((members::room_id, members::user_id, members::last_read_seq));
                Ok(found.load(self)?)
            }

            fn agents(&mut self, categories: &[&str]) -> Result<Vec<(String, String)>, Failure> {
                let found = desk_agents::table
                    .filter(desk_agents::category.eq_any(categories))
                    .order((desk_agents::category, desk_agents::user_id));
                Ok(found.load(self)?)
            }

            fn messages(&mut self, ids: &[Id]) -> Result<Vec<MessageRow>, Failure> {
                Ok(messages::table.filter(messages::id.eq_any(ids)).load(self)?)
            }

            fn make_room(&mut self, room: &Room, at: Timestamp) -> Result<(), Failure> {
                let context = room.context.as_ref();
                diesel::insert_into(rooms::table)
                    .values((
                        rooms::id.eq(Id(room.id.uuid())),
                        rooms::kind.eq(room.kind.as_str()),
                        rooms::name.eq(room.name.as_ref().map(|name| name.as_str())),
                        rooms::last_seq.eq(room.last_seq),
                        rooms::created_at_ms.eq(at.as_ms()),
                        rooms::updated_at_ms.eq(room.updated_at.as_ms()),
                        rooms::context_kind.eq(context.map(|context| context.kind.as_str())),
                        rooms::context_id.eq(context.map(|context| context.id.as_str())),
                        rooms::category.eq(room.category.as_ref().map(|category| category.as_str())),
                        rooms::status.eq(room.status.as_ref().map(|status| status.as_str())),
                        rooms::assignee.eq(room.assignee.as_ref().map(UserId::as_str)),
                        rooms::created_by.eq(room.created_by.as_ref().map(UserId::as_str)),
                    ))
                    .execute(self)?;
                Ok(())
            }

            fn change_room(&mut self, room: &Room) -> Result<(), Failure> {
                diesel::update(rooms::table.filter(rooms::id.eq(Id(room.id.uuid()))))
                    .set((
                        rooms::name.eq(room.name.as_ref().map(|name| name.as_str())),
                        rooms::category.eq(room.category.as_ref().map(|category| category.as_str())),
                        rooms::status.eq(room.status.as_ref().map(|status| status.as_str())),
                        rooms::assignee.eq(room.assignee.as_ref().map(UserId::as_str)),
                        rooms::updated_at_ms.eq(room.updated_at.as_ms()),
                    ))
                    .execute(self)?;
                Ok(())
            }

            fn change_message(&mut self, message: &Message) -> Result<(), Failure> {
                let (id, room) = (Id(message.id.uuid()), Id(message.room.uuid()));
                let one = messages::table.filter(messages::id.eq(id));
                diesel::update(one)
                    .set((
                        messages::body.eq(message.body.as_str()),
                        messages::edited_at_ms.eq(message.edited_at.map(Timestamp::as_ms)),
                        messages::deleted_at_ms.eq(message.deleted_at.map(Timestamp::as_ms)),
                    ))
                    .execute(self)?;
                if message.deleted_at.is_some() {
                    let none = messages::attachments.eq(None::<String>);
                    diesel::update(one).set(none).execute(self)?;
                    let use_of = attachment_uses::room_id.eq(room).and(attachment_uses::seq.eq(message.seq));
                    diesel::delete(attachment_uses::table.filter(use_of)).execute(self)?;
                }
                let newest = rooms::id.eq(room).and(rooms::last_message_id.eq(Some(id)));
                diesel::update(rooms::table.filter(newest))
                    .set(rooms::last_message_text.eq(Some(LastMessage::cut(&message.body))))
                    .execute(self)?;
                Ok(())
            }

            fn leave(&mut self, room: Id, user: &UserId) -> Result<(), Failure> {
                let member = members::room_id.eq(room).and(members::user_id.eq(user.as_str()));
                diesel::delete(members::table.filter(member)).execute(self)?;
                Ok(())
            }
        }
    };
}

room_tables!(PgConnection);
room_tables!(SqliteConnection);
