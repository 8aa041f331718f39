//! One transaction for many: decides what becomes of each send, and writes what there is to write.
//!
//! Rule: everything that can go wrong for one sender alone is found before the first row is written, so that one
//! sender's failure never costs the others theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pollgate_model::{
    EncodedEvent, EventId, EventKind, Message, MessageId, RoomId, RoomSummary, Timestamp, UserId,
};

use super::attached::{self, Files};
use super::changes;
use super::draft::{Drafts, Earlier, Extras, earlier};
use super::marks::Marks;
use super::tables::{Tables, Tickets};
use super::unit::{ChangeUnit, Room, Send, Verdict};
use super::work::Work;
use crate::directs::{Direct, Directs, recipients};
use crate::error::{Failure, StoreError};
use crate::idempotency::Published;
use crate::outgoing::{Audience, Outgoing, Sent};
use crate::rows;
use crate::sql::Id;

/// What all batches of a writer share.
pub(crate) struct Shared {
    pub(crate) instance: Id,
    pub(crate) directs: Arc<Directs>,
    pub(crate) tickets: Arc<Tickets>,
    /// For so long an idempotency key is good.
    pub(crate) keys_kept: Duration,
}

/// What a batch came to, once it is committed.
#[derive(Default)]
pub(crate) struct Applied {
    /// One for each send, in order.
    pub(crate) sends: Vec<Result<Verdict, StoreError>>,
    /// One for each publication, in order.
    pub(crate) publishes: Vec<Result<Published, StoreError>>,
    /// One for each change, in order.
    pub(crate) changes: Vec<Result<Bytes, StoreError>>,
    /// One for each read mark, in order.
    pub(crate) marks: Vec<Result<(), StoreError>>,
    pub(crate) outgoing: Vec<Outgoing>,
    /// Direct rooms that stand in the database when the batch is committed.
    pub(crate) made: Vec<Arc<Direct>>,
    /// Direct rooms that were found by their ids.
    pub(crate) learnt: Vec<(RoomId, Vec<UserId>)>,
}

/// A room in this batch.
pub(super) struct Open {
    pub(super) last_seq: i64,
    /// Who sent the newest message, and so has read everything.
    pub(super) last_sender: Option<UserId>,
    /// `None`: the direct room of the send itself.
    pub(super) members: Option<Arc<[UserId]>>,
    pub(super) direct: bool,
}

pub(super) struct Batch<'b, T> {
    pub(super) tables: &'b mut T,
    pub(super) shared: &'b Shared,
    pub(super) sends: &'b [&'b Send],
    pub(super) now: Timestamp,
    pub(super) rooms: HashMap<RoomId, Open>,
    /// Direct rooms that another process made under another id, by key.
    pub(super) elsewhere: HashMap<String, RoomId>,
    pub(super) made: HashMap<RoomId, Arc<Direct>>,
    pub(super) drafts: Drafts,
    pub(super) marks: Marks,
    pub(super) applied: Applied,
}

/// Does the whole batch but for beginning and committing the transaction.
pub(crate) fn apply<T: Tables>(
    tables: &mut T,
    shared: &Shared,
    work: &Work<'_>,
    settle: &[i64],
) -> Result<Applied, Failure> {
    let (sends, publishes) = (work.sends.as_slice(), work.publishes.as_slice());
    let marks = Marks::judge(tables, &work.marks)?;
    let mut batch = Batch {
        tables,
        shared,
        sends,
        now: Timestamp::now(),
        rooms: HashMap::new(),
        elsewhere: HashMap::new(),
        made: HashMap::new(),
        drafts: Drafts::default(),
        marks,
        applied: Applied::default(),
    };
    let earlier = earlier(batch.tables, sends)?;
    let files = attached::find(batch.tables, sends, &earlier)?;
    batch.look_for_directs(&earlier, &files)?;
    batch.open_rooms(work)?;
    let replies = batch.rooms_of_replies()?;
    for ((send, earlier), files) in sends.iter().zip(earlier).zip(files) {
        let verdict = batch.judge(send, earlier, &replies, files)?;
        batch.applied.sends.push(verdict);
    }
    batch.publish(publishes)?;
    batch.write(&work.changes)?;
    if !settle.is_empty() {
        batch.tables.settle(shared.instance, settle)?;
    }
    Ok(batch.applied)
}

