#![doc = include_str!("../README.md")]

mod backoff;
mod call;
mod calls;
mod client;
mod error;
mod events;
mod seen;
mod token;
mod types;

pub use calls::Download;
pub use client::{Builder, Client};
pub use error::{BoxError, End, Error, Problem};
pub use events::{Batch, Batches, Events, Item, State, Transport};
pub use types::{
    Attachment, Context, Event, Found, History, LastMessage, MailboxDepth, MailboxDepths, MailboxQuery,
    Message, NewEvent, NewMessage, NewRoom, Presence, Range, Receipt, Room, RoomChange, RoomFilter, Rooms,
    Typing, kind,
};
