//! An application's own events.

use serde::Serialize;
use serde_json::Value;

/// An event to publish; needs the scope `publish`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[must_use]
pub struct NewEvent {
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    data: Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ephemeral: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
}

impl NewEvent {
    /// To these users, of a type such as `order.updated`.
    pub fn to<U: Into<String>>(users: impl IntoIterator<Item = U>, kind: impl Into<String>) -> Self {
        let to = users.into_iter().map(Into::into).collect();
        Self { to: Some(to), ..Self::of(kind.into()) }
    }

    /// To everybody in a room.
    pub fn room(room: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { room: Some(room.into()), ..Self::of(kind.into()) }
    }

    fn of(kind: String) -> Self {
        Self { to: None, room: None, kind, data: Value::Null, ephemeral: false, ttl_ms: None }
    }

    /// What it says.
    pub fn data(mut self, data: impl Into<Value>) -> Self {
        self.data = data.into();
        self
    }

    /// Only to those who are there, without store and promise.
    pub fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }

    /// How long it is worth delivering.
    pub fn ttl(mut self, ttl: std::time::Duration) -> Self {
        self.ttl_ms = Some(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        self
    }
}
