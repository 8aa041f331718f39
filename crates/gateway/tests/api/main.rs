//! The HTTP contract, word for word, against the real binary on both pairs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod credentials;
mod events;
mod health;
mod history;
mod idempotency;
mod logs;
mod messages;
mod polls;
mod strictness;
mod world;
