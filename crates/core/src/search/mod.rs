//! Finding messages by their words.

mod indexing;

use pollgate_model::{RoomId, SearchCursor, SearchPage, SearchQuery, UserId};

use crate::{Core, CoreError};

pub(crate) use indexing::Indexing;

impl Core {
    /// A page of messages in which all of `query` stands, newest first: in `room`, or in all rooms that the caller is a
    /// member of now.
    ///
    /// # Errors
    /// `NotFound` for a room that the caller is no member of, and when search is switched off.
    pub async fn search(
        &self,
        caller: &UserId,
        query: SearchQuery,
        room: Option<RoomId>,
        before: Option<SearchCursor>,
        limit: u32,
    ) -> Result<SearchPage, CoreError> {
        if !self.settings.search {
            return Err(CoreError::NotFound("resource"));
        }
        Ok(self.store.search(caller, query, room, before, limit).await?)
    }
}
