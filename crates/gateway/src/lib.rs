//! The pollgate gateway: HTTP and the process.
//!
//! `start.rs` opens store and broker and hands them to the rules in `pollgate-core`; `http/` turns requests into calls of
//! those rules and failures into answers; `cli/` is what can be typed.

pub mod auth;
mod cli;
mod http;
mod metrics;
pub mod settings;
mod shutdown;
mod start;
mod telemetry;

pub use cli::main;
