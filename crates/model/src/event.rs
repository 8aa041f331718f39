//! Events: what a client receives.
//!
//! An event is serialised once, when it is accepted; from then on it is bytes that are looked at once more, when they
//! come out of a mailbox, and not taken apart.

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::{BadId, EventId, Message, RoomId, Timestamp};

/// An event's type, such as `message.created`; an application's own types are any text of 1 to 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventKind(std::borrow::Cow<'static, str>);

impl EventKind {
    /// A message was accepted; data is the message.
    pub const MESSAGE_CREATED: Self = Self(std::borrow::Cow::Borrowed("message.created"));
    /// A message has another text; data is the message.
    pub const MESSAGE_UPDATED: Self = Self(std::borrow::Cow::Borrowed("message.updated"));
    /// A message was taken back; data is what is left of it.
    pub const MESSAGE_DELETED: Self = Self(std::borrow::Cow::Borrowed("message.deleted"));
    /// A room came to be, or came to the receiver; data is the room.
    pub const ROOM_CREATED: Self = Self(std::borrow::Cow::Borrowed("room.created"));
    /// A room changed; data is the room.
    pub const ROOM_UPDATED: Self = Self(std::borrow::Cow::Borrowed("room.updated"));
    /// Somebody came into a room; data is `{user}`.
    pub const MEMBER_ADDED: Self = Self(std::borrow::Cow::Borrowed("member.added"));
    /// Somebody left a room; data is `{user}`.
    pub const MEMBER_REMOVED: Self = Self(std::borrow::Cow::Borrowed("member.removed"));
    /// A member has read up to a message; data is `{user,seq}`.
    pub const MESSAGE_READ: Self = Self(std::borrow::Cow::Borrowed("message.read"));
    /// Somebody is typing, or stopped; data is [`Typing`](crate::Typing).
    pub const TYPING: Self = Self(std::borrow::Cow::Borrowed("typing"));
    /// Somebody came online or went offline; data is [`Presence`](crate::Presence).
    pub const PRESENCE: Self = Self(std::borrow::Cow::Borrowed("presence"));

    /// The type as it stands in the event.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EventKind {
    type Error = BadId;
    fn try_from(text: String) -> Result<Self, BadId> {
        // the same bounds as a user id: opaque, short, storable
        let id = crate::UserId::try_from(text)?;
        Ok(Self(std::borrow::Cow::Owned(id.into())))
    }
}

impl From<EventKind> for String {
    fn from(kind: EventKind) -> Self {
        kind.0.into_owned()
    }
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    id: EventId,
    #[serde(rename = "type")]
    kind: &'a str,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<RoomId>,
    data: &'a T,
}

/// An event as it travels: its id, and the JSON that every answer repeats byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// Receivers drop repeats by it.
    pub id: EventId,
    /// The whole event as JSON.
    pub json: Bytes,
    data_at: usize,
}

impl EncodedEvent {
    /// Serialises an event.
    ///
    /// # Errors
    /// When `data` cannot be written as JSON (a map with keys that are no texts).
    pub fn new<T: Serialize>(
        id: EventId,
        kind: &EventKind,
        at: Timestamp,
        room: Option<RoomId>,
        data: &T,
    ) -> Result<Self, serde_json::Error> {
        let data = serde_json::value::to_raw_value(data)?;
        let envelope = Envelope { id, kind: kind.as_str(), at, room, data: &data };
        let mut json = Vec::with_capacity(data.get().len() + 192);
        serde_json::to_writer(&mut json, &envelope)?;
        let data_at = json.len() - 1 - data.get().len();
        Ok(Self { id, json: Bytes::from(json), data_at })
    }

    /// The event that tells of a message; it bears the message's id.
    ///
    /// # Errors
    /// Never in practice: a message is texts and numbers.
    pub fn message_created(message: &Message) -> Result<Self, serde_json::Error> {
        Self::new(
            message.id.into(),
            &EventKind::MESSAGE_CREATED,
            message.created_at,
            Some(message.room),
            message,
        )
    }

    /// Whether these bytes may stand where an event does: one JSON object in UTF-8, whoever wrote it.
    ///
    /// What else somebody puts into a mailbox would stand in the middle of an answer and break all of it.
    #[must_use]
    pub fn may_be(bytes: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    /// The event's `data` alone, sharing the event's bytes.
    #[must_use]
    pub fn data(&self) -> Bytes {
        self.json.slice(self.data_at..self.json.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageId, UserId};

    #[test]
    fn the_event_of_a_message_holds_the_message_as_its_data() {
        let message = Message {
            id: MessageId::new(),
            room: RoomId::new(),
            seq: 7,
            sender: "ann".parse::<UserId>().unwrap(),
            body: "a \"quoted\" line\n}".into(),
            client_id: None,
            attachments: vec![],
            files: vec![],
            reply_to: None,
            created_at: Timestamp::from_ms(0),
            edited_at: None,
            deleted_at: None,
        };
        let event = EncodedEvent::message_created(&message).unwrap();
        let whole: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
        assert_eq!(whole["type"], "message.created");
        assert_eq!(whole["id"], message.id.to_string());
        assert_eq!(whole["room"], message.room.to_string());
        assert_eq!(whole["at"], "1970-01-01T00:00:00.000Z");
        let data: Message = serde_json::from_slice(&event.data()).unwrap();
        assert_eq!(data, message);
        assert_eq!(whole["data"], serde_json::to_value(&message).unwrap());
    }

    #[test]
    fn an_event_without_a_room_has_no_such_field() {
        let kind = EventKind::try_from("order.updated".to_owned()).unwrap();
        let event = EncodedEvent::new(EventId::new(), &kind, Timestamp::now(), None, &1).unwrap();
        let whole: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
        assert!(whole.get("room").is_none());
        assert_eq!(event.data(), "1");
    }

    #[test]
    fn only_an_object_may_be_an_event() {
        let kind = EventKind::try_from("order.updated".to_owned()).unwrap();
        let event = EncodedEvent::new(EventId::new(), &kind, Timestamp::now(), None, &"a\nb").unwrap();
        let text = std::str::from_utf8(&event.json).unwrap();
        for good in [text, "{}", " {\n\"id\":\r\n1}\n"] {
            assert!(EncodedEvent::may_be(good.as_bytes()), "{good}");
        }
        for bad in
            [text.replace('}', ""), format!("{text},{text}"), format!("[{text}]"), String::new(), "1".into()]
        {
            assert!(!EncodedEvent::may_be(bad.as_bytes()), "{bad}");
        }
        let mut bytes = event.json.to_vec();
        let at = text.find("a\\n").unwrap();
        bytes[at] = 0xff;
        assert!(!EncodedEvent::may_be(&bytes), "no UTF-8");
    }
}
