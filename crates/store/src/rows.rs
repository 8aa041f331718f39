//! Rows as they stand in the tables, and the values they stand for.

use std::sync::Arc;

use diesel::sql_types::{BigInt, Nullable, Text};
use pollgate_model::{
    BadId, ClientId, Context, EncodedEvent, EventId, EventKind, LastMessage, Message, Recipient, Room,
    RoomId, RoomKind, Timestamp, UserId,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Failure;
use crate::schema::rooms;
use crate::sql::{Id, Id16};

/// The columns of a message, in the order of its table.
pub(crate) type MessageRow =
    (Id, i64, Id, String, String, Option<String>, Option<Id>, i64, Option<String>, Option<i64>, Option<i64>);
/// Their types, for statements written by hand.
pub(crate) type MessageColumns = (
    Id16,
    BigInt,
    Id16,
    Text,
    Text,
    Nullable<Text>,
    Nullable<Id16>,
    BigInt,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
);

/// The message that a row holds.
pub(crate) fn message(row: MessageRow) -> Result<Message, Failure> {
    let (room, seq, id, sender, body, client_id, reply_to, created_at, _files, edited_at, deleted_at) = row;
    Ok(Message {
        id: id.0.into(),
        room: room.0.into(),
        seq,
        sender: user(sender)?,
        body,
        client_id: client_id.map(ClientId::try_from).transpose().map_err(Failure::corrupt)?,
        attachments: Vec::new(),
        reply_to: reply_to.map(|id| id.0.into()),
        created_at: Timestamp::from_ms(created_at),
        edited_at: edited_at.map(Timestamp::from_ms),
        deleted_at: deleted_at.map(Timestamp::from_ms),
    })
}

/// The columns of a room that others see.
#[derive(diesel::Queryable)]
pub(crate) struct RoomRow {
    id: Id,
    kind: String,
    name: Option<String>,
    context_kind: Option<String>,
    context_id: Option<String>,
    category: Option<String>,
    status: Option<String>,
    assignee: Option<String>,
    created_by: Option<String>,
    last_seq: i64,
    last_id: Option<Id>,
    last_sender: Option<String>,
    last_text: Option<String>,
    last_at: Option<i64>,
    updated_at: i64,
}

/// Those columns, in that order.
pub(crate) const ROOM_COLUMNS: RoomColumns = (
    rooms::id,
    rooms::kind,
    rooms::name,
    rooms::context_kind,
    rooms::context_id,
    rooms::category,
    rooms::status,
    rooms::assignee,
    rooms::created_by,
    rooms::last_seq,
    rooms::last_message_id,
    rooms::last_message_sender,
    rooms::last_message_text,
    rooms::last_message_at_ms,
    rooms::updated_at_ms,
);
type RoomColumns = (
    rooms::id,
    rooms::kind,
    rooms::name,
    rooms::context_kind,
    rooms::context_id,
    rooms::category,
    rooms::status,
    rooms::assignee,
    rooms::created_by,
    rooms::last_seq,
    rooms::last_message_id,
    rooms::last_message_sender,
    rooms::last_message_text,
    rooms::last_message_at_ms,
    rooms::updated_at_ms,
);

/// The room that a row holds.
pub(crate) fn room(row: RoomRow) -> Result<Room, Failure> {
    let kind = match row.kind.as_str() {
        "direct" => RoomKind::Direct,
        "group" => RoomKind::Group,
        other => return Err(Failure::corrupt(format!("a room of the kind {other:?}"))),
    };
    let context = match (row.context_kind, row.context_id) {
        (Some(kind), Some(id)) => Some(Context { kind: parsed(kind)?, id: parsed(id)? }),
        _ => None,
    };
    let last_sender = row.last_sender.map(user).transpose()?;
    let last_message = match (row.last_id, &last_sender, row.last_text, row.last_at) {
        (Some(id), Some(sender), Some(text), Some(at)) => Some(LastMessage {
            id: id.0.into(),
            seq: row.last_seq,
            sender: sender.clone(),
            text,
            created_at: Timestamp::from_ms(at),
        }),
        _ => None,
    };
    Ok(Room {
        id: row.id.0.into(),
        kind,
        name: row.name.map(parsed).transpose()?,
        context,
        category: row.category.map(parsed).transpose()?,
        status: row.status.map(parsed).transpose()?,
        assignee: row.assignee.map(user).transpose()?,
        created_by: row.created_by.map(user).transpose()?,
        last_message,
        last_sender,
        last_seq: row.last_seq,
        updated_at: Timestamp::from_ms(row.updated_at),
    })
}

fn parsed<T: TryFrom<String, Error = BadId>>(text: String) -> Result<T, Failure> {
    T::try_from(text).map_err(Failure::corrupt)
}

/// The user that a column names.
pub(crate) fn user(text: String) -> Result<UserId, Failure> {
    UserId::try_from(text).map_err(Failure::corrupt)
}

/// Recipients as the outbox keeps them.
pub(crate) fn recipients_json(recipients: &[Recipient]) -> Result<String, Failure> {
    let pairs: Vec<(&str, bool)> = recipients.iter().map(|r| (r.user.as_str(), r.make_mailbox)).collect();
    serde_json::to_string(&pairs).map_err(Failure::corrupt)
}

/// Recipients from what the outbox keeps.
pub(crate) fn recipients(json: &str) -> Result<Arc<[Recipient]>, Failure> {
    let pairs: Vec<(UserId, bool)> = serde_json::from_str(json).map_err(Failure::corrupt)?;
    Ok(pairs.into_iter().map(|(user, make_mailbox)| Recipient { user, make_mailbox }).collect())
}

#[derive(Deserialize)]
struct Envelope<'a> {
    id: EventId,
    #[serde(rename = "type")]
    kind: EventKind,
    at: Timestamp,
    room: Option<RoomId>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// The event from its JSON, byte for byte the same: its data is carried over as it is.
pub(crate) fn event(json: &[u8]) -> Result<EncodedEvent, Failure> {
    let whole: Envelope<'_> = serde_json::from_slice(json).map_err(Failure::corrupt)?;
    EncodedEvent::new(whole.id, &whole.kind, whole.at, whole.room, &whole.data).map_err(Failure::corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_comes_back_byte_for_byte() {
        let kind = EventKind::try_from("order.\"updated\" ä\n".to_owned()).unwrap();
        let data = RawValue::from_string("{ \"b\": 1.50,  \"a\":\"\\u00e4\" }".into()).unwrap();
        for room in [None, Some(RoomId::new())] {
            let event = EncodedEvent::new(EventId::new(), &kind, Timestamp::from_ms(7), room, &data).unwrap();
            assert_eq!(super::event(&event.json).unwrap(), event);
        }
    }
}
