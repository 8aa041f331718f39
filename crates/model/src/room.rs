//! Rooms, as the API shows them.

use serde::{Deserialize, Serialize};

use crate::{ContextId, Label, MessageId, RoomId, RoomName, Timestamp, UserId};

/// What kind of room it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// Of two users (or one, with oneself); its members never change.
    Direct,
    /// Of any users.
    Group,
}

impl RoomKind {
    /// The kind as it stands in the API and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Group => "group",
        }
    }
}

/// What a room is about, in the application's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Such as `order`.
    pub kind: Label,
    /// Which one.
    pub id: ContextId,
}

/// The newest message of a room, for lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMessage {
    /// Its id.
    pub id: MessageId,
    /// Its place in the room.
    pub seq: i64,
    /// Who sent it.
    pub sender: UserId,
    /// The beginning of its text: at most [`LastMessage::MOST_CHARS`] characters.
    pub text: String,
    /// When it was accepted.
    pub created_at: Timestamp,
}

impl LastMessage {
    /// The most characters (Unicode scalar values) of a message's text that a list shows.
    pub const MOST_CHARS: usize = 200;

    /// The beginning of a message's text, as lists show it.
    #[must_use]
    pub fn cut(body: &str) -> &str {
        match body.char_indices().nth(Self::MOST_CHARS) {
            Some((end, _)) => body.get(..end).unwrap_or(body),
            None => body,
        }
    }
}

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who it is.
    pub user: UserId,
    /// How far the member said to have read; see [`Room::read_by`] for what counts as read.
    pub last_read_seq: i64,
}

/// A room as it stands, whoever looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// What kind of room it is.
    pub kind: RoomKind,
    /// Its name, where it has one.
    pub name: Option<RoomName>,
    /// What it is about; never changes.
    pub context: Option<Context>,
    /// The desk it belongs to, or any other word to sort rooms by.
    pub category: Option<Label>,
    /// Where things stand.
    pub status: Option<Label>,
    /// Who looks after it.
    pub assignee: Option<UserId>,
    /// The user who made it; `None`: a back end did, or it is a direct room.
    pub created_by: Option<UserId>,
    /// Its newest message.
    pub last_message: Option<LastMessage>,
    /// Who sent the newest message, even when that is there no more.
    pub last_sender: Option<UserId>,
    /// `seq` of the newest message; 0 before the first.
    pub last_seq: i64,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl Room {
    /// How far a member has read. Who sent the newest message has read everything: sending says so, and nothing need
    /// be written for it.
    #[must_use]
    pub fn read_by(&self, member: &Member) -> i64 {
        if self.last_sender.as_ref() == Some(&member.user) { self.last_seq } else { member.last_read_seq }
    }

    /// The room for somebody who has read up to this `seq`.
    #[must_use]
    pub fn seen(&self, members: Vec<UserId>, last_read_seq: i64) -> RoomSummary {
        RoomSummary {
            id: self.id,
            kind: self.kind,
            name: self.name.clone(),
            context: self.context.clone(),
            category: self.category.clone(),
            status: self.status.clone(),
            assignee: self.assignee.clone(),
            members,
            last_message: self.last_message.clone(),
            last_seq: self.last_seq,
            last_read_seq,
            unread: self.last_seq.saturating_sub(last_read_seq).max(0),
            updated_at: self.updated_at,
        }
    }
}

/// A room as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSummary {
    /// Its id.
    pub id: RoomId,
    /// What kind of room it is.
    pub kind: RoomKind,
    /// Its name, where it has one.
    pub name: Option<RoomName>,
    /// What it is about.
    pub context: Option<Context>,
    /// A word of the application's to sort rooms by.
    pub category: Option<Label>,
    /// A word of the application's for where things stand.
    pub status: Option<Label>,
    /// Who looks after it.
    pub assignee: Option<UserId>,
    /// Who is in it.
    pub members: Vec<UserId>,
    /// Its newest message.
    pub last_message: Option<LastMessage>,
    /// `seq` of the newest message; 0 before the first.
    pub last_seq: i64,
    /// How far the asking member has read.
    pub last_read_seq: i64,
    /// How many messages of others the asking member has not read.
    pub unread: i64,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

impl RoomSummary {
    /// A direct room that has just been made, before its first message.
    #[must_use]
    pub fn new_direct(id: RoomId, members: Vec<UserId>, at: Timestamp) -> Self {
        Self {
            id,
            kind: RoomKind::Direct,
            name: None,
            context: None,
            category: None,
            status: None,
            assignee: None,
            members,
            last_message: None,
            last_seq: 0,
            last_read_seq: 0,
            unread: 0,
            updated_at: at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let text = "ä".repeat(201);
        assert_eq!(LastMessage::cut(&text), "ä".repeat(200));
        assert_eq!(LastMessage::cut("short"), "short");
    }

    #[test]
    fn the_fields_stand_in_the_order_of_the_api() {
        let room = RoomSummary::new_direct(RoomId::new(), vec![], Timestamp::from_ms(0));
        let json = serde_json::to_string(&room).unwrap();
        let order = [
            "\"id\"",
            "kind",
            "name",
            "context",
            "category",
            "status",
            "assignee",
            "members",
            "last_message",
            "last_seq",
            "last_read_seq",
            "unread",
            "updated_at",
        ];
        let places: Vec<_> = order.iter().map(|field| json.find(field).unwrap()).collect();
        assert!(places.is_sorted(), "{json}");
    }
}
