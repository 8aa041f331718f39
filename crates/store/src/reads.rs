//! Read marks: how far a member has read.

use std::time::Instant;

use pollgate_model::{RoomId, UserId};
use tokio::sync::oneshot;

use crate::Store;
use crate::error::StoreError;
use crate::writer::unit::{Claim, MarkUnit, Unit};

impl Store {
    /// Moves a member's read mark up to this `seq`, never back and never past the last message, and tells the others
    /// when the room has at most `told` members. Answers after the commit. Marks of one member that wait together
    /// become one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]: the user is in no such room. Nothing was stored, but for [`StoreError::Uncertain`].
    pub async fn read(&self, user: &UserId, room: RoomId, seq: i64, told: usize) -> Result<(), StoreError> {
        let direct = self.inner.directs.by_room(room);
        if direct.as_ref().is_some_and(|direct| !direct.has(user)) {
            return Err(StoreError::NotFound("room"));
        }
        let (reply, answer) = oneshot::channel();
        let claim = Claim::default();
        let writer = self.inner.writers.of_room(room);
        let (user, queued) = (user.clone(), Instant::now());
        let unit = MarkUnit { room, user, seq, direct, told, queued, claim: claim.clone(), reply };
        self.inner.writers.offer(writer, Unit::Mark(Box::new(unit)))?;
        self.inner.writers.answer(&claim, answer).await
    }
}
