//! One connection to either kind of database, chosen by the URL's scheme.

mod pg;
pub(crate) mod sqlite;

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;

use crate::error::{Failure, StoreError};
use crate::settings::StoreSettings;

pub(crate) use sqlite::Lock;

/// A connection to either kind of database.
pub(crate) enum AnyConnection {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

/// The same query on whichever connection it is.
macro_rules! on_each {
    ($conn:expr, |$c:ident| $query:expr) => {
        match $conn {
            $crate::connection::AnyConnection::Pg($c) => $query,
            $crate::connection::AnyConnection::Sqlite($c) => $query,
        }
    };
}
pub(crate) use on_each;

impl AnyConnection {
    /// Statements without values, one after the other.
    pub(crate) fn run(&mut self, sql: &str) -> Result<(), Failure> {
        Ok(on_each!(self, |c| c.batch_execute(sql))?)
    }
}

/// Which database it is, as its URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The connection text for libpq.
    Pg(String),
    /// The file.
    Sqlite(String),
}

/// Makes connections, all alike.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) place: Place,
    session: String,
}

impl Connector {
    /// For the database that the settings name.
    pub(crate) fn new(settings: &StoreSettings) -> Result<Self, StoreError> {
        let url = settings.url.as_str();
        if let Some(path) = url.strip_prefix("sqlite://") {
            let path = sqlite::path(path)?;
            return Ok(Self { place: Place::Sqlite(path), session: sqlite::session(settings) });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let place = Place::Pg(pg::with_bounds(url, settings));
            return Ok(Self { place, session: pg::session(settings) });
        }
        // the URL itself may hold a password
        Err(StoreError::Invalid("store.url must begin with sqlite://, postgres:// or postgresql://".into()))
    }

    /// A new connection, ready for use.
    pub(crate) fn connect(&self) -> Result<AnyConnection, Failure> {
        let mut conn = match &self.place {
            Place::Pg(url) => AnyConnection::Pg(pg::connect(url)?),
            Place::Sqlite(path) => AnyConnection::Sqlite(sqlite::connect(path)?),
        };
        conn.run(&self.session)?;
        Ok(conn)
    }

    /// A new connection that changes nothing, not even how an SQLite file is kept.
    pub(crate) fn connect_visitor(&self) -> Result<AnyConnection, Failure> {
        match &self.place {
            Place::Pg(_) => self.connect(),
            Place::Sqlite(path) => Ok(AnyConnection::Sqlite(sqlite::connect_visitor(path)?)),
        }
    }

    /// A new connection for a reader.
    pub(crate) fn connect_reader(&self) -> Result<AnyConnection, Failure> {
        let mut conn = self.connect()?;
        if matches!(conn, AnyConnection::Pg(_)) {
            conn.run(pg::BY_INDEX)?;
        }
        Ok(conn)
    }

    /// A new connection for a writer.
    pub(crate) fn connect_writer(&self) -> Result<AnyConnection, Failure> {
        let mut conn = self.connect()?;
        conn.run(match conn {
            AnyConnection::Pg(_) => pg::BY_INDEX,
            // copying the log into the database is another thread's work: here it would make senders wait
            AnyConnection::Sqlite(_) => {
                "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;"
            }
        })?;
        Ok(conn)
    }

    /// A new connection that changes the schema: it may take as long as it takes, but for waiting for others.
    pub(crate) fn connect_migrator(&self) -> Result<AnyConnection, Failure> {
        let mut conn = self.connect()?;
        if matches!(conn, AnyConnection::Pg(_)) {
            conn.run("SET statement_timeout = 0; SET lock_timeout = 60000;")?;
        }
        Ok(conn)
    }

    /// Which kind of database it is, for logs.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.place {
            Place::Pg(_) => "postgresql",
            Place::Sqlite(_) => "sqlite",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_chooses_the_kind() {
        let kind = |url: &str| Connector::new(&StoreSettings::new(url)).map(|c| c.kind());
        assert_eq!(kind("sqlite://a.db"), Ok("sqlite"));
        assert_eq!(kind("postgres://h/d"), Ok("postgresql"));
        assert_eq!(kind("postgresql://h/d"), Ok("postgresql"));
        assert!(matches!(kind("postgres"), Err(StoreError::Invalid(_))));
        assert!(matches!(kind("mysql://h/d"), Err(StoreError::Invalid(_))));
        assert!(matches!(kind("sqlite://:memory:"), Err(StoreError::Invalid(_))));
    }
}
