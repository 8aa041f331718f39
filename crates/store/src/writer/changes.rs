//! Changes of rooms in a batch: decided one after the other, each over what the ones before made of the room.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use pollgate_model::{Label, LastMessage, Member, Message, MessageId, Room, RoomId, Timestamp, UserId};

use super::tables::Tables;
use super::unit::ChangeUnit;
use crate::change::{Decided, Found, RoomView, Step, Told};
use crate::error::{Failure, StoreError};
use crate::rows;
use crate::search::Entry;
use crate::sql::Id;

/// What the changes of a batch come to; nothing of it is written yet.
#[derive(Default)]
pub(super) struct Changes {
    /// One for each change, in order.
    pub(super) answers: Vec<Result<Bytes, StoreError>>,
    pub(super) told: Vec<(RoomId, Told)>,
    steps: Vec<(RoomId, Step)>,
}

/// What is known of the rooms of a batch's changes.
struct Known {
    rooms: HashMap<RoomId, RoomView>,
    desks: BTreeMap<Label, Vec<UserId>>,
    messages: HashMap<MessageId, Message>,
}

/// Decides all changes. `newest` is what this batch itself adds to a room: its last message.
pub(super) fn decide<'m, T: Tables>(
    tables: &mut T,
    changes: &[&ChangeUnit],
    now: Timestamp,
    newest: impl Fn(RoomId) -> Option<&'m Message>,
) -> Result<Changes, Failure> {
    let mut decided = Changes::default();
    if changes.is_empty() {
        return Ok(decided);
    }
    let mut known = look_up(tables, changes)?;
    for (id, view) in &mut known.rooms {
        if let Some(message) = newest(*id) {
            bring_up_to_date(&mut view.room, message);
        }
    }
    for unit in changes {
        let id = unit.change.room;
        let room = known.rooms.get(&id).cloned();
        let asked = unit.change.message.and_then(|id| known.messages.get(&id));
        let message = asked.filter(|message| message.room == id).cloned();
        let desks = known.desks.clone();
        let answer = match unit.change.decide.decide(&Found { room, desks, message, now }) {
            Ok(Decided { steps, events, answer }) => {
                for step in &steps {
                    known.follow(id, step);
                }
                decided.steps.extend(steps.into_iter().map(|step| (id, step)));
                decided.told.extend(events.into_iter().map(|told| (id, told)));
                Ok(answer)
            }
            Err(refused) => Err(refused),
        };
        decided.answers.push(answer);
    }
    Ok(decided)
}

impl Changes {
    /// Writes the steps, room by room in the order of their ids: two batches never wait for each other.
    pub(super) fn write<T: Tables>(&mut self, tables: &mut T, now: Timestamp) -> Result<(), Failure> {
        let mut steps = std::mem::take(&mut self.steps);
        steps.sort_by_key(|(room, _)| *room);
        for (room, step) in steps {
            let room = Id(room.uuid());
            match step {
                Step::Make(made) => tables.make_room(&made, now)?,
                Step::Change(changed) => tables.change_room(&changed)?,
                Step::Join(members) => tables.join(room, &members, now)?,
                Step::Leave(user) => tables.leave(room, &user)?,
                Step::Rewrite(message) => rewrite(tables, &message)?,
            }
        }
        Ok(())
    }
}

impl Known {
    /// What is known once this step is taken.
    fn follow(&mut self, id: RoomId, step: &Step) {
        match step {
            Step::Make(room) => {
                self.rooms.insert(id, RoomView { room: (**room).clone(), members: Vec::new() });
            }
            Step::Change(room) => {
                if let Some(view) = self.rooms.get_mut(&id) {
                    view.room = (**room).clone();
                }
            }
            Step::Join(members) => {
                if let Some(view) = self.rooms.get_mut(&id) {
                    view.members.extend(members.iter().cloned());
                    view.members.sort_by(|one, other| one.user.cmp(&other.user));
                }
            }
            Step::Leave(user) => {
                if let Some(view) = self.rooms.get_mut(&id) {
                    view.members.retain(|member| member.user != *user);
                }
            }
            Step::Rewrite(message) => {
                let newest = self.rooms.get_mut(&id).and_then(|view| view.room.last_message.as_mut());
                if let Some(newest) = newest.filter(|newest| newest.id == message.id) {
                    LastMessage::cut(&message.body).clone_into(&mut newest.text);
                }
                self.messages.insert(message.id, (**message).clone());
            }
        }
    }
}

fn look_up<T: Tables>(tables: &mut T, changes: &[&ChangeUnit]) -> Result<Known, Failure> {
    let ids: BTreeSet<Id> = changes.iter().map(|unit| Id(unit.change.room.uuid())).collect();
    let ids: Vec<Id> = ids.into_iter().collect();
    let mut rooms: HashMap<RoomId, RoomView> = HashMap::new();
    let mut desks: BTreeSet<Label> =
        changes.iter().flat_map(|unit| unit.change.desks.iter().cloned()).collect();
    for row in tables.rooms(&ids)? {
        let room = rows::room(row)?;
        desks.extend(room.category.clone());
        rooms.insert(room.id, RoomView { room, members: Vec::new() });
    }
    for (room, user, last_read_seq) in tables.marks(&ids)? {
        if let Some(view) = rooms.get_mut(&RoomId::from(room.0)) {
            view.members.push(Member { user: rows::user(user)?, last_read_seq });
        }
    }
    let mut agents: BTreeMap<Label, Vec<UserId>> = BTreeMap::new();
    if !desks.is_empty() {
        let categories: Vec<&str> = desks.iter().map(Label::as_str).collect();
        for (category, user) in tables.agents(&categories)? {
            let category = Label::try_from(category).map_err(Failure::corrupt)?;
            agents.entry(category).or_default().push(rows::user(user)?);
        }
    }
    let ids: Vec<Id> =
        changes.iter().filter_map(|unit| unit.change.message).map(|id| Id(id.uuid())).collect();
    let mut messages = HashMap::new();
    if !ids.is_empty() {
        for row in tables.messages(&ids)? {
            let message = rows::message(row)?;
            messages.insert(message.id, message);
        }
    }
    Ok(Known { rooms, desks: agents, messages })
}

/// Writes a message anew, and what can be found of it. The mark is held first, so that nobody indexes the old text after
/// this.
fn rewrite<T: Tables>(tables: &mut T, message: &Message) -> Result<(), Failure> {
    let (room, id) = (Id(message.room.uuid()), Id(message.id.uuid()));
    let marks = tables.hold_marks(&[room])?;
    let reached = marks.into_iter().find(|(of, _)| *of == room).map_or(0, |(_, seq)| seq);
    tables.change_message(message)?;
    let entry = Entry::new(room, id, &message.body);
    if message.deleted_at.is_some() || entry.is_empty() {
        return tables.forget(&[id]);
    }
    if message.seq > reached {
        // the new text is read when its turn comes
        return Ok(());
    }
    // before, it may have had no word to be found by
    tables.put(&[entry])
}

/// The room with a message that the same batch stores.
fn bring_up_to_date(room: &mut Room, message: &Message) {
    room.last_seq = message.seq;
    room.last_sender = Some(message.sender.clone());
    room.last_message = Some(LastMessage {
        id: message.id,
        seq: message.seq,
        sender: message.sender.clone(),
        text: LastMessage::cut(&message.body).to_owned(),
        created_at: message.created_at,
    });
    room.updated_at = message.created_at;
}
