//! Messages: what a sender asks for, and what was accepted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Attachment, AttachmentId, ClientId, MessageId, RoomId, Timestamp, TraceContext, UserId};

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a user: the direct room of the two is found or made.
    User(UserId),
    /// To a room the sender is a member of.
    Room(RoomId),
}

/// A message as its sender wants it, checked but not yet accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Who sends it.
    pub sender: UserId,
    /// Where it goes.
    pub target: Target,
    /// The text; empty only when there are attachments.
    pub body: String,
    /// The sender's own id for it: the same one again is the same message.
    pub client_id: Option<ClientId>,
    /// Files that go with it.
    pub attachments: Vec<AttachmentId>,
    /// The message of the same room that it answers.
    pub reply_to: Option<MessageId>,
    /// Where it stands in a trace, when it is sampled.
    pub trace: Option<Arc<TraceContext>>,
}

/// An accepted message, as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The room it stands in.
    pub room: RoomId,
    /// Its place in the room: 1, 2, 3, ... without holes, in commit order.
    pub seq: i64,
    /// Who sent it.
    pub sender: UserId,
    /// The text.
    pub body: String,
    /// The sender's own id for it.
    pub client_id: Option<ClientId>,
    /// Files that go with it.
    pub attachments: Vec<AttachmentId>,
    /// The same files, with what is known of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
    /// The message of the same room that it answers.
    pub reply_to: Option<MessageId>,
    /// When it was accepted, by the gateway's clock.
    pub created_at: Timestamp,
    /// When its sender changed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When its sender took it back: its place stays, its text and attachments are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}