impl<T: Tables> Batch<'_, T> {
    /// Finds the direct rooms that are only candidates here, and makes those that are nowhere and will be written to.
    fn look_for_directs(&mut self, earlier: &[Earlier], files: &[Files]) -> Result<(), Failure> {
        let candidates: BTreeMap<&str, &Arc<Direct>> = self
            .sends
            .iter()
            .filter_map(|send| match &send.room {
                Room::Direct(direct) if !direct.is_made() => Some((direct.key.as_str(), direct)),
                _ => None,
            })
            .collect();
        if candidates.is_empty() {
            return Ok(());
        }
        let keys: Vec<&str> = candidates.keys().copied().collect();
        for (key, id) in self.tables.direct_rooms(&keys)? {
            let Some(direct) = candidates.get(key.as_str()) else { continue };
            if direct.room.uuid() == id.0 {
                self.applied.made.push(Arc::clone(direct));
            } else {
                self.elsewhere.insert(key, id.0.into());
            }
        }
        let found: BTreeSet<RoomId> = self.applied.made.iter().map(|d| d.room).collect();
        let mut wanted: BTreeMap<&str, (&Arc<Direct>, &UserId)> = BTreeMap::new();
        for ((send, earlier), files) in self.sends.iter().zip(earlier).zip(files) {
            let Room::Direct(direct) = &send.room else { continue };
            let to_make = candidates.contains_key(direct.key.as_str())
                && !self.elsewhere.contains_key(&direct.key)
                && !found.contains(&direct.room);
            // a message that answers another one cannot be the first of its room
            let can_be_first = send.new.reply_to.is_none() && files.is_some();
            if to_make && matches!(earlier, Earlier::None) && can_be_first {
                wanted.entry(&direct.key).or_insert((direct, &send.new.sender));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let rooms: Vec<Arc<Direct>> = wanted.values().map(|(direct, _)| Arc::clone(direct)).collect();
        let made: BTreeSet<Id> = self.tables.make_directs(&rooms, self.now)?.into_iter().collect();
        for (direct, by) in wanted.into_values().filter(|(d, _)| made.contains(&Id(d.room.uuid()))) {
            self.tell_of(direct, by)?;
            self.rooms
                .insert(direct.room, Open { last_seq: 0, last_sender: None, members: None, direct: true });
            self.made.insert(direct.room, Arc::clone(direct));
            self.applied.made.push(Arc::clone(direct));
        }
        Ok(())
    }

    /// `room.created`, which stands in the outbox before the room's first message.
    fn tell_of(&mut self, direct: &Direct, by: &UserId) -> Result<(), Failure> {
        let room = RoomSummary::new_direct(direct.room, direct.members(), self.now);
        let event =
            EncodedEvent::new(EventId::new(), &EventKind::ROOM_CREATED, self.now, Some(direct.room), &room)
                .map_err(Failure::corrupt)?;
        self.drafts.event(event, Some(direct.room), direct.recipients(by), self.now, Extras::default())
    }

    /// Locks the rooms that are written to and learns who is in those where that matters and is not known.
    fn open_rooms(&mut self, work: &Work<'_>) -> Result<(), Failure> {
        let mut ids: BTreeSet<Id> = BTreeSet::new();
        let mut unknown: BTreeSet<Id> = BTreeSet::new();
        for send in self.sends {
            let id = Id(send.room.id().uuid());
            match &send.room {
                Room::Direct(direct) => {
                    if direct.is_made() || self.applied.made.iter().any(|d| d.room == direct.room) {
                        ids.insert(id);
                    }
                }
                Room::Other(_) => drop(unknown.insert(id)),
            }
        }
        for event in work.publishes.iter().flat_map(|p| &p.events) {
            if let Audience::Room(room) = &event.to {
                unknown.insert(Id(room.uuid()));
            }
        }
        // a change looks its room up by itself
        ids.extend(work.changes.iter().map(|unit| Id(unit.change.room.uuid())));
        ids.extend(&unknown);
        ids.retain(|id| !self.rooms.contains_key(&id.0.into()));
        unknown.retain(|id| ids.contains(id));
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<Id> = ids.into_iter().collect();
        for room in self.tables.lock_rooms(&ids)? {
            let last_sender = room.last_sender.map(rows::user).transpose()?;
            let open = Open { last_seq: room.last_seq, last_sender, members: None, direct: room.direct };
            self.rooms.insert(room.id.0.into(), open);
        }
        self.learn_members(&unknown.into_iter().collect::<Vec<_>>())
    }

    fn learn_members(&mut self, rooms: &[Id]) -> Result<(), Failure> {
        if rooms.is_empty() {
            return Ok(());
        }
        let mut members: HashMap<RoomId, Vec<UserId>> = HashMap::new();
        for (room, user) in self.tables.members(rooms)? {
            members.entry(room.0.into()).or_default().push(rows::user(user)?);
        }
        for (room, users) in members {
            let Some(open) = self.rooms.get_mut(&room) else { continue };
            if open.direct {
                self.applied.learnt.push((room, users.clone()));
            }
            open.members = Some(users.into());
        }
        Ok(())
    }

    fn rooms_of_replies(&mut self) -> Result<HashMap<MessageId, RoomId>, Failure> {
        let ids: BTreeSet<Id> =
            self.sends.iter().filter_map(|s| s.new.reply_to).map(|id| Id(id.uuid())).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<Id> = ids.into_iter().collect();
        let rooms = self.tables.rooms_of(&ids)?;
        Ok(rooms.into_iter().map(|(message, room)| (message.0.into(), room.0.into())).collect())
    }

    /// What becomes of one send; a message that is to be stored gets its `seq` here.
    fn judge(
        &mut self,
        send: &Send,
        earlier: Earlier,
        replies: &HashMap<MessageId, RoomId>,
        files: Files,
    ) -> Result<Result<Verdict, StoreError>, Failure> {
        let room = match &send.room {
            Room::Direct(direct) => match self.elsewhere.get(&direct.key) {
                Some(room) => return Ok(Ok(Verdict::Elsewhere(*room, direct.members()))),
                None => direct.room,
            },
            Room::Other(room) => *room,
        };
        match earlier {
            Earlier::None => {}
            Earlier::Stored(message) => return repeated(send, room, &message),
            Earlier::InBatch(first) => return Ok(self.same_as(send, first)),
        }
        let Some(files) = files else { return Ok(Err(no_such_attachment())) };
        let Some(open) = self.rooms.get_mut(&room) else {
            return Ok(match &send.room {
                Room::Direct(direct) if direct.is_made() => Ok(Verdict::Gone(Arc::clone(direct))),
                Room::Direct(_) if send.new.reply_to.is_some() => Err(no_such_reply()),
                Room::Direct(_) => Ok(Verdict::Again),
                Room::Other(_) => Err(StoreError::NotFound("room")),
            });
        };
        let to = match (&send.room, &open.members) {
            (Room::Direct(direct), _) => direct.recipients(&send.new.sender),
            (Room::Other(_), Some(members)) if members.contains(&send.new.sender) => {
                recipients(members, &send.new.sender)
            }
            _ => return Ok(Err(StoreError::NotFound("room"))),
        };
        if send.new.reply_to.is_some_and(|reply| replies.get(&reply) != Some(&room)) {
            return Ok(Err(no_such_reply()));
        }
        // who sent the newest message has read it all, which must be written down when somebody else sends
        if open.last_sender.as_ref() != Some(&send.new.sender)
            && let Some(reader) = open.last_sender.replace(send.new.sender.clone())
        {
            self.marks.want(Id(room.uuid()), &reader, open.last_seq);
        }
        open.last_seq += 1;
        let message = Message {
            id: MessageId::new(),
            room,
            seq: open.last_seq,
            sender: send.new.sender.clone(),
            body: send.new.body.clone(),
            client_id: send.new.client_id.clone(),
            attachments: send.new.attachments.clone(),
            files,
            reply_to: send.new.reply_to,
            created_at: self.now,
            edited_at: None,
            deleted_at: None,
        };
        let event = EncodedEvent::message_created(&message).map_err(Failure::corrupt)?;
        let sent = Sent { id: message.id, room, seq: message.seq, json: event.data(), repeated: false };
        self.drafts.message(message, event, to, open.direct, send.new.trace.as_ref())?;
        Ok(Ok(Verdict::Sent(sent)))
    }

    /// The answer for a send whose client id stands earlier in the same batch.
    fn same_as(&self, send: &Send, first: usize) -> Result<Verdict, StoreError> {
        match (self.applied.sends.get(first), self.sends.get(first)) {
            (Some(Ok(Verdict::Sent(sent))), Some(other)) => {
                let same = other.room.id() == send.room.id()
                    && other.new.body == send.new.body
                    && other.new.attachments == send.new.attachments
                    && other.new.reply_to == send.new.reply_to;
                if same { Ok(Verdict::Sent(Sent { repeated: true, ..sent.clone() })) } else { Err(reused()) }
            }
            // the earlier one came to nothing, so this one is the first
            _ => Ok(Verdict::Again),
        }
    }

    /// Writes everything there is to write, the changes of rooms over what the messages made of them.
    fn write(&mut self, changes: &[&ChangeUnit]) -> Result<(), Failure> {
        let mut drafts = std::mem::take(&mut self.drafts);
        let mut changes = changes::decide(self.tables, changes, self.now, |room| drafts.newest(room))?;
        drafts.write_messages(self.tables)?;
        let read = self.marks.write(self.tables, self.now)?;
        changes.write(self.tables, self.now)?;
        for (room, told) in read.into_iter().chain(changes.told) {
            drafts.event(told.event, Some(room), told.to, self.now, Extras::default())?;
        }
        self.applied.changes = changes.answers;
        self.applied.marks = std::mem::take(&mut self.marks.answers);
        self.applied.outgoing = drafts.write_outbox(self.tables, self.shared)?;
        Ok(())
    }
}

fn repeated(send: &Send, room: RoomId, stored: &Message) -> Result<Result<Verdict, StoreError>, Failure> {
    // what was changed or deleted since is still the message that was sent
    let rewritten = stored.edited_at.is_some() || stored.deleted_at.is_some();
    let same_content =
        rewritten || (stored.body == send.new.body && stored.attachments == send.new.attachments);
    if stored.room != room || !same_content || stored.reply_to != send.new.reply_to {
        return Ok(Err(reused()));
    }
    let event = EncodedEvent::message_created(stored).map_err(Failure::corrupt)?;
    let sent = Sent { id: stored.id, room, seq: stored.seq, json: event.data(), repeated: true };
    Ok(Ok(Verdict::Sent(sent)))
}

fn reused() -> StoreError {
    StoreError::Conflict("client_id: another message was sent with it".into())
}

fn no_such_attachment() -> StoreError {
    StoreError::Invalid("attachments: no such attachment".into())
}

fn no_such_reply() -> StoreError {
    StoreError::Invalid("reply_to: no such message in the room".into())
}
