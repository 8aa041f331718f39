//! An application's events in a batch.

use std::sync::Arc;

use pollgate_model::{Recipient, UserId};

use super::batch::{Batch, Open};
use super::draft::Extras;
use super::keys::{self, Used};
use super::tables::Tables;
use super::unit::Publish;
use crate::error::{Failure, StoreError};
use crate::idempotency::{Published, oldest_kept};
use crate::outgoing::Audience;

impl<T: Tables> Batch<'_, T> {
    /// What becomes of the publications. A key is looked at before anything else, and kept only for what is done.
    pub(super) fn publish(&mut self, publishes: &[&Publish]) -> Result<(), Failure> {
        let audiences: Vec<_> = publishes.iter().map(|publish| self.audiences(publish)).collect();
        let possible: Vec<bool> = audiences.iter().map(Result::is_ok).collect();
        let oldest = oldest_kept(self.now, self.shared.keys_kept);
        let used = keys::take(self.tables, publishes, &possible, self.now, oldest)?;
        for ((publish, audiences), used) in publishes.iter().zip(audiences).zip(used) {
            let verdict = match (used, audiences) {
                (Used::Same(ids), _) => Ok(Published::Before(ids)),
                (Used::Other, _) => Err(StoreError::KeyReused),
                (Used::No, Err(error)) => Err(error),
                (Used::No, Ok(audiences)) => {
                    self.announce(publish, audiences)?;
                    Ok(Published::Now)
                }
            };
            self.applied.publishes.push(verdict);
        }
        Ok(())
    }

    /// Who gets the events of a publication, one list for each.
    fn audiences(&self, publish: &Publish) -> Result<Vec<Arc<[UserId]>>, StoreError> {
        let mut audiences = Vec::with_capacity(publish.events.len());
        for event in &publish.events {
            let users: Arc<[UserId]> = match &event.to {
                Audience::Users(users) => users.iter().cloned().collect(),
                Audience::Room(room) => match self.rooms.get(room) {
                    Some(Open { members: Some(members), .. }) => members.clone(),
                    // made in this very batch
                    Some(_) => self.made.get(room).map(|d| d.members()).unwrap_or_default().into(),
                    None => return Err(StoreError::NotFound("room")),
                },
            };
            audiences.push(users);
        }
        Ok(audiences)
    }

    /// Drafts the rows of one publication.
    fn announce(&mut self, publish: &Publish, audiences: Vec<Arc<[UserId]>>) -> Result<(), Failure> {
        for (event, users) in publish.events.iter().zip(audiences) {
            let to = users.iter().map(|user| Recipient { user: user.clone(), make_mailbox: true }).collect();
            let room = match &event.to {
                Audience::Room(room) => Some(*room),
                Audience::Users(_) => None,
            };
            let extras = Extras { expires_at: event.expires_at, trace: event.trace.as_ref() };
            self.drafts.event(event.event.clone(), room, to, self.now, extras)?;
        }
        Ok(())
    }
}
