//! Making a group room.

use std::collections::BTreeSet;

use pollgate_model::{Context, EventKind, Label, Member, Room, RoomId, RoomKind, RoomName, UserId};
use pollgate_store::{Decide, Decided, Found, RoomView, Step, StoreError};

use super::actor::{Actor, agents, seen_by};
use super::json;
use super::tell::Teller;
use crate::CoreError;

/// A group room that is asked for.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Who asks; a user becomes a member.
    pub by: Actor,
    /// Its name.
    pub name: Option<RoomName>,
    /// Who else is in it.
    pub members: Vec<UserId>,
    /// What it is about.
    pub context: Option<Context>,
    /// Its desk, or another word to sort it by.
    pub category: Option<Label>,
    /// Where things stand.
    pub status: Option<Label>,
    /// Who looks after it, and becomes a member.
    pub assignee: Option<UserId>,
}

impl NewRoom {
    /// With everybody who will be in it, each once.
    pub(super) fn checked(mut self, most: usize) -> Result<Self, CoreError> {
        let given = self.members.len();
        let all: BTreeSet<UserId> = std::mem::take(&mut self.members)
            .into_iter()
            .chain(self.by.user.clone())
            .chain(self.assignee.clone())
            .collect();
        if all.is_empty() || all.len().max(given) > most {
            return Err(CoreError::Invalid(format!("members: 1 to {most} users")));
        }
        self.members = all.into_iter().collect();
        Ok(self)
    }
}

/// See the module's text.
pub(super) struct Create {
    pub(super) id: RoomId,
    pub(super) new: NewRoom,
}

impl Decide for Create {
    fn decide(&self, found: &Found) -> Result<Decided, StoreError> {
        let Self { id, new } = self;
        if found.room.is_some() {
            return Err(StoreError::Conflict("room: it is there already".into()));
        }
        let desk = agents(found, new.category.as_ref());
        may_assign(desk, new)?;
        let room = Room {
            id: *id,
            kind: RoomKind::Group,
            name: new.name.clone(),
            context: new.context.clone(),
            category: new.category.clone(),
            status: new.status.clone(),
            assignee: new.assignee.clone(),
            created_by: new.by.user.clone(),
            last_message: None,
            last_sender: None,
            last_seq: 0,
            updated_at: found.now,
        };
        let members = new.members.iter().map(|user| Member { user: user.clone(), last_read_seq: 0 });
        let view = RoomView { room, members: members.collect() };
        let waiting: &[UserId] = if new.assignee.is_none() { desk } else { &[] };
        let to = new.members.iter().chain(waiting);
        let events = Teller { now: found.now }.room(&EventKind::ROOM_CREATED, &view, to)?;
        let answer = json(&seen_by(&view, &new.by))?;
        let steps = vec![Step::Make(Box::new(view.room)), Step::Join(view.members)];
        Ok(Decided { steps, events, answer })
    }
}

/// At a desk that somebody serves, only its agents and back ends say who looks after a room.
fn may_assign(desk: &[UserId], new: &NewRoom) -> Result<(), StoreError> {
    let Some(assignee) = &new.assignee else { return Ok(()) };
    if desk.is_empty() {
        return Ok(());
    }
    if !new.by.back_end && !desk.iter().any(|agent| new.by.is(agent)) {
        return Err(StoreError::Forbidden(
            "assignee: only the desk's agents say who looks after a room".into(),
        ));
    }
    if !desk.contains(assignee) {
        return Err(StoreError::Invalid("assignee: does not serve this desk".into()));
    }
    Ok(())
}
