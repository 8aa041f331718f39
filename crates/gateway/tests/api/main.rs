//! The HTTP contract, word for word, against the real binary on both pairs.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod amend;
mod attachments;
mod cli;
mod credentials;
mod described;
mod desks;
mod events;
mod health;
mod history;
mod idempotency;
mod limits;
mod logs;
mod mailboxes;
mod messages;
mod metrics;
mod openapi;
mod operator_page;
mod polls;
mod presence;
mod receipts;
mod rooms;
mod scrape;
mod search;
mod security;
mod statements;
mod streams;
mod strictness;
mod throttle;
mod tickets;
mod tracing;
mod typing;
mod watching;
mod wire;
mod world;
mod ws;
