//! PostgreSQL for tests: a cluster of one's own that can be stopped, or a schema in the machine's database.

use std::process::Command;

use crate::process::output;

mod bouncer;
mod cluster;
mod gate;
mod schema;

pub use bouncer::PgBouncer;
pub use cluster::PgCluster;
pub use gate::CommitGate;
pub use schema::PgSchema;

/// The machine's database: `POLLGATE_TEST_POSTGRES`.
fn machine() -> String {
    let named = std::env::var("POLLGATE_TEST_POSTGRES").unwrap_or_default();
    if named.is_empty() { "postgres://root@127.0.0.1:5432/test".to_owned() } else { named }
}

/// Runs one statement; returns the rows, columns separated by `|`.
fn psql(url: &str, statement: &str) -> String {
    output(Command::new("psql").args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, url]))
}
