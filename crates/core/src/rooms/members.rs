//! Coming into a room and leaving it.

use pollgate_model::{EventKind, Member, UserId};
use pollgate_store::{Decide, Decided, Found, RoomView, Step, StoreError};

use super::actor::{Actor, agents, look_to_change};
use super::tell::Teller;

/// Somebody comes in.
pub(super) struct Add {
    pub(super) by: Actor,
    pub(super) user: UserId,
    /// Most members of a room.
    pub(super) most: usize,
}

impl Decide for Add {
    fn decide(&self, found: &Found) -> Result<Decided, StoreError> {
        let (view, _standing) = look_to_change(found, &self.by)?;
        if view.members.iter().any(|member| member.user == self.user) {
            return Ok(Decided::default());
        }
        if view.members.len() >= self.most {
            return Err(StoreError::Invalid(format!("members: at most {}", self.most)));
        }
        // what was said before is there to be read, and is not unread
        let member = Member { user: self.user.clone(), last_read_seq: view.room.last_seq };
        let mut after = view.clone();
        after.room.updated_at = found.now;
        after.members.push(member.clone());
        after.members.sort_by(|one, other| one.user.cmp(&other.user));
        let teller = Teller { now: found.now };
        let mut events = teller.room(&EventKind::ROOM_CREATED, &after, std::iter::once(&self.user))?;
        let all = after.members.iter().map(|member| &member.user);
        events.push(teller.moved(&EventKind::MEMBER_ADDED, &after.room, &self.user, all)?);
        let steps = vec![Step::Change(Box::new(after.room)), Step::Join(vec![member])];
        Ok(Decided { steps, events, ..Decided::default() })
    }
}

/// Somebody leaves, or is sent away.
pub(super) struct Remove {
    pub(super) by: Actor,
    pub(super) user: UserId,
}

impl Decide for Remove {
    fn decide(&self, found: &Found) -> Result<Decided, StoreError> {
        let (view, standing) = look_to_change(found, &self.by)?;
        if !view.members.iter().any(|member| member.user == self.user) {
            return Err(StoreError::NotFound("member"));
        }
        let room = &view.room;
        // elsewhere anybody may name an assignee, who could then send away whoever made the room
        let at_desk = !agents(found, room.category.as_ref()).is_empty();
        let looks_after = at_desk && room.assignee.as_ref().is_some_and(|user| self.by.is(user));
        let made_it = room.created_by.as_ref().is_some_and(|user| self.by.is(user));
        let may = self.by.is(&self.user) || standing.back_end || standing.agent || looks_after || made_it;
        if !may {
            let why =
                "others are removed by who made the room, at a desk by who looks after it, or by a back end";
            return Err(StoreError::Forbidden(why.into()));
        }
        let mut after = RoomView { room: room.clone(), members: view.members.clone() };
        after.members.retain(|member| member.user != self.user);
        after.room.updated_at = found.now;
        let was_assignee = room.assignee.as_ref() == Some(&self.user);
        if was_assignee {
            after.room.assignee = None;
        }
        let teller = Teller { now: found.now };
        let before = view.members.iter().map(|member| &member.user);
        let mut events = vec![teller.moved(&EventKind::MEMBER_REMOVED, room, &self.user, before)?];
        if was_assignee {
            let desk = agents(found, room.category.as_ref());
            let to = after.members.iter().map(|member| &member.user).chain(desk);
            events.extend(teller.room(&EventKind::ROOM_UPDATED, &after, to)?);
        }
        let steps = vec![Step::Change(Box::new(after.room)), Step::Leave(self.user.clone())];
        Ok(Decided { steps, events, ..Decided::default() })
    }
}
