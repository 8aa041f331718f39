//! Read marks of a batch: one row for each member that moves, one event for each that others hear of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use pollgate_model::{EncodedEvent, EventId, EventKind, Recipient, RoomId, Timestamp, UserId};
use serde::Serialize;

use super::tables::Tables;
use super::unit::MarkUnit;
use crate::change::Told;
use crate::directs;
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::sql::Id;

/// A member, and up to which `seq` that member has read.
pub(crate) type Mark = (Id, UserId, i64);

/// What the marks of a batch come to; nothing of it is written yet.
#[derive(Default)]
pub(super) struct Marks {
    /// One for each mark, in order.
    pub(super) answers: Vec<Result<(), StoreError>>,
    /// The furthest of each member, in an order that all batches share.
    wanted: BTreeMap<(Id, UserId), i64>,
    /// Who hears of marks in a room.
    told: HashMap<Id, Arc<[UserId]>>,
    /// Members who said so themselves, rather than by sending.
    asked: BTreeSet<(Id, UserId)>,
}

/// Data of `message.read`.
#[derive(Serialize)]
struct Read<'a> {
    user: &'a UserId,
    seq: i64,
}

impl Marks {
    /// Finds out whose marks are to move.
    pub(super) fn judge<T: Tables>(tables: &mut T, units: &[&MarkUnit]) -> Result<Self, Failure> {
        let mut marks = Self::default();
        let unknown: BTreeSet<Id> =
            units.iter().filter(|unit| unit.direct.is_none()).map(|unit| Id(unit.room.uuid())).collect();
        let mut members: HashMap<Id, Vec<UserId>> = HashMap::new();
        if !unknown.is_empty() {
            let rooms: Vec<Id> = unknown.into_iter().collect();
            for (room, user) in tables.members(&rooms)? {
                members.entry(room).or_default().push(rows::user(user)?);
            }
        }
        for unit in units {
            let room = Id(unit.room.uuid());
            let inside = match &unit.direct {
                Some(direct) => direct.has(&unit.user),
                None => members.get(&room).is_some_and(|members| members.contains(&unit.user)),
            };
            if !inside {
                marks.answers.push(Err(StoreError::NotFound("room")));
                continue;
            }
            marks.want(room, &unit.user, unit.seq);
            marks.asked.insert((room, unit.user.clone()));
            marks.told.entry(room).or_insert_with(|| {
                let all = match &unit.direct {
                    Some(direct) => direct.members(),
                    None => members.get(&room).cloned().unwrap_or_default(),
                };
                if all.len() <= unit.told { all.into() } else { Arc::new([]) }
            });
            marks.answers.push(Ok(()));
        }
        Ok(marks)
    }

    /// This member has read up to here.
    pub(super) fn want(&mut self, room: Id, user: &UserId, seq: i64) {
        let furthest = self.wanted.entry((room, user.clone())).or_insert(seq);
        *furthest = seq.max(*furthest);
    }

    /// Writes them; the events for those that moved.
    pub(super) fn write<T: Tables>(
        &mut self,
        tables: &mut T,
        now: Timestamp,
    ) -> Result<Vec<(RoomId, Told)>, Failure> {
        if self.wanted.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<Mark> = std::mem::take(&mut self.wanted)
            .into_iter()
            .map(|((room, user), seq)| (room, user, seq))
            .collect();
        let mut events = Vec::new();
        for (room, user, seq) in tables.advance_marks(&wanted)? {
            let user = rows::user(user)?;
            let to: Arc<[Recipient]> = match self.told.get(&room) {
                Some(members) if self.asked.contains(&(room, user.clone())) => {
                    // also to the reader: what is read on one device is read on all
                    directs::recipients(members, &user)
                }
                _ => continue,
            };
            if to.is_empty() {
                continue;
            }
            let room = RoomId::from(room.0);
            let data = Read { user: &user, seq };
            let event = EncodedEvent::new(EventId::new(), &EventKind::MESSAGE_READ, now, Some(room), &data)
                .map_err(Failure::corrupt)?;
            events.push((room, Told { event, to }));
        }
        Ok(events)
    }
}
