//! PostgreSQL for tests: a cluster of one's own that can be stopped, or a schema in the machine's database.

use std::process::Command;

use crate::process::output;

mod cluster;
mod gate;
mod schema;

pub use cluster::PgCluster;
pub use gate::CommitGate;
pub use schema::PgSchema;

/// Runs one statement; returns the rows, columns separated by `|`.
fn psql(url: &str, statement: &str) -> String {
    output(Command::new("psql").args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, url]))
}
