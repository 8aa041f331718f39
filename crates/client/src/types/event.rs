//! What a loop brings.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::types::Message;

/// The gateway's own types of events. Any other is the application's.
pub mod kind {
    /// A message was accepted; data is the [`Message`](crate::Message).
    pub const MESSAGE_CREATED: &str = "message.created";
    /// A message has another text; data is the [`Message`](crate::Message).
    pub const MESSAGE_UPDATED: &str = "message.updated";
    /// A message was taken back; data is what is left of it.
    pub const MESSAGE_DELETED: &str = "message.deleted";
    /// A member has read up to a message; data is a [`Receipt`](crate::Receipt).
    pub const MESSAGE_READ: &str = "message.read";
    /// A room came to be, or came to this user; data is the [`Room`](crate::Room).
    pub const ROOM_CREATED: &str = "room.created";
    /// A room changed; data is the [`Room`](crate::Room).
    pub const ROOM_UPDATED: &str = "room.updated";
    /// Somebody came into a room; data is `{user}`.
    pub const MEMBER_ADDED: &str = "member.added";
    /// Somebody left a room; data is `{user}`.
    pub const MEMBER_REMOVED: &str = "member.removed";
    /// Somebody is typing, or stopped; data is [`Typing`](crate::Typing).
    pub const TYPING: &str = "typing";
    /// Somebody came online or went offline; data is [`Presence`](crate::Presence).
    pub const PRESENCE: &str = "presence";
}

/// An event, as the gateway wrote it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Its id: the same event again has the same one.
    pub id: String,
    /// Its type, such as [`kind::MESSAGE_CREATED`] or one of the application's own.
    pub kind: String,
    /// When it was accepted: RFC 3339, UTC, milliseconds.
    pub at: String,
    /// The room it is about, where it has one.
    pub room: Option<String>,
    json: Box<RawValue>,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    at: String,
    room: Option<String>,
}

#[derive(Deserialize)]
struct Body<T> {
    data: T,
}

impl Event {
    pub(crate) fn read(json: Box<RawValue>) -> Result<Self, Error> {
        let Head { id, kind, at, room } = serde_json::from_str(json.get()).map_err(Error::answer)?;
        Ok(Self { id, kind, at, room, json })
    }

    /// All of it, as JSON on one line.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// Its data, as what its type says that it is.
    ///
    /// # Errors
    /// The data is something else.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body: Body<T> = serde_json::from_str(self.json.get()).map_err(Error::answer)?;
        Ok(body.data)
    }

    /// The message, when the event says that one was accepted.
    #[must_use]
    pub fn message(&self) -> Option<Message> {
        if self.kind == kind::MESSAGE_CREATED { self.data().ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Result<Event, Error> {
        Event::read(RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn an_event_keeps_its_bytes_and_reads_its_data_when_asked() {
        let json =
            r#"{"id":"1","type":"order.updated","at":"2026-01-31T12:00:00.000Z","data":{"order":7},"new":1}"#;
        let read = event(json).unwrap();
        assert_eq!((read.id.as_str(), read.kind.as_str(), &read.room), ("1", "order.updated", &None));
        assert_eq!(read.json(), json);
        assert_eq!(read.data::<serde_json::Value>().unwrap()["order"], 7);
        assert!(read.data::<String>().is_err() && read.message().is_none());
        assert!(event(r#"{"type":"x","at":"","data":1}"#).is_err(), "without an id");
    }
}
