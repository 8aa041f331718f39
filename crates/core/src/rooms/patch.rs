//! Changing a room's name, category, status or assignee.

use pollgate_model::{EventKind, Label, Member, Room, RoomName, UserId};
use pollgate_store::{Decide, Decided, Found, RoomView, Step, StoreError, Told};

use super::actor::{Actor, Standing, agents, look_to_change, seen_by};
use super::json;
use super::tell::Teller;

/// What becomes of a room; `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomPatch {
    /// The name.
    pub name: Option<Option<RoomName>>,
    /// The desk, or another word to sort it by.
    pub category: Option<Option<Label>>,
    /// Where things stand.
    pub status: Option<Option<Label>>,
    /// Who looks after it.
    pub assignee: Option<Option<UserId>>,
}

/// See the module's text.
pub(super) struct Patching {
    pub(super) by: Actor,
    pub(super) patch: RoomPatch,
    /// Most members of a room.
    pub(super) most: usize,
}

impl Decide for Patching {
    fn decide(&self, found: &Found) -> Result<Decided, StoreError> {
        let (view, standing) = look_to_change(found, &self.by)?;
        let mut room = self.patched(&view.room, found);
        if room == view.room {
            return Ok(Decided { answer: json(&seen_by(view, &self.by))?, ..Decided::default() });
        }
        self.may(found, standing, &view.room, &room)?;
        room.updated_at = found.now;
        let (leaves, joins) = moves(found, view, &room);
        let mut after = RoomView { room, members: view.members.clone() };
        let mut steps = vec![Step::Change(Box::new(after.room.clone()))];
        if let Some(user) = &leaves {
            after.members.retain(|member| member.user != *user);
            steps.push(Step::Leave(user.clone()));
        }
        if let Some(user) = &joins {
            if after.members.len() >= self.most {
                return Err(StoreError::Invalid(format!("members: at most {}", self.most)));
            }
            let member = Member { user: user.clone(), last_read_seq: after.room.last_seq };
            after.members.push(member.clone());
            after.members.sort_by(|one, other| one.user.cmp(&other.user));
            steps.push(Step::Join(vec![member]));
        }
        let events = self.events(found, view, &after, leaves.as_ref(), joins.as_ref())?;
        Ok(Decided { steps, events, answer: json(&seen_by(&after, &self.by))? })
    }
}

impl Patching {
    /// The room as it shall be.
    fn patched(&self, old: &Room, found: &Found) -> Room {
        let RoomPatch { name, category, status, assignee } = &self.patch;
        let mut room = old.clone();
        room.name = name.clone().unwrap_or(room.name);
        room.status = status.clone().unwrap_or(room.status);
        room.category = category.clone().unwrap_or(room.category);
        room.assignee = assignee.clone().unwrap_or(room.assignee);
        let moved = room.category != old.category && assignee.is_none();
        let desk = agents(found, room.category.as_ref());
        if moved && !desk.is_empty() && room.assignee.as_ref().is_some_and(|user| !desk.contains(user)) {
            // it waits at its new desk
            room.assignee = None;
        }
        room
    }

    /// At a desk that somebody serves, only its agents and back ends say who looks after a room and where it goes.
    fn may(&self, found: &Found, standing: Standing, old: &Room, new: &Room) -> Result<(), StoreError> {
        if old.category == new.category && old.assignee == new.assignee {
            return Ok(());
        }
        let (from, to) = (agents(found, old.category.as_ref()), agents(found, new.category.as_ref()));
        let serves = standing.back_end || standing.agent || to.iter().any(|agent| self.by.is(agent));
        let leaves_desk = !from.is_empty() && !standing.back_end && !standing.agent;
        let assigns_at_desk = !to.is_empty() && new.assignee.is_some() && !serves;
        if leaves_desk || assigns_at_desk {
            let why = "only the desk's agents say who looks after a room and where it goes";
            return Err(StoreError::Forbidden(why.into()));
        }
        match &new.assignee {
            Some(user) if !to.is_empty() && !to.contains(user) => {
                Err(StoreError::Invalid("assignee: does not serve this desk".into()))
            }
            _ => Ok(()),
        }
    }

    fn events(
        &self,
        found: &Found,
        before: &RoomView,
        after: &RoomView,
        leaves: Option<&UserId>,
        joins: Option<&UserId>,
    ) -> Result<Vec<Told>, StoreError> {
        let teller = Teller { now: found.now };
        let was = before.members.iter().map(|member| &member.user);
        let is = || after.members.iter().map(|member| &member.user);
        let mut events = Vec::new();
        if let Some(user) = leaves {
            events.push(teller.moved(&EventKind::MEMBER_REMOVED, &after.room, user, was)?);
        }
        if let Some(user) = joins {
            events.extend(teller.room(&EventKind::ROOM_CREATED, after, std::iter::once(user))?);
            events.push(teller.moved(&EventKind::MEMBER_ADDED, &after.room, user, is())?);
        }
        // a desk's agents have it on their list while it waits there, and must hear when it does no more
        let waited = waiting(found, &before.room);
        let waits = waiting(found, &after.room);
        events.extend(teller.room(&EventKind::ROOM_UPDATED, after, is().chain(waited).chain(waits))?);
        Ok(events)
    }
}

/// The agents on whose list a room waits.
fn waiting<'f>(found: &'f Found, room: &Room) -> &'f [UserId] {
    if room.assignee.is_some() { &[] } else { agents(found, room.category.as_ref()) }
}

/// Who leaves and who comes in because somebody else looks after the room now. At a desk, an agent sees only what is
/// that agent's; elsewhere nobody is sent away.
fn moves(found: &Found, view: &RoomView, new: &Room) -> (Option<UserId>, Option<UserId>) {
    let old = &view.room;
    if old.assignee == new.assignee {
        return (None, None);
    }
    let is_member = |user: &&UserId| view.members.iter().any(|member| member.user == **user);
    let at_desk = !agents(found, old.category.as_ref()).is_empty();
    let leaves = old.assignee.as_ref().filter(is_member);
    let leaves = leaves.filter(|user| at_desk && old.created_by.as_ref() != Some(*user));
    let joins = new.assignee.as_ref().filter(|user| !is_member(user));
    (leaves.cloned(), joins.cloned())
}
