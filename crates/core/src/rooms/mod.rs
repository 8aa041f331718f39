//! Rooms and who is in them: who may do what is decided here, over the room as the store's transaction holds it.
//!
//! | file | holds |
//! | --- | --- |
//! | `actor` | on whose behalf something is asked, and what that one is to a room |
//! | `create`, `patch`, `members` | one change each: what it takes, what follows, who hears of it |
//! | `tell` | the events |
//! | `read` | lists, read marks, desks |

mod actor;
mod create;
mod members;
mod patch;
mod read;
mod tell;

use std::sync::Arc;

use bytes::Bytes;
use pollgate_model::{Label, RoomId, RoomSummary, UserId};
use pollgate_store::{Change, Decide, StoreError};
use tokio::time::Instant;
use tracing::{Instrument as _, debug_span};

use crate::{Core, CoreError};

pub use actor::Actor;
pub use create::NewRoom;
pub use patch::RoomPatch;

impl Core {
    /// Makes a group room; the room as its maker sees it, as JSON.
    ///
    /// # Errors
    /// Nothing was made; only [`CoreError::StoreUncertain`] leaves that open.
    pub async fn create_room(&self, new: NewRoom) -> Result<Bytes, CoreError> {
        let new = new.checked(self.settings.room_members)?;
        let desks = new.category.iter().cloned().collect();
        let id = RoomId::new();
        self.change_room(id, desks, create::Create { id, new }).await
    }

    /// Changes a room's name, category, status or assignee; the room as the actor sees it, as JSON.
    ///
    /// # Errors
    /// `NotFound` for rooms that the actor may not look into; nothing was changed.
    pub async fn patch_room(&self, room: RoomId, by: Actor, patch: RoomPatch) -> Result<Bytes, CoreError> {
        let desks = patch.category.iter().flatten().cloned().collect();
        let most = self.settings.room_members;
        self.change_room(room, desks, patch::Patching { by, patch, most }).await
    }

    /// Brings a user into a room; again is the same.
    ///
    /// # Errors
    /// `NotFound` for rooms that the actor may not look into; nothing was changed.
    pub async fn add_member(&self, room: RoomId, by: Actor, user: UserId) -> Result<(), CoreError> {
        let most = self.settings.room_members;
        self.change_room(room, Vec::new(), members::Add { by, user, most }).await.map(drop)
    }

    /// Takes a user out of a room: oneself, or somebody else, which only some may.
    ///
    /// # Errors
    /// `NotFound` for rooms that the actor may not look into and users who are not in it; nothing was changed.
    pub async fn remove_member(&self, room: RoomId, by: Actor, user: UserId) -> Result<(), CoreError> {
        self.change_room(room, Vec::new(), members::Remove { by, user }).await.map(drop)
    }

    async fn change_room(
        &self,
        room: RoomId,
        desks: Vec<Label>,
        decide: impl Decide,
    ) -> Result<Bytes, CoreError> {
        self.room_in_outbox()?;
        let started = Instant::now();
        let change = Change { room, message: None, desks, decide: Arc::new(decide) };
        let answer = self.store.change(change).instrument(debug_span!("commit")).await?;
        self.slow_commit.note(started.elapsed());
        Ok(answer)
    }
}

/// A room as JSON.
fn json(room: &RoomSummary) -> Result<Bytes, StoreError> {
    let json = serde_json::to_vec(room).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(json.into())
}
