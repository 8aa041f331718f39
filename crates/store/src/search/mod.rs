//! Finding messages by their words, in the rooms of one user.
//!
//! A word stands in the index with a tag of its room in front, so a search reads what its own rooms hold and nothing of the
//! others, however common a word is. The tag only narrows the search: what is found counts when its message stands in one of
//! the rooms.
//!
//! Messages are indexed behind the senders' backs: each room has a mark, the last `seq` that is indexed. Rule: whoever
//! changes the index of a room holds its mark, so an edit and the indexing of what it changes come one after the other.

mod entry;
mod find;
mod index;
mod pg;
mod sqlite;

pub use index::{Behind, Indexed};

pub(crate) use entry::Entry;

use std::collections::HashMap;

use pollgate_model::MessageId;

use crate::error::Failure;
use crate::sql::Id;

/// The room, and how far it is indexed.
pub(crate) type Mark = (Id, i64);

/// A message that is not indexed yet: room, seq, id, text, when it was deleted.
pub(crate) type Unindexed = (Id, i64, Id, String, Option<i64>);

/// The index within one transaction.
pub(crate) trait Index {
    /// Takes the marks of these rooms, making those that are not there, and leaves out those that somebody else holds.
    fn take_marks(&mut self, rooms: &[Id]) -> Result<Vec<Mark>, Failure>;
    /// Takes the marks of these rooms, making those that are not there, and waits for whoever holds them.
    fn hold_marks(&mut self, rooms: &[Id]) -> Result<Vec<Mark>, Failure>;
    /// The last `seq` that these rooms gave out.
    fn last_seqs(&mut self, rooms: &[Id]) -> Result<HashMap<Id, i64>, Failure>;
    /// The first messages past these marks, at most so many of each room.
    fn unindexed(&mut self, marks: &[Mark], each: i64) -> Result<Vec<Unindexed>, Failure>;
    /// Makes these messages findable, by these words and no others.
    fn put(&mut self, entries: &[Entry]) -> Result<(), Failure>;
    fn set_marks(&mut self, marks: &[Mark]) -> Result<(), Failure>;
    /// These messages are not found any more. The marks of their rooms are held.
    fn forget(&mut self, messages: &[Id]) -> Result<(), Failure>;
}

/// The id of a message as a number: a later one is larger.
pub(crate) fn place(id: MessageId) -> u128 {
    id.uuid().as_u128()
}
