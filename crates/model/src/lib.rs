//! The vocabulary of pollgate: what a user, a room, a message, an event, a mailbox and a cursor are.
//!
//! Plain types with one door each: a value that exists is valid. No I/O, nothing asynchronous.
//!
//! | module | holds |
//! | --- | --- |
//! | [`id`] | ids of users, sessions, rooms, messages, events |
//! | [`message`] | what is sent, and what was accepted |
//! | [`event`] | the envelope a client receives, serialised once |
//! | [`mailbox`] | where a user's events wait, and who gets an event |
//! | [`cursor`] | what a client sends back to confirm what it got |
//! | [`page`] | pages of history |
//! | [`room`] | rooms, as they stand and as lists show them |
//! | [`rooms`] | pages of a user's rooms |
//! | [`search`] | words of a text, searches, and what they found |
//! | [`time`] | points in time as the API writes them |

pub mod cursor;
pub mod event;
pub mod id;
pub mod mailbox;
pub mod message;
pub mod page;
pub mod room;
pub mod rooms;
pub mod search;
pub mod time;

pub use cursor::{BadCursor, Cursor, MOST_MARKS, Marks};
pub use event::{EncodedEvent, EventKind};
pub use id::{
    AttachmentId, BadId, ClientId, ContextId, EventId, InstanceId, Label, MessageId, RoomId, RoomName,
    SessionId, UserId,
};
pub use mailbox::{Mailbox, Recipient};
pub use message::{Message, NewMessage, Target};
pub use page::{History, Range};
pub use room::{Context, LastMessage, Member, Room, RoomKind, RoomSummary};
pub use rooms::{Assigned, RoomCursor, RoomFilter, Rooms};
pub use search::{BadQuery, BadSearchCursor, SearchCursor, SearchPage, SearchQuery};
pub use time::Timestamp;
