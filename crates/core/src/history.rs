//! Reading a room's history.

use pollgate_model::{History, Range, RoomId, UserId};

use crate::{Core, CoreError};

impl Core {
    /// A page of a room's history, for its members.
    ///
    /// # Errors
    /// `NotFound` for anybody else.
    pub async fn history(
        &self,
        caller: &UserId,
        room: RoomId,
        range: Range,
        limit: u32,
    ) -> Result<History, CoreError> {
        Ok(self.store.history(caller, room, range, limit).await?)
    }
}
