//! What the API takes and gives.
//!
//! Ids and times are texts, and what a newer gateway adds is passed over: an answer is read as it comes, the gateway is
//! the one to judge.

mod depth;
mod event;
mod message;
mod publish;
mod room;
mod signal;

pub use depth::{MailboxDepth, MailboxDepths, MailboxQuery};
pub use event::{Event, kind};
pub use message::{Attachment, Found, History, Message, NewMessage, Range};
pub use publish::NewEvent;
pub use room::{Context, LastMessage, NewRoom, Receipt, Room, RoomChange, RoomFilter, Rooms};
pub use signal::{Presence, Typing};
