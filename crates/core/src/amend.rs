//! Changing a message: its sender gives it another text, or takes it back.
//!
//! What is taken back leaves a tombstone, so that `seq` has no holes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pollgate_model::{EncodedEvent, EventId, EventKind, Message, MessageId, Recipient, RoomId, UserId};
use pollgate_store::{Change, Decide, Decided, Found, RoomView, Step, StoreError, Told};

use crate::{Core, CoreError};

/// What is to become of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wish {
    /// It has this text.
    Text(String),
    /// It is taken back.
    Gone,
}

/// One user's wish for one message.
#[derive(Debug)]
struct Amend {
    by: UserId,
    wish: Wish,
    /// How long after it was sent a message may be changed; `None`: always.
    within: Option<Duration>,
}

impl Core {
    /// Gives a message another text and tells the room's members; the message as JSON. The same text once more changes
    /// nothing.
    ///
    /// # Errors
    /// `NotFound`: the user is in no such room, or there is no such message; `Forbidden`: somebody else sent it, or too long
    /// ago; `Conflict`: it was deleted; those of a text that cannot be sent. Nothing was changed, but for
    /// [`CoreError::StoreUncertain`].
    pub async fn edit(
        &self,
        by: UserId,
        room: RoomId,
        message: MessageId,
        body: String,
    ) -> Result<Bytes, CoreError> {
        self.check_text(&body)?;
        self.amend(by, room, message, Wish::Text(body)).await
    }

    /// Takes a message back and tells the room's members; again is the same.
    ///
    /// # Errors
    /// As for [`Core::edit`].
    pub async fn delete(&self, by: UserId, room: RoomId, message: MessageId) -> Result<(), CoreError> {
        self.amend(by, room, message, Wish::Gone).await.map(drop)
    }

    async fn amend(
        &self,
        by: UserId,
        room: RoomId,
        message: MessageId,
        wish: Wish,
    ) -> Result<Bytes, CoreError> {
        self.room_in_outbox()?;
        let decide = Arc::new(Amend { by, wish, within: self.settings.edit_within });
        let change = Change { room, message: Some(message), desks: Vec::new(), decide };
        Ok(self.store.change(change).await?)
    }
}

impl Decide for Amend {
    fn decide(&self, found: &Found) -> Result<Decided, StoreError> {
        let room =
            found.room.as_ref().filter(|room| room.members.iter().any(|member| member.user == self.by));
        let room = room.ok_or(StoreError::NotFound("room"))?;
        let message = found.message.as_ref().ok_or(StoreError::NotFound("message"))?;
        if message.sender != self.by {
            return Err(StoreError::Forbidden("only who sent a message may change it".into()));
        }
        let Some(kind) = self.news(message)? else {
            return Ok(Decided { answer: json(message)?, ..Decided::default() });
        };
        if self.within.is_some_and(|within| message.created_at.age_at(found.now) > within) {
            return Err(StoreError::Forbidden(
                "the time in which the message could be changed is over".into(),
            ));
        }
        let mut changed = message.clone();
        match &self.wish {
            Wish::Text(body) => {
                body.clone_into(&mut changed.body);
                changed.edited_at = Some(found.now);
            }
            Wish::Gone => {
                changed.body.clear();
                changed.attachments.clear();
                changed.files.clear();
                changed.deleted_at = Some(found.now);
            }
        }
        let event = EncodedEvent::new(EventId::new(), &kind, found.now, Some(message.room), &changed)
            .map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let answer = event.data();
        let events = vec![Told { event, to: all(room, &self.by) }];
        Ok(Decided { steps: vec![Step::Rewrite(Box::new(changed))], events, answer })
    }
}

impl Amend {
    /// What the members will hear; `None`: it is as wished already.
    fn news(&self, message: &Message) -> Result<Option<EventKind>, StoreError> {
        match &self.wish {
            Wish::Gone if message.deleted_at.is_some() => Ok(None),
            Wish::Gone => Ok(Some(EventKind::MESSAGE_DELETED)),
            Wish::Text(_) if message.deleted_at.is_some() => {
                Err(StoreError::Conflict("the message was deleted".into()))
            }
            Wish::Text(body) if body.is_empty() && message.attachments.is_empty() => {
                Err(StoreError::Invalid("body: must not be empty".into()))
            }
            Wish::Text(body) if *body == message.body && message.edited_at.is_some() => Ok(None),
            Wish::Text(_) => Ok(Some(EventKind::MESSAGE_UPDATED)),
        }
    }
}

fn json(message: &Message) -> Result<Bytes, StoreError> {
    serde_json::to_vec(message).map(Bytes::from).map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// Everybody in the room; no mailbox is made for who did it.
fn all(room: &RoomView, by: &UserId) -> Arc<[Recipient]> {
    let recipient = |user: &UserId| Recipient { user: user.clone(), make_mailbox: user != by };
    room.members.iter().map(|member| recipient(&member.user)).collect()
}

#[cfg(test)]
#[path = "amend_tests.rs"]
mod tests;
