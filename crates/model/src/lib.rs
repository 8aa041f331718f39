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
//! | [`counts`] | values in buckets, for histograms |
//! | [`cursor`] | what a client sends back to confirm what it got |
//! | [`page`] | pages of history |
//! | [`rate`] | rates of requests, and how gateways count them together |
//! | [`room`] | rooms, as they stand and as lists show them |
//! | [`rooms`] | pages of a user's rooms |
//! | [`search`] | words of a text, searches, and what they found |
//! | [`signal`] | who is typing, who is online |
//! | [`time`] | points in time as the API writes them |
//! | [`trace`] | where a message stands in a trace |

pub mod attachment;
pub mod counts;
pub mod cursor;
pub mod event;
pub mod id;
pub mod mailbox;
pub mod message;
pub mod page;
pub mod rate;
pub mod room;
pub mod rooms;
#[cfg(feature = "openapi")]
mod schema;
pub mod search;
pub mod signal;
pub mod time;
pub mod trace;

pub use attachment::Attachment;
pub use counts::{Counted, Counts};
pub use cursor::{BadCursor, Cursor, MOST_MARKS, Marks};
pub use event::{EncodedEvent, EventKind};
pub use id::{
    AttachmentId, BadId, ClientId, ContextId, EventId, InstanceId, Label, MessageId, RoomId, RoomName,
    SessionId, UserId,
};
pub use mailbox::{Mailbox, Recipient};
pub use message::{Message, NewMessage, Target};
pub use page::{History, Range};
pub use rate::{BadRate, Charge, Grant, Rate};
pub use room::{Context, LastMessage, Member, Room, RoomKind, RoomSummary};
pub use rooms::{Assigned, RoomCursor, RoomFilter, Rooms};
pub use search::{BadQuery, BadSearchCursor, SearchCursor, SearchPage, SearchQuery};
pub use signal::{Presence, Typing};
pub use time::Timestamp;
pub use trace::{BadTrace, TraceContext, TraceParent};
