//! Bringing the schema up to date.

use std::fmt::Display;

use diesel::migration::{Migration as _, MigrationSource};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::connection::{AnyConnection, Connector};
use crate::error::StoreError;

/// PostgreSQL's migrations.
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
/// SQLite's migrations.
pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Any number, the same for all gateways of a database: two that start together migrate one after the other.
const ADVISORY_LOCK: i64 = 0x706f_6c6c_6761_7465;

/// Applies what is missing; the names of what was applied.
pub(crate) fn apply(connector: &Connector) -> Result<Vec<String>, StoreError> {
    let mut conn = connector.connect_migrator()?;
    if matches!(conn, AnyConnection::Pg(_)) {
        // held until this connection is closed
        conn.run(&format!("SELECT pg_advisory_lock({ADVISORY_LOCK})"))?;
    }
    match &mut conn {
        AnyConnection::Pg(c) => names(c.run_pending_migrations(POSTGRES)),
        AnyConnection::Sqlite(c) => names(c.run_pending_migrations(SQLITE)),
    }
}

fn names<V: Display, E: Display>(applied: Result<Vec<V>, E>) -> Result<Vec<String>, StoreError> {
    match applied {
        Ok(versions) => Ok(versions.iter().map(ToString::to_string).collect()),
        Err(e) => Err(StoreError::Outdated(format!("the schema could not be brought up to date: {e}"))),
    }
}

/// Version and name of each of PostgreSQL's migrations.
pub(crate) fn names_of_postgres() -> Result<Vec<(String, String)>, String> {
    let all = MigrationSource::<Pg>::migrations(&POSTGRES).map_err(|e| e.to_string())?;
    Ok(all.iter().map(|m| (m.name().version().to_string(), m.name().to_string())).collect())
}

/// Version and name of each of SQLite's migrations.
pub(crate) fn names_of_sqlite() -> Result<Vec<(String, String)>, String> {
    let all = MigrationSource::<Sqlite>::migrations(&SQLITE).map_err(|e| e.to_string())?;
    Ok(all.iter().map(|m| (m.name().version().to_string(), m.name().to_string())).collect())
}

/// Refuses a schema that is older than this program.
pub(crate) fn check(connector: &Connector) -> Result<(), StoreError> {
    let mut conn = connector.connect()?;
    let pending = match &mut conn {
        AnyConnection::Pg(c) => {
            c.pending_migrations(POSTGRES).map(|p| p.first().map(|m| m.name().to_string()))
        }
        AnyConnection::Sqlite(c) => {
            c.pending_migrations(SQLITE).map(|p| p.first().map(|m| m.name().to_string()))
        }
    };
    match pending {
        Ok(None) => Ok(()),
        Ok(Some(first)) => Err(StoreError::Outdated(format!(
            "the schema is older than this program ({first} is missing): run `pollgate migrate`"
        ))),
        Err(e) => Err(StoreError::Outdated(format!("the schema's version could not be read: {e}"))),
    }
}

#[cfg(test)]
mod data_tests;
#[cfg(test)]
mod tests;
