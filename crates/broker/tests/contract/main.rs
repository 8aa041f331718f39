//! What every broker must do: each case runs on the in-process broker and on RabbitMQ.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod consume;
mod expiry;
mod manage;
mod outage;
mod peers;
mod publish;
mod support;
mod takeover;
