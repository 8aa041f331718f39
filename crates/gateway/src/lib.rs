//! The pollgate gateway: HTTP and the process.
//!
//! `start.rs` opens the store and, with `brokers.rs`, the brokers, and hands them to the rules in `pollgate-core`;
//! `http/` turns requests into calls of those rules and failures into answers; `cli/` is what can be typed.

pub mod auth;
mod brokers;
mod cli;
mod demo;
mod http;
mod identity;
mod log_lines;
mod metrics;
pub mod settings;
mod shutdown;
mod start;
mod telemetry;
mod trace;

pub use cli::main;

/// What fuzzers call; no part of the product. See fuzz/README.md.
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub use http::fuzzing;
