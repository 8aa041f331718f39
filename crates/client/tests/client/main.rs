//! The client against real gateways: what was accepted comes once, whatever ends in the middle.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod calls;
mod ends;
mod examples;
mod faults;
mod limits;
mod loops;
mod scripted;
mod streams;
mod tokens;
mod world;
