//! What every place for files must do: each case runs on a folder and on a bucket of a real server.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod contract;
mod folder;
mod world;
