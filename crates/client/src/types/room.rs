//! Rooms, and pages of them.

use serde::{Deserialize, Serialize};

/// What a room is about, in the application's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Such as `order`.
    pub kind: String,
    /// Which one.
    pub id: String,
}

/// The newest message of a room.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct LastMessage {
    /// Its id.
    pub id: String,
    /// Its place in the room.
    pub seq: i64,
    /// Who sent it.
    pub sender: String,
    /// The beginning of its text: at most 200 characters.
    pub text: String,
    /// When it was accepted.
    pub created_at: String,
}

/// A room as the caller sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Room {
    /// Its id.
    pub id: String,
    /// `direct` or `group`.
    pub kind: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What it is about.
    pub context: Option<Context>,
    /// The desk it belongs to, or any other word to sort rooms by.
    pub category: Option<String>,
    /// Where things stand.
    pub status: Option<String>,
    /// Who looks after it.
    pub assignee: Option<String>,
    /// Who is in it.
    pub members: Vec<String>,
    /// Its newest message.
    pub last_message: Option<LastMessage>,
    /// `seq` of the newest message; 0 before the first.
    pub last_seq: i64,
    /// How far the caller has read.
    pub last_read_seq: i64,
    /// How many messages of others the caller has not read.
    pub unread: i64,
    /// When anything of it changed last.
    pub updated_at: String,
}

/// A page of the caller's rooms, newest activity first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Rooms {
    /// The rooms.
    pub rooms: Vec<Room>,
    /// There are more.
    pub has_more: bool,
    /// Where they begin: [`RoomFilter::before`].
    pub next: Option<String>,
}

/// What a list of rooms is narrowed to; all of it must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomFilter {
    /// `direct` or `group`.
    pub kind: Option<String>,
    /// About things of this kind.
    pub context_kind: Option<String>,
    /// About this thing.
    pub context_id: Option<String>,
    /// Of this category.
    pub category: Option<String>,
    /// Of this status.
    pub status: Option<String>,
    /// Looked after by this user; empty: by nobody.
    pub assignee: Option<String>,
    /// After the page that named this as its next.
    pub before: Option<String>,
    /// At most so many, 1 to 100 (50).
    pub limit: Option<u32>,
}

/// A group room to make. The caller becomes a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewRoom {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who else is in it.
    pub members: Vec<String>,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// The desk it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Where things stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Who looks after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
}

/// A change of a room: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoomChange {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    /// The desk it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Option<String>>,
    /// Where things stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Option<String>>,
    /// Who looks after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Option<String>>,
}

/// How far a member has read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// Who.
    pub user: String,
    /// Up to which message.
    pub seq: i64,
}
