//! The rules on the embedded pair: a real SQLite file and the in-process broker, no HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod handover;
mod limits;
mod polls;
mod restarts;
mod takeover;
mod world;
