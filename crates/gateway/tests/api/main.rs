//! The HTTP contract, word for word, against the real binary on both pairs.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod amend;
mod credentials;
mod desks;
mod events;
mod health;
mod history;
mod idempotency;
mod limits;
mod logs;
mod messages;
mod metrics;
mod polls;
mod receipts;
mod rooms;
mod scrape;
mod search;
mod strictness;
mod wire;
mod world;
