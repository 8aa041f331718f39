//! Messages, and pages of them.

use serde::{Deserialize, Serialize};

/// A file, as a message names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// Its name, without folders.
    pub name: String,
    /// What its content is, as `type/subtype`.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

/// An accepted message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Message {
    /// Its id.
    pub id: String,
    /// The room it stands in.
    pub room: String,
    /// Its place in the room: 1, 2, 3, ... without holes.
    pub seq: i64,
    /// Who sent it.
    pub sender: String,
    /// The text; empty when it was taken back.
    pub body: String,
    /// The sender's own id for it.
    pub client_id: Option<String>,
    /// Files that go with it.
    #[serde(default)]
    pub attachments: Vec<String>,
    /// The same files, with what is known of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
    /// The message of the same room that it answers.
    pub reply_to: Option<String>,
    /// When it was accepted: RFC 3339, UTC, milliseconds.
    pub created_at: String,
    /// When its sender changed it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<String>,
    /// When its sender took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<String>,
}

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct NewMessage {
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
}

impl NewMessage {
    /// To a user: the direct room of the two is found or made.
    pub fn to(user: impl Into<String>, body: impl Into<String>) -> Self {
        Self { to: Some(user.into()), body: body.into(), ..Self::default() }
    }

    /// To a room.
    pub fn room(room: impl Into<String>, body: impl Into<String>) -> Self {
        Self { room: Some(room.into()), body: body.into(), ..Self::default() }
    }

    /// An answer to this message, in its room.
    pub fn answer(message: &Message, body: impl Into<String>) -> Self {
        Self { reply_to: Some(message.id.clone()), ..Self::room(&message.room, body) }
    }

    /// One's own id for it, 1 to 64 bytes: the same again is the same message. Without it one is made for each send.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// With this file, uploaded before.
    pub fn attachment(mut self, id: impl Into<String>) -> Self {
        self.attachments.push(id.into());
        self
    }

    /// As an answer to this message of the same room.
    pub fn reply_to(mut self, id: impl Into<String>) -> Self {
        self.reply_to = Some(id.into());
        self
    }
}

/// Which part of a room's history; bounds are `seq` values and exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The newest messages; further pages are older.
    Newest,
    /// The newest ones before this; further pages are older.
    Before(i64),
    /// The oldest ones after this; further pages are newer.
    After(i64),
}

/// A page of a room's history.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct History {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// There are more in the direction that was read.
    pub has_more: bool,
    /// `seq` of the first.
    pub oldest_id: Option<i64>,
    /// `seq` of the last.
    pub newest_id: Option<i64>,
}

impl History {
    /// Where the next page in this direction begins.
    pub(crate) fn next(&self, range: Range) -> Option<Range> {
        let next = match range {
            Range::Newest | Range::Before(_) => Range::Before(self.oldest_id?),
            Range::After(_) => Range::After(self.newest_id?),
        };
        self.has_more.then_some(next)
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Found {
    /// The messages, newest first.
    pub messages: Vec<Message>,
    /// There are older ones.
    pub has_more: bool,
    /// Where they begin.
    pub next: Option<String>,
}
