//! The balancer's configuration as it ships, `docker/nginx.conf`, in front of two gateways, and in front of upstreams that
//! break off: what goes through, what is repeated elsewhere, and what is not.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod attachments;
mod faults;
mod nginx;
mod requests;
mod settings;
mod smuggling;
mod streams;
mod upstream;
mod world;
