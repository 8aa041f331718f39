//! Several gateways on the same database and broker: what one of them accepted, all of them know.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod client_ids;
mod keys;
mod loops;
mod rooms;
mod world;
