//! On whose behalf something is asked, and what that one is to a room.

use pollgate_model::{Label, RoomKind, RoomSummary, UserId};
use pollgate_store::{Found, RoomView, StoreError};

/// On whose behalf something is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user; `None`: a back end in its own name.
    pub user: Option<UserId>,
    /// A back end, which may change any group room.
    pub back_end: bool,
}

impl Actor {
    /// A user, with that user's rights and no others.
    #[must_use]
    pub const fn user(user: UserId) -> Self {
        Self { user: Some(user), back_end: false }
    }

    pub(super) fn is(&self, user: &UserId) -> bool {
        self.user.as_ref() == Some(user)
    }
}

/// What an actor is to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) member: bool,
    /// Serves the room's desk.
    pub(super) agent: bool,
    pub(super) back_end: bool,
}

/// The agents of a desk; nobody, where nobody serves it.
pub(super) fn agents<'f>(found: &'f Found, desk: Option<&Label>) -> &'f [UserId] {
    desk.and_then(|desk| found.desks.get(desk)).map_or(&[], Vec::as_slice)
}

/// The room, for those who may look into it: members, back ends, and the agents of its desk while nobody looks
/// after it. For all others it is not there.
pub(super) fn look<'f>(found: &'f Found, by: &Actor) -> Result<(&'f RoomView, Standing), StoreError> {
    let view = found.room.as_ref().ok_or(StoreError::NotFound("room"))?;
    let member = view.members.iter().any(|member| by.is(&member.user));
    let agent = agents(found, view.room.category.as_ref()).iter().any(|agent| by.is(agent));
    let waits = agent && view.room.assignee.is_none();
    let group = view.room.kind == RoomKind::Group;
    if member || (by.back_end && group) || waits {
        return Ok((view, Standing { member, agent, back_end: by.back_end }));
    }
    Err(StoreError::NotFound("room"))
}

/// The same for a room that can be changed: a direct one cannot.
pub(super) fn look_to_change<'f>(
    found: &'f Found,
    by: &Actor,
) -> Result<(&'f RoomView, Standing), StoreError> {
    let (view, standing) = look(found, by)?;
    if view.room.kind == RoomKind::Direct {
        return Err(StoreError::Invalid("room: a direct room and its members never change".into()));
    }
    Ok((view, standing))
}

/// The room as the actor sees it.
pub(super) fn seen_by(view: &RoomView, by: &Actor) -> RoomSummary {
    let members = view.members.iter().map(|member| member.user.clone()).collect();
    let own = view.members.iter().find(|member| by.is(&member.user));
    let read = own.map_or(view.room.last_seq, |member| view.room.read_by(member));
    let mut seen = view.room.seen(members, read);
    if own.is_none() && by.back_end {
        // what is said in it is its members'
        seen.last_message = None;
    }
    seen
}
