//! What writers are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pollgate_model::{NewMessage, RoomId, UserId};
use tokio::sync::oneshot;

use crate::change::Change;
use crate::connection::AnyConnection;
use crate::directs::Direct;
use crate::error::StoreError;
use crate::idempotency::{Keyed, Published};
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

/// Who has a unit: the writer that begins with it, or the asker that gives up waiting for that. Only one of them gets
/// it, so an asker that gave up knows that nothing will be written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Takes the unit, unless the other side was faster.
    pub(crate) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// A message to be written.
pub(crate) struct Send {
    pub(crate) new: NewMessage,
    /// Who sends it in the sender's name.
    pub(crate) caller: Option<UserId>,
    pub(crate) room: Room,
    pub(crate) queued: Instant,
    pub(crate) claim: Claim,
    pub(crate) reply: oneshot::Sender<Result<Verdict, StoreError>>,
}

/// Events to be written, all or none.
pub(crate) struct Publish {
    pub(crate) events: Vec<NewEvent>,
    /// With it they are written once, however often they are asked for.
    pub(crate) key: Option<Keyed>,
    pub(crate) queued: Instant,
    pub(crate) claim: Claim,
    pub(crate) reply: oneshot::Sender<Result<Published, StoreError>>,
}

/// Work that is done in a transaction of its own. It answers its asker itself, and says why when it has lost the connection.
pub(crate) type AsideWork =
    Box<dyn FnOnce(Result<&mut AnyConnection, StoreError>) -> Option<String> + std::marker::Send>;

/// Something to be written beside the messages.
pub(crate) struct Aside {
    pub(crate) work: AsideWork,
    pub(crate) queued: Instant,
    pub(crate) claim: Claim,
}

/// A change of a room.
pub(crate) struct ChangeUnit {
    pub(crate) change: Change,
    pub(crate) queued: Instant,
    pub(crate) claim: Claim,
    pub(crate) reply: oneshot::Sender<Result<Bytes, StoreError>>,
}

/// A read mark.
pub(crate) struct MarkUnit {
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
    pub(crate) seq: i64,
    /// The room, where it is known to be a direct one.
    pub(crate) direct: Option<Arc<Direct>>,
    /// The others hear of it in rooms of at most so many members.
    pub(crate) told: usize,
    pub(crate) queued: Instant,
    pub(crate) claim: Claim,
    pub(crate) reply: oneshot::Sender<Result<(), StoreError>>,
}

/// One entry of a writer's queue.
pub(crate) enum Unit {
    Send(Box<Send>),
    Publish(Publish),
    Change(Box<ChangeUnit>),
    Mark(Box<MarkUnit>),
    Aside(Aside),
    /// Everything before it is finished when this is answered, and the writer ends.
    Stop(oneshot::Sender<Result<(), StoreError>>),
}

impl Unit {
    /// Whether it is to be written: its asker still waits, and has not waited for longer than this.
    pub(crate) fn is_wanted(&self, longest_wait: Duration) -> bool {
        let (queued, claim) = match self {
            Self::Send(send) => (send.queued, &send.claim),
            Self::Publish(publish) => (publish.queued, &publish.claim),
            Self::Change(change) => (change.queued, &change.claim),
            Self::Mark(mark) => (mark.queued, &mark.claim),
            Self::Aside(aside) => (aside.queued, &aside.claim),
            Self::Stop(_) => return true,
        };
        claim.take() && queued.elapsed() <= longest_wait
    }

    /// Answers with a failure. The asker may have left, which does not matter.
    pub(crate) fn fail(self, error: StoreError) {
        match self {
            Self::Send(send) => drop(send.reply.send(Err(error))),
            Self::Publish(publish) => drop(publish.reply.send(Err(error))),
            Self::Change(change) => drop(change.reply.send(Err(error))),
            Self::Mark(mark) => drop(mark.reply.send(Err(error))),
            Self::Aside(aside) => drop((aside.work)(Err(error))),
            Self::Stop(reply) => drop(reply.send(Err(error))),
        }
    }
}
