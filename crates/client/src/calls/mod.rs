//! The calls of the API, each a method of [`Client`](crate::Client).

mod desks;
mod files;
mod messages;
mod operating;
mod publish;
mod rooms;
mod signals;

pub use files::Download;
