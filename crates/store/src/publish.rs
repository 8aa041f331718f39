//! Publishing an application's events: into the outbox, all or none.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::Store;
use crate::error::StoreError;
use crate::outgoing::{Audience, NewEvent};
use crate::writer::unit::{Claim, Publish, Unit};

impl Store {
    /// Stores events in the outbox within one transaction and answers after the commit.
    ///
    /// # Errors
    /// Nothing was stored, but for [`StoreError::Uncertain`]. [`StoreError::NotFound`]: one of the rooms does not exist.
    pub async fn publish(&self, events: Vec<NewEvent>) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        // the same audience, the same writer: their events leave in the order in which they were accepted
        let writer = match &first.to {
            Audience::Room(room) => self.inner.writers.of_room(*room),
            Audience::Users(users) => users.first().map_or(0, |user| self.inner.writers.of_user(user)),
        };
        let (reply, answer) = oneshot::channel();
        let claim = Claim::default();
        let unit = Publish { events, queued: Instant::now(), claim: claim.clone(), reply };
        self.inner.writers.offer(writer, Unit::Publish(unit))?;
        self.inner.writers.answer(&claim, answer).await
    }
}
