//! Lists of rooms, read marks, and desks.

use pollgate_model::{Label, Member, RoomCursor, RoomFilter, RoomId, RoomSummary, Rooms, UserId};
use pollgate_store::StoreError;

use super::Actor;
use crate::{Core, CoreError};

/// Desks of one user, and agents of one desk, that are listed.
const MOST_LISTED: usize = 1000;

impl Core {
    /// A page of a user's rooms, newest activity first.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn rooms(
        &self,
        caller: &UserId,
        filter: &RoomFilter,
        before: Option<RoomCursor>,
        limit: u32,
    ) -> Result<Rooms, CoreError> {
        Ok(self.store.rooms(caller, filter, before, limit).await?)
    }

    /// A room as the actor sees it.
    ///
    /// # Errors
    /// `NotFound` for rooms that the actor may not look into.
    pub async fn room(&self, by: &Actor, room: RoomId) -> Result<RoomSummary, CoreError> {
        let found = match &by.user {
            Some(user) => self.store.room(Some(user), room).await,
            None => Err(StoreError::NotFound("room")),
        };
        match found {
            // what is said in it is its members'
            Err(StoreError::NotFound(_)) if by.back_end => {
                Ok(RoomSummary { last_message: None, ..self.store.room(None, room).await? })
            }
            found => Ok(found?),
        }
    }

    /// A member has read up to this `seq`. The others hear of it unless the room is too large for that.
    ///
    /// # Errors
    /// `NotFound` for rooms that the user is not in; only [`CoreError::StoreUncertain`] leaves open what was stored.
    pub async fn read(&self, user: &UserId, room: RoomId, seq: i64) -> Result<(), CoreError> {
        self.room_in_outbox()?;
        Ok(self.store.read(user, room, seq, self.settings.signal_members).await?)
    }

    /// How far each member of a room has read.
    ///
    /// # Errors
    /// `NotFound` for rooms that the caller is not in.
    pub async fn receipts(&self, caller: &UserId, room: RoomId) -> Result<Vec<Member>, CoreError> {
        Ok(self.store.receipts(caller, room).await?)
    }

    /// Who serves a desk.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn agents(&self, desk: &Label) -> Result<Vec<UserId>, CoreError> {
        Ok(self.store.agents(desk, MOST_LISTED).await?)
    }

    /// The desks that a user serves.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn desks_of(&self, user: &UserId) -> Result<Vec<Label>, CoreError> {
        Ok(self.store.desks_of(user, MOST_LISTED).await?)
    }

    /// A user serves a desk from now on.
    ///
    /// # Errors
    /// The desk has as many agents as it may; or the database is not available.
    pub async fn join_desk(&self, desk: &Label, user: &UserId) -> Result<(), CoreError> {
        let agents = self.store.agents(desk, MOST_LISTED).await?;
        if agents.len() >= MOST_LISTED && !agents.contains(user) {
            return Err(CoreError::Invalid(format!("a desk has at most {MOST_LISTED} agents")));
        }
        Ok(self.store.join_desk(desk, user).await?)
    }

    /// A user serves a desk no more. What the user looks after stays with the user.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn leave_desk(&self, desk: &Label, user: &UserId) -> Result<(), CoreError> {
        Ok(self.store.leave_desk(desk, user).await?)
    }
}
