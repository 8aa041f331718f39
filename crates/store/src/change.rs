//! Changing a room: a decision over it, taken while nobody else can change it.
//!
//! The store knows how a room is held, written and told of; who may do what, and what follows from it, is decided by
//! the caller's [`Decide`], which sees the room as the transaction holds it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use pollgate_model::{
    EncodedEvent, Label, Member, Message, MessageId, Recipient, Room, RoomId, Timestamp, UserId,
};
use tokio::sync::oneshot;

use crate::Store;
use crate::error::StoreError;
use crate::writer::unit::{ChangeUnit, Claim, Unit};

/// A room and who is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomView {
    /// The room.
    pub room: Room,
    /// Who is in it, in the order of their ids.
    pub members: Vec<Member>,
}

/// What a decision is taken over.
#[derive(Clone, Debug)]
pub struct Found {
    /// `None`: there is no such room.
    pub room: Option<RoomView>,
    /// The agents of the room's desk and of the desks that were asked for; a desk without agents is left out.
    pub desks: BTreeMap<Label, Vec<UserId>>,
    /// The message that was asked for, if it stands in the room.
    pub message: Option<Message>,
    /// When the change happens.
    pub now: Timestamp,
}

/// Something to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The room comes to be.
    Make(Box<Room>),
    /// Its name, category, status, assignee and time of change become these.
    Change(Box<Room>),
    /// These come in.
    Join(Vec<Member>),
    /// Somebody leaves.
    Leave(UserId),
    /// A message of the room gets this text, or becomes a tombstone; the room's newest message follows.
    Rewrite(Box<Message>),
}

/// An event that tells of a change.
#[derive(Clone, Debug)]
pub struct Told {
    /// The event.
    pub event: EncodedEvent,
    /// Who gets it.
    pub to: Arc<[Recipient]>,
}

/// What a change comes to. Without steps nothing is written.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// What is written, in order.
    pub steps: Vec<Step>,
    /// What is told, in order.
    pub events: Vec<Told>,
    /// What the asker hears, as JSON.
    pub answer: Bytes,
}

/// Decides a change. It may be asked again, with what has changed since, when another transaction was in the way.
pub trait Decide: Send + Sync + 'static {
    /// What the change comes to.
    ///
    /// # Errors
    /// The change cannot be made, or the asker may not make it: nothing is written then.
    fn decide(&self, found: &Found) -> Result<Decided, StoreError>;
}

/// A change that is asked for.
#[derive(Clone)]
pub struct Change {
    /// The room.
    pub room: RoomId,
    /// A message of it.
    pub message: Option<MessageId>,
    /// Desks whose agents matter, besides the room's own.
    pub desks: Vec<Label>,
    /// What it comes to.
    pub decide: Arc<dyn Decide>,
}

impl Store {
    /// Changes a room in one transaction with its events, and answers after the commit.
    ///
    /// # Errors
    /// What [`Decide::decide`] refused with; nothing was stored, but for [`StoreError::Uncertain`].
    pub async fn change(&self, change: Change) -> Result<Bytes, StoreError> {
        let (reply, answer) = oneshot::channel();
        let claim = Claim::default();
        let writer = self.inner.writers.of_room(change.room);
        let unit = ChangeUnit { change, queued: Instant::now(), claim: claim.clone(), reply };
        self.inner.writers.offer(writer, Unit::Change(Box::new(unit)))?;
        self.inner.writers.answer(&claim, answer).await
    }
}
