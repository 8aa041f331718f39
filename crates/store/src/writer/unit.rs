//! What writers are asked for.

use std::sync::Arc;
use std::time::Instant;

use pollgate_model::{NewMessage, RoomId, UserId};
use tokio::sync::oneshot;

use crate::directs::Direct;
use crate::error::StoreError;
use crate::outgoing::{NewEvent, Sent};

/// Where a message goes, as far as it is known before the transaction.
#[derive(Clone, Debug)]
pub(crate) enum Room {
    /// A direct room, which may have to be made.
    Direct(Arc<Direct>),
    /// Any room; whether the sender is in it will be seen.
    Other(RoomId),
}

impl Room {
    pub(crate) fn id(&self) -> RoomId {
        match self {
            Self::Direct(direct) => direct.room,
            Self::Other(room) => *room,
        }
    }
}

/// How a send ended.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It is stored.
    Sent(Sent),
    /// Nothing was written: the two have this room, made by another process.
    Elsewhere(RoomId, Vec<UserId>),
    /// Nothing was written: what was known of the room is not true any more.
    Gone(Arc<Direct>),
    /// Nothing was written: somebody else was in the way.
    Again,
}

/// A message to be written.
pub(crate) struct Send {
    pub(crate) new: NewMessage,
    pub(crate) room: Room,
    pub(crate) queued: Instant,
    pub(crate) reply: oneshot::Sender<Result<Verdict, StoreError>>,
}

/// Events to be written, all or none.
pub(crate) struct Publish {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) queued: Instant,
    pub(crate) reply: oneshot::Sender<Result<(), StoreError>>,
}

/// One entry of a writer's queue.
pub(crate) enum Unit {
    Send(Box<Send>),
    Publish(Publish),
    /// Everything before it is finished when this is answered, and the writer ends.
    Stop(oneshot::Sender<Result<(), StoreError>>),
}

impl Unit {
    pub(crate) fn queued(&self) -> Option<Instant> {
        match self {
            Self::Send(send) => Some(send.queued),
            Self::Publish(publish) => Some(publish.queued),
            Self::Stop(_) => None,
        }
    }

    /// Answers with a failure. The asker may have left, which does not matter.
    pub(crate) fn fail(self, error: StoreError) {
        match self {
            Self::Send(send) => drop(send.reply.send(Err(error))),
            Self::Publish(publish) => drop(publish.reply.send(Err(error))),
            Self::Stop(reply) => drop(reply.send(Err(error))),
        }
    }
}
