//! The store on both databases: every case runs on SQLite and on PostgreSQL, each in a database of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod attachments;
mod depths;
mod groups;
mod history;
mod idempotency;
mod instances;
mod keys;
mod members;
mod outage;
mod outbox;
mod placements;
mod presence;
mod publish;
mod reads;
mod retention;
mod search;
mod send;
mod statements;
mod support;
mod tokens;
