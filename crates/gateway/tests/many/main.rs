//! Several gateways on the same database and broker: what one of them accepted, all of them know.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod amends;
mod attachments;
mod client_ids;
mod keys;
mod loops;
mod mailboxes;
mod presence;
mod rooms;
mod streams;
mod throttle;
mod world;
