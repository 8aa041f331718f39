//! Connections to an SQLite file, which belongs to one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::sqlite::SqliteConnection;

use crate::error::{Failure, StoreError};
use crate::settings::StoreSettings;

/// The file's path from the rest of the URL.
pub(super) fn path(rest: &str) -> Result<String, StoreError> {
    if rest.is_empty() || rest.contains(":memory:") {
        return Err(StoreError::Invalid(
            "store.url must name a file, as in sqlite://data/pollgate.db".into(),
        ));
    }
    // SQLite would read these as options
    Ok(if rest.starts_with("file:") { format!("./{rest}") } else { rest.to_owned() })
}

/// Opens a connection.
pub(super) fn connect(path: &str) -> Result<SqliteConnection, Failure> {
    SqliteConnection::establish(path).map_err(|e| Failure::Lost(format!("{path}: {e}")))
}

/// Opens a connection to a file that is there, to look at it only.
pub(super) fn connect_visitor(path: &str) -> Result<SqliteConnection, Failure> {
    // the characters that mean something in the URI
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let mut conn = SqliteConnection::establish(&format!("file:{escaped}?mode=rw"))
        .map_err(|e| Failure::Lost(format!("{path}: {e}")))?;
    conn.batch_execute("PRAGMA query_only = ON; PRAGMA busy_timeout = 2000;")?;
    Ok(conn)
}

/// What each connection is told first.
pub(super) fn session(settings: &StoreSettings) -> String {
    // FULL: an answered message survives the loss of power
    format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;",
        settings.statement_timeout.as_millis()
    )
}

/// Holds the database for this process; given back by dropping it, and by the system when the process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock beside the database file, making its folder if need be.
    pub(crate) fn take(path: &str) -> Result<Self, StoreError> {
        let failed = |e: std::io::Error| StoreError::Unavailable(format!("{path}: {e}"));
        if let Some(folder) = Path::new(path).parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(format!("{path}.lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Conflict(format!(
                "{path} is in use by another process: an SQLite database serves one pollgate at a time"
            ))),
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }
}
