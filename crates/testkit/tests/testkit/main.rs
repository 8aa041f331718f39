//! What tests stand on stands, falls, and stands again.
#![expect(clippy::unwrap_used, reason = "tests")]

mod postgres;
mod proxy;
mod rabbitmq;
