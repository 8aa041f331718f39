//! Pages of a room's history.

use serde::Serialize;

use crate::Message;

/// Which part of a room's history is asked for; both bounds are `seq` values and exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The newest messages.
    Newest,
    /// The newest ones older than this `seq`.
    Before(i64),
    /// The oldest ones newer than this `seq`.
    After(i64),
    /// The oldest ones newer than `after` and older than `before`.
    Between {
        /// Exclusive lower bound.
        after: i64,
        /// Exclusive upper bound.
        before: i64,
    },
}

/// One page of a room's history, oldest message first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct History {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// There are more in the direction that was read.
    pub has_more: bool,
    /// How many messages stand here.
    pub count: usize,
    /// `seq` of the first message here.
    pub oldest_id: Option<i64>,
    /// `seq` of the last message here.
    pub newest_id: Option<i64>,
}

impl History {
    /// A page from messages that stand oldest first.
    #[must_use]
    pub fn new(messages: Vec<Message>, has_more: bool) -> Self {
        let oldest_id = messages.first().map(|m| m.seq);
        let newest_id = messages.last().map(|m| m.seq);
        Self { count: messages.len(), oldest_id, newest_id, has_more, messages }
    }
}
