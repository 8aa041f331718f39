//! `pollgate doctor`: a good set-up is found good on both pairs, and each thing that can be broken is broken and found.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod broker;
mod configuration;
mod files;
mod policies;
mod store;
mod system;
mod whole;
mod world;
