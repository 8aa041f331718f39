//! The store on both databases: every case runs on SQLite and on PostgreSQL, each in a database of its own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod history;
mod idempotency;
mod outage;
mod outbox;
mod publish;
mod send;
mod support;
mod tokens;
