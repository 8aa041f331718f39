//! How the databases go about the statements of this crate: each row is reached by an index, however many there are.
//!
//! The statements are those that the code itself prepared: PostgreSQL lists them for the session, SQLite's are heard
//! while they run. PostgreSQL's plans are the generic ones that its sessions are told to use.

mod pg;
mod readers;
mod rows;
mod sqlite;

use crate::connection::AnyConnection;

pub(crate) use pg::Schema;
pub(crate) use rows::fill;

/// Tables that grow with use.
const LARGE: [&str; 4] = ["messages", "rooms", "members", "desk_agents"];

/// What is wrong with the plans of what this connection has done: a line for each table that is read from end to end.
/// Second: how many statements touch a large table at all.
pub(crate) fn complaints(conn: &mut AnyConnection, heard: &Heard) -> (Vec<String>, usize) {
    match conn {
        AnyConnection::Pg(c) => pg::complaints(c),
        AnyConnection::Sqlite(c) => sqlite::complaints(c, heard),
    }
}

pub(crate) use sqlite::Heard;
