//! Looking at a database without changing anything in it, for whoever checks a set-up.
//!
//! | module | looks at |
//! | --- | --- |
//! | `pg`, `sqlite` | what only one kind has |

mod pg;
mod sqlite;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Text};

pub use self::pg::PgFacts;
pub use self::sqlite::SqliteFacts;
use crate::connection::{AnyConnection, Connector, Place, on_each};
use crate::error::{Failure, StoreError};
use crate::settings::StoreSettings;
use crate::{migrate, task};

/// A visit to a database.
#[derive(Clone)]
pub struct StoreProbe {
    connector: Connector,
    conn: Arc<Mutex<AnyConnection>>,
    /// No answer is waited for longer.
    limit: Duration,
}

impl std::fmt::Debug for StoreProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreProbe").field("kind", &self.connector.kind()).finish_non_exhaustive()
    }
}

/// What came of a visit.
#[derive(Debug)]
pub enum Visited {
    /// The database is there.
    Here(StoreProbe),
    /// There is no such file yet; a gateway makes it when it starts.
    NoFile(PathBuf),
}

/// The schema beside this program's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaState {
    /// Migrations that are in the database and in this program.
    pub applied: usize,
    /// Migrations that are missing in the database, by name.
    pub pending: Vec<String>,
    /// Versions of migrations that this program does not know.
    pub unknown: Vec<String>,
}

/// The database's clock beside this machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// How far the database is ahead, in milliseconds.
    pub ahead_ms: i64,
    /// It may be off by so much, which is half the time the answer took.
    pub uncertain_ms: i64,
}

#[derive(diesel::QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(diesel::QueryableByName)]
struct Millis {
    #[diesel(sql_type = BigInt)]
    ms: i64,
}

impl StoreProbe {
    /// Connects. An SQLite file is opened as it is, beside whoever owns it, and never made.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn visit(settings: &StoreSettings) -> Result<Visited, StoreError> {
        let connector = Connector::new(settings)?;
        let answering = settings.statement_timeout.saturating_mul(2);
        // libpq counts whole seconds, and 2 at least
        let limit = settings.connect_timeout.max(Duration::from_secs(2)).saturating_mul(2);
        within(limit, move || {
            if let Place::Sqlite(path) = &connector.place
                && !Path::new(path).exists()
            {
                return Ok(Visited::NoFile(PathBuf::from(path)));
            }
            let conn = Arc::new(Mutex::new(connector.connect_visitor()?));
            Ok(Visited::Here(Self { connector, conn, limit: answering }))
        })
        .await
    }

    /// `postgresql` or `sqlite`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.connector.kind()
    }

    /// How the schema stands.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn schema(&self) -> Result<SchemaState, StoreError> {
        self.run(|conn| {
            // diesel's own question would make its table
            let there = match conn {
                AnyConnection::Pg(c) => pg::has_table(c, "__diesel_schema_migrations")?,
                AnyConnection::Sqlite(c) => sqlite::has_table(c, "__diesel_schema_migrations")?,
            };
            let versions = "SELECT version FROM __diesel_schema_migrations";
            let applied: Vec<Version> =
                if there { on_each!(conn, |c| diesel::sql_query(versions).load(c))? } else { Vec::new() };
            let applied: BTreeSet<String> = applied.into_iter().map(|row| row.version).collect();
            let ours = match conn {
                AnyConnection::Pg(_) => migrate::names_of_postgres(),
                AnyConnection::Sqlite(_) => migrate::names_of_sqlite(),
            };
            let ours = ours.map_err(Failure::Statement)?;
            let known: BTreeSet<&String> = ours.iter().map(|(version, _)| version).collect();
            let missing = ours.iter().filter(|(version, _)| !applied.contains(version));
            Ok(SchemaState {
                applied: applied.iter().filter(|version| known.contains(version)).count(),
                pending: missing.map(|(_, name)| name.clone()).collect(),
                unknown: applied.iter().filter(|version| !known.contains(version)).cloned().collect(),
            })
        })
        .await
    }

    /// How long each of so many round trips takes, shortest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn round_trips(&self, many: usize) -> Result<Vec<Duration>, StoreError> {
        self.run(move |conn| {
            let mut times = Vec::new();
            for _trip in 0..many {
                let begun = Instant::now();
                conn.run("SELECT 1")?;
                times.push(begun.elapsed());
            }
            times.sort_unstable();
            Ok(times)
        })
        .await
    }

    /// Compares the clocks; the best of several readings, which is the one that took the shortest time.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn clock(&self) -> Result<ClockReading, StoreError> {
        const READINGS: usize = 5;
        self.run(|conn| {
            let mut best: Option<ClockReading> = None;
            for _reading in 0..READINGS {
                let begun = Instant::now();
                let before = now_ms();
                let theirs = match conn {
                    AnyConnection::Pg(c) => diesel::sql_query(
                        "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms",
                    )
                    .get_result::<Millis>(c)?,
                    AnyConnection::Sqlite(c) => {
                        diesel::sql_query("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS ms")
                            .get_result::<Millis>(c)?
                    }
                };
                let half = i64::try_from(begun.elapsed().as_millis() / 2).unwrap_or(i64::MAX);
                let ahead_ms = theirs.ms.saturating_sub(before.saturating_add(half));
                if best.is_none_or(|best| half < best.uncertain_ms) {
                    best = Some(ClockReading { ahead_ms, uncertain_ms: half });
                }
            }
            best.ok_or_else(|| Failure::Statement("no reading".into()))
        })
        .await
    }

    /// What PostgreSQL says of itself; `None`: it is SQLite.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn postgres(&self) -> Result<Option<PgFacts>, StoreError> {
        self.run(|conn| match conn {
            AnyConnection::Pg(c) => Ok(Some(pg::facts(c)?)),
            AnyConnection::Sqlite(_) => Ok(None),
        })
        .await
    }

    /// What SQLite says of its file; `None`: it is PostgreSQL.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn sqlite(&self) -> Result<Option<SqliteFacts>, StoreError> {
        let Place::Sqlite(path) = self.connector.place.clone() else { return Ok(None) };
        self.run(move |conn| match conn {
            AnyConnection::Sqlite(c) => Ok(Some(sqlite::facts(c, &path)?)),
            AnyConnection::Pg(_) => Ok(None),
        })
        .await
    }

    /// Looks all of an SQLite file over: what is wrong with it, at most a few things. It takes as long as reading the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn quick_check(&self, limit: Duration) -> Result<Vec<String>, StoreError> {
        let conn = Arc::clone(&self.conn);
        within(limit, move || {
            let mut conn = conn.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *conn {
                AnyConnection::Sqlite(c) => Ok(sqlite::quick_check(c)?),
                AnyConnection::Pg(_) => Ok(Vec::new()),
            }
        })
        .await
    }

    /// Whether two connections share one session of the server, as behind a pooler that gives out a session for each
    /// transaction.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sessions_are_shared(&self) -> Result<bool, StoreError> {
        let connector = self.connector.clone();
        self.run(move |conn| {
            let AnyConnection::Pg(first) = conn else { return Ok(false) };
            let AnyConnection::Pg(mut second) = connector.connect_visitor()? else { return Ok(false) };
            pg::share_a_session(first, &mut second)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let conn = Arc::clone(&self.conn);
        within(self.limit, move || {
            let mut conn = conn.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(work(&mut conn)?)
        })
        .await
    }
}

/// Work that is not waited for longer than this; its thread ends when the database lets it.
async fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, task::blocking(work)).await {
        Ok(done) => done,
        Err(_elapsed) => Err(StoreError::Unavailable(format!("no answer within {limit:?}"))),
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
