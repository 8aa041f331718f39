//! What the store needs to know.

use std::time::Duration;

/// Where the database is, and the bounds of its use.
#[derive(Clone)]
pub struct StoreSettings {
    /// `sqlite://path` or `postgres://…`; may hold a password and is never logged.
    pub url: String,
    /// Connections for reading; each writer has one of its own besides.
    pub pool_size: u32,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a reader may wait for a connection.
    pub acquire_timeout: Duration,
    /// How long a statement may take, and a message may wait to be written.
    pub statement_timeout: Duration,
    /// Writers that commit side by side; 0: as many as suit the kind of database (PostgreSQL 2, SQLite 1).
    pub writers: usize,
    /// Messages that may wait for one writer.
    pub writer_queue: usize,
    /// Most messages in one transaction.
    pub batch: usize,
    /// How long an idempotency key is good, and kept.
    pub keys_kept: Duration,
    /// Bring the schema up to date when the store is opened; otherwise an old one is refused.
    pub migrate: bool,
    /// Only visits the database beside whoever owns it (a command beside a running gateway): does not take hold of an
    /// SQLite file. A visitor must not send or publish there.
    pub visitor: bool,
}

impl StoreSettings {
    /// The defaults, for this database.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: 4,
            connect_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            writers: 0,
            writer_queue: 10_000,
            batch: 512,
            keys_kept: Duration::from_secs(86_400),
            migrate: true,
            visitor: false,
        }
    }
}

impl std::fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreSettings")
            .field("url", &"***")
            .field("pool_size", &self.pool_size)
            .field("writers", &self.writers)
            .field("writer_queue", &self.writer_queue)
            .field("batch", &self.batch)
            .field("migrate", &self.migrate)
            .finish_non_exhaustive()
    }
}
