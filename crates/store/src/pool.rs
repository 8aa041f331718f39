//! The one door for reading: as many seats as connections, waiting costs no thread, every wait is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::r2d2::{HandleError, ManageConnection, Pool};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::connection::{AnyConnection, Connector};
use crate::error::{Failure, StoreError};
use crate::fill::Fill;
use crate::health::Health;
use crate::settings::StoreSettings;
use crate::statements::Counter;
use crate::task;

/// How long a reader waits for a connection before it looks whether there can be one at all.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A pooled connection, and whether it still works.
pub(crate) struct Held {
    conn: AnyConnection,
    lost: bool,
}

#[derive(Debug)]
struct Manager {
    connector: Connector,
    health: Arc<Health>,
    statements: Counter,
}

/// Why no connection could be made, in a form that the pool can pass on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotConnected(String);

impl ManageConnection for Manager {
    type Connection = Held;
    type Error = NotConnected;

    fn connect(&self) -> Result<Held, NotConnected> {
        let mut conn = self.connector.connect_reader().map_err(|e| NotConnected(e.why()))?;
        self.statements.watch(&mut conn);
        self.health.connected();
        Ok(Held { conn, lost: false })
    }

    fn is_valid(&self, _held: &mut Held) -> Result<(), NotConnected> {
        // not asked for: a reader that finds its connection dead takes the next one
        Ok(())
    }

    fn has_broken(&self, held: &mut Held) -> bool {
        held.lost
    }
}

impl HandleError<NotConnected> for Manager {
    fn handle_error(&self, error: NotConnected) {
        self.health.refused(&error.0);
    }
}

/// The readers' connections.
pub(crate) struct Readers {
    pool: Pool<Manager>,
    seats: Arc<Semaphore>,
    /// Readers that found no connection free in time.
    refused: AtomicU64,
    statements: Counter,
    health: Arc<Health>,
    acquire_timeout: Duration,
    /// A reader that took longer is not waited for any more; the server should have ended its statement by then.
    patience: Duration,
}

impl Readers {
    pub(crate) fn new(connector: &Connector, settings: &StoreSettings, health: &Arc<Health>) -> Self {
        let size = settings.pool_size.max(1);
        let statements = Counter::default();
        let manager = || Manager {
            connector: connector.clone(),
            health: health.clone(),
            statements: statements.clone(),
        };
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .connection_timeout(settings.acquire_timeout)
            .error_handler(Box::new(manager()))
            .build_unchecked(manager());
        Self {
            pool,
            seats: Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1))),
            refused: AtomicU64::new(0),
            statements,
            health: health.clone(),
            acquire_timeout: settings.acquire_timeout,
            patience: settings.acquire_timeout + settings.statement_timeout.saturating_mul(2),
        }
    }

    /// Connections, and how many of them are in use.
    pub(crate) fn fill(&self) -> Fill {
        let most = usize::try_from(self.pool.max_size()).unwrap_or(usize::MAX);
        let used = most.saturating_sub(self.seats.available_permits());
        Fill { most, used, refused: self.refused.load(Ordering::Relaxed) }
    }

    /// Connections in somebody's hands, and open ones that wait.
    pub(crate) fn in_use_and_idle(&self) -> (u64, u64) {
        let state = self.pool.state();
        let idle = state.idle_connections.min(state.connections);
        (u64::from(state.connections - idle), u64::from(idle))
    }

    /// Statements of all these connections.
    pub(crate) fn statements(&self) -> u64 {
        self.statements.read()
    }

    /// Runs `work` with a connection; once more with another one when that was lost, so `work` must only read or
    /// do the same when it is done twice.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut AnyConnection) -> Result<T, Failure> + Send + 'static,
    {
        let full = StoreError::Busy("database pool");
        let Ok(Ok(seat)) = timeout(self.acquire_timeout, self.seats.clone().acquire_owned()).await else {
            if let Some(why) = self.health.why_refused() {
                return Err(StoreError::Unavailable(why));
            }
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(full);
        };
        let (pool, health, limit) = (self.pool.clone(), self.health.clone(), self.acquire_timeout);
        let running = task::blocking(move || {
            let _seat = seat;
            read(&pool, &health, limit, &work)
        });
        match timeout(self.patience, running).await {
            Ok(result) => result,
            Err(_elapsed) => {
                let why = "no answer within the statement time-out";
                self.health.lost(why);
                Err(StoreError::Unavailable(why.into()))
            }
        }
    }
}

fn read<T>(
    pool: &Pool<Manager>,
    health: &Health,
    limit: Duration,
    work: &impl Fn(&mut AnyConnection) -> Result<T, Failure>,
) -> Result<T, StoreError> {
    // after a restart of the database every pooled connection is dead, and one more try makes a new one
    let mut tries = pool.max_size() + 1;
    loop {
        let mut held = get(pool, health, limit)?;
        tries -= 1;
        match work(&mut held.conn) {
            Ok(found) => {
                health.answered();
                return Ok(found);
            }
            Err(Failure::Lost(why)) => {
                held.lost = true;
                if tries == 0 {
                    health.lost(&why);
                    return Err(StoreError::Unavailable(why));
                }
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

fn get(
    pool: &Pool<Manager>,
    health: &Health,
    limit: Duration,
) -> Result<diesel::r2d2::PooledConnection<Manager>, StoreError> {
    let deadline = Instant::now() + limit;
    loop {
        if let Ok(held) = pool.get_timeout(LOOK_EVERY.min(limit)) {
            return Ok(held);
        }
        if let Some(why) = health.why_refused() {
            return Err(StoreError::Unavailable(why));
        }
        if Instant::now() >= deadline {
            return Err(StoreError::Busy("database pool"));
        }
    }
}
