//! Publishing an application's events: into the outbox, all or none.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::Store;
use crate::error::StoreError;
use crate::idempotency::{Keyed, Published};
use crate::outgoing::{Audience, NewEvent};
use crate::writer::unit::{Claim, Publish, Unit};

impl Store {
    /// Stores events in the outbox within one transaction and answers after the commit.
    ///
    /// # Errors
    /// Nothing was stored, but for [`StoreError::Uncertain`]. [`StoreError::NotFound`]: one of the rooms does not exist.
    pub async fn publish(&self, events: Vec<NewEvent>) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.accept(events, None).await.map(drop)
    }

    /// The same under a key: the same request again is answered with the ids it got first, and writes nothing. Without
    /// any event the key alone is kept.
    ///
    /// # Errors
    /// As for [`Store::publish`]; nothing was kept either. [`StoreError::KeyReused`]: the key stands for another request.
    pub async fn publish_once(&self, events: Vec<NewEvent>, key: Keyed) -> Result<Published, StoreError> {
        self.accept(events, Some(key)).await
    }

    async fn accept(&self, events: Vec<NewEvent>, key: Option<Keyed>) -> Result<Published, StoreError> {
        // the same audience, the same writer: their events leave in the order in which they were accepted
        let writer = match events.first().map(|first| &first.to) {
            Some(Audience::Room(room)) => self.inner.writers.of_room(*room),
            Some(Audience::Users(users)) => users.first().map_or(0, |user| self.inner.writers.of_user(user)),
            None => 0,
        };
        let (reply, answer) = oneshot::channel();
        let claim = Claim::default();
        let unit = Publish { events, key, queued: Instant::now(), claim: claim.clone(), reply };
        self.inner.writers.offer(writer, Unit::Publish(unit))?;
        self.inner.writers.answer(&claim, answer).await
    }
}
