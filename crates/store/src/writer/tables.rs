//! What a batch does to the tables, and what it needs to know of them. PostgreSQL takes a batch as arrays, one
//! statement for all of it; SQLite takes row by row, which costs no round trip there.

use std::sync::Arc;

use pollgate_model::{ClientId, Member, Message, Timestamp, UserId};

use super::marks::Mark;
use super::room_tables::RoomTables;
use crate::attachments::AttachmentRow;
use crate::directs::Direct;
use crate::error::Failure;
use crate::idempotency::Keyed;
use crate::rows::MessageRow;
use crate::search::Index;
use crate::sql::Id;

/// A room as the transaction holds it: nobody else gives out its `seq` until the end.
pub(crate) struct LockedRoom {
    pub(crate) id: Id,
    pub(crate) direct: bool,
    pub(crate) last_seq: i64,
    pub(crate) last_sender: Option<String>,
}

/// A row of the keys: id, fingerprint, ids of the events.
pub(crate) type KeptKey = (Vec<u8>, Vec<u8>, Vec<u8>);

/// A new row of the outbox.
pub(crate) struct OutboxRow {
    pub(crate) ticket: i64,
    pub(crate) event: Id,
    pub(crate) room: Option<Id>,
    /// Of the message that the event is made from.
    pub(crate) seq: Option<i64>,
    pub(crate) recipients: Option<String>,
    pub(crate) payload: Option<bytes::Bytes>,
    pub(crate) accepted_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) trace: Option<String>,
}

/// The tables within one transaction.
pub(crate) trait Tables: RoomTables + Index {
    /// Messages stored under these client ids of these senders.
    fn repeats(&mut self, of: &[(&UserId, &ClientId)]) -> Result<Vec<MessageRow>, Failure>;
    /// The direct rooms with these keys.
    fn direct_rooms(&mut self, keys: &[&str]) -> Result<Vec<(String, Id)>, Failure>;
    /// Locks these rooms, in the order of their ids, so that two batches never wait for each other.
    fn lock_rooms(&mut self, ids: &[Id]) -> Result<Vec<LockedRoom>, Failure>;
    /// Who is in these rooms, as (room, user) in order.
    fn members(&mut self, rooms: &[Id]) -> Result<Vec<(Id, String)>, Failure>;
    /// In which rooms these messages stand, as (message, room).
    fn rooms_of(&mut self, messages: &[Id]) -> Result<Vec<(Id, Id)>, Failure>;
    /// These attachments, held until the end: nobody removes them before.
    fn attachments(&mut self, ids: &[Id]) -> Result<Vec<AttachmentRow>, Failure>;
    /// Which of these attachments are in a room of the user they are asked for.
    fn seen(&mut self, pairs: &[(Id, &str)]) -> Result<Vec<(Id, String)>, Failure>;
    /// Makes direct rooms with their members; the ids of those that were made, which leaves out those that
    /// another process made in the meantime.
    fn make_directs(&mut self, rooms: &[Arc<Direct>], at: Timestamp) -> Result<Vec<Id>, Failure>;
    /// These come into a room.
    fn join(&mut self, room: Id, members: &[Member], at: Timestamp) -> Result<(), Failure>;
    /// Writes these keys, in their order, unless they stand there and are not older than `oldest`; the ids of those that
    /// were written.
    fn take_keys(&mut self, keys: &[&Keyed], at: i64, oldest: i64) -> Result<Vec<Vec<u8>>, Failure>;
    /// What stands under these ids and is not older: id, fingerprint, ids of the events.
    fn kept_keys(&mut self, ids: &[&[u8]], oldest: i64) -> Result<Vec<KeptKey>, Failure>;
    /// So many new tickets, ascending.
    fn tickets(&mut self, count: usize, here: &Tickets) -> Result<Vec<i64>, Failure>;
    fn insert_messages(&mut self, messages: &[Message]) -> Result<(), Failure>;
    /// Notes which messages hold which attachments.
    fn insert_uses(&mut self, messages: &[Message]) -> Result<(), Failure>;
    /// Moves read marks, in their order, up to what is given or the last message, never back; those that moved, with
    /// where they stand now. The mark of who sent the newest message stays: see `Room::read_by`.
    fn advance_marks(&mut self, marks: &[Mark]) -> Result<Vec<(Id, String, i64)>, Failure>;
    /// Writes the last message of each room into its row.
    fn update_rooms(&mut self, newest: &[&Message]) -> Result<(), Failure>;
    fn insert_outbox(&mut self, instance: Id, rows: &[OutboxRow]) -> Result<(), Failure>;
    /// Takes rows out of the outbox; those that are gone already do not matter.
    fn settle(&mut self, instance: Id, tickets: &[i64]) -> Result<(), Failure>;
}

/// Tickets of a database that this process has to itself; never given out twice while it runs, as a table's own
/// numbering might when its last rows are gone.
#[derive(Debug, Default)]
pub(crate) struct Tickets(std::sync::atomic::AtomicI64);

impl Tickets {
    /// After this one.
    pub(crate) fn start_after(&self, last: i64) {
        self.0.fetch_max(last, std::sync::atomic::Ordering::Relaxed);
    }

    pub(crate) fn take(&self, count: usize) -> Vec<i64> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let last = self.0.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
        (last + 1..=last + count).collect()
    }
}
