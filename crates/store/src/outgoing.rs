//! What leaves the store towards the broker, and what a sender hears.

use std::sync::Arc;

use bytes::Bytes;
use pollgate_model::{EncodedEvent, MessageId, Recipient, RoomId, Timestamp, TraceContext, UserId};

/// Hears of what was committed.
///
/// Called on a writer's thread, after the commit and before any sender is answered; per room in commit (`seq`)
/// order. Must not block.
pub trait OnCommit: Send + Sync + 'static {
    /// These stand in the outbox now.
    fn committed(&self, rows: Vec<Outgoing>);
    /// A commit broke: rows may stand in the outbox that [`OnCommit::committed`] never named.
    fn uncertain(&self);
}

/// An event that stands in the outbox until [`Store::settle`](crate::Store::settle).
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its number in the outbox.
    pub ticket: i64,
    /// The event.
    pub event: EncodedEvent,
    /// Who gets it.
    pub recipients: Arc<[Recipient]>,
    /// It tells of a message, which history can replay.
    pub stored: bool,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// After this it need not be delivered any more.
    pub expires_at: Option<Timestamp>,
    /// Where it stands in a trace, when it is sampled.
    pub trace: Option<Arc<TraceContext>>,
}

/// A message that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub id: MessageId,
    /// The room it stands in.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: i64,
    /// The message as JSON.
    pub json: Bytes,
    /// It was stored before under the same client id; nothing was sent again.
    pub repeated: bool,
}

/// Who gets an application's event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// These users.
    Users(Vec<UserId>),
    /// Everybody in a room.
    Room(RoomId),
}

/// An application's event, to be carried as durably as a message.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The event.
    pub event: EncodedEvent,
    /// Who gets it.
    pub to: Audience,
    /// After this it need not be delivered any more.
    pub expires_at: Option<Timestamp>,
    /// Where it stands in a trace, when it is sampled.
    pub trace: Option<Arc<TraceContext>>,
}
