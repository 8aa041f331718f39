//! The pollgate gateway: HTTP and the process.

pub mod auth;
pub mod settings;
pub mod telemetry;
