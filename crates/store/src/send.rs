//! Sending a message: one unit for a writer, and the answer after its commit.

use std::time::Instant;

use pollgate_model::{NewMessage, Target, UserId};
use tokio::sync::oneshot;

use crate::Store;
use crate::error::StoreError;
use crate::outgoing::Sent;
use crate::writer::unit::{Claim, Room, Send, Unit, Verdict};

/// Times that a message is handed to a writer when another process made its room in the meantime.
const TRIES: usize = 5;

impl Store {
    /// Stores a message, with its place in the room and its row in the outbox, and answers after the commit.
    ///
    /// # Errors
    /// Nothing was stored, but for [`StoreError::Uncertain`]. [`StoreError::NotFound`]: the sender is in no such room;
    /// [`StoreError::Conflict`]: the client id was used for another message; [`StoreError::Busy`]: too many wait.
    pub async fn send(&self, new: NewMessage) -> Result<Sent, StoreError> {
        self.send_for(new, None).await
    }

    /// [`Store::send`] by a caller who sends in the sender's name: the caller's files may go along as the sender's may.
    ///
    /// # Errors
    /// As there.
    pub async fn send_for(&self, new: NewMessage, caller: Option<UserId>) -> Result<Sent, StoreError> {
        check(&new)?;
        for _ in 0..TRIES {
            let room = self.room_of(&new)?;
            let (reply, answer) = oneshot::channel();
            let claim = Claim::default();
            let writer = self.inner.writers.of_room(room.id());
            let caller = caller.clone();
            let unit =
                Send { new: new.clone(), caller, room, queued: Instant::now(), claim: claim.clone(), reply };
            self.inner.writers.offer(writer, Unit::Send(Box::new(unit)))?;
            match self.inner.writers.answer(&claim, answer).await? {
                Verdict::Sent(sent) => return Ok(sent),
                Verdict::Elsewhere(room, members) => drop(self.inner.directs.learn(room, &members)),
                Verdict::Gone(direct) => self.inner.directs.forget(&direct),
                Verdict::Again => {}
            }
        }
        Err(StoreError::Unavailable("the room was changed by others again and again".into()))
    }

    fn room_of(&self, new: &NewMessage) -> Result<Room, StoreError> {
        match &new.target {
            Target::User(user) => Ok(Room::Direct(self.inner.directs.of(&new.sender, user))),
            Target::Room(room) => match self.inner.directs.by_room(*room) {
                Some(direct) if direct.has(&new.sender) => Ok(Room::Direct(direct)),
                Some(_) => Err(StoreError::NotFound("room")),
                None => Ok(Room::Other(*room)),
            },
        }
    }
}

fn check(new: &NewMessage) -> Result<(), StoreError> {
    // PostgreSQL has no such texts, and what one database stores the other must as well
    if new.body.contains('\0') {
        return Err(StoreError::Invalid("body: must not contain NUL".into()));
    }
    Ok(())
}
