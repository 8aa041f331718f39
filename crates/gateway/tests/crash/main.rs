//! What was accepted comes, whatever ends in the middle: the gateway killed, the broker or the database stopped, an
//! answer never read, a queue deleted. Each test counts what was accepted and what came.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

mod amends;
mod attachments;
mod broker;
mod broker_alarm;
mod broker_line;
mod clients;
mod cluster_node;
mod clusters;
mod database;
mod database_line;
mod gateway;
mod ledger;
mod pair;
mod purges;
mod rooms;
mod stop;
mod transports;
mod uncertain;
mod world;
