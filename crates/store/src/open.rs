//! The store's handle: opening, closing, health.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel::dsl::max;
use diesel::{QueryDsl as _, RunQueryDsl as _};
use pollgate_model::InstanceId;
use tokio::sync::Semaphore;
use tracing::info;

use crate::connection::{AnyConnection, Connector, Lock, Place, on_each};
use crate::directs::Directs;
use crate::error::{Failure, StoreError};
use crate::health::Health;
use crate::outgoing::OnCommit;
use crate::pool::Readers;
use crate::schema::outbox;
use crate::settings::StoreSettings;
use crate::sql::Id;
use crate::writer::{self, Writers};
use crate::{lease, migrate, task};

/// The database. Cheap to clone; the writers end when the last clone is dropped, or with [`Store::retire`].
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) readers: Readers,
    pub(crate) writers: Writers,
    /// Seats for searches: a quarter of the readers' connections.
    pub(crate) searches: Semaphore,
    /// How long a search waits for one.
    pub(crate) search_timeout: Duration,
    pub(crate) directs: Arc<Directs>,
    pub(crate) instance: Id,
    pub(crate) on_commit: Arc<dyn OnCommit>,
    /// How long an idempotency key is good.
    pub(crate) keys_kept: Duration,
    /// PostgreSQL: other gateways may use it too.
    pub(crate) shared: bool,
    /// Settling buckets: one at a time, so that a database that hangs does not get all the readers' connections.
    pub(crate) settling: Arc<Semaphore>,
    health: Arc<Health>,
    lock: Mutex<Option<Arc<Lock>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("instance", &self.inner.instance.0).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database: takes hold of it (SQLite), brings its schema up to date, and takes a lease for `instance`,
    /// the owner of the outbox rows that this handle will write.
    ///
    /// # Errors
    /// The database cannot be reached, or is another process's, or its schema is old and `migrate` is off.
    pub async fn open(
        settings: StoreSettings,
        instance: InstanceId,
        on_commit: Arc<dyn OnCommit>,
    ) -> Result<Self, StoreError> {
        let connector = Connector::new(&settings)?;
        let id = Id(instance.uuid());
        let (prepare, update, visitor) = (connector.clone(), settings.migrate, settings.visitor);
        let (lock, last_ticket) = task::blocking(move || {
            let lock = if visitor { None } else { lock(&prepare)? };
            if update {
                let applied = migrate::apply(&prepare)?;
                if !applied.is_empty() {
                    info!(migrations = applied.join(", "), "schema brought up to date");
                }
            } else {
                migrate::check(&prepare)?;
            }
            let mut conn = prepare.connect()?;
            lease::renew(&mut conn, id, None)?;
            Ok((lock, last_ticket(&mut conn)?))
        })
        .await?;
        let health = Arc::new(Health::new());
        let directs = Arc::new(Directs::new());
        let writers = Writers::start(writer::Parts {
            settings: &settings,
            connector: &connector,
            instance,
            on_commit: on_commit.clone(),
            health: health.clone(),
            directs: directs.clone(),
            last_ticket,
            lock: lock.clone(),
        })?;
        info!(kind = connector.kind(), "database opened");
        let readers = Readers::new(&connector, &settings, &health);
        Ok(Self {
            inner: Arc::new(Inner {
                readers,
                writers,
                searches: Semaphore::new(usize::try_from(settings.pool_size / 4).unwrap_or(1).max(1)),
                search_timeout: settings.acquire_timeout,
                directs,
                instance: id,
                on_commit,
                keys_kept: settings.keys_kept,
                shared: matches!(connector.place, Place::Pg(_)),
                settling: Arc::new(Semaphore::new(1)),
                health,
                lock: Mutex::new(lock),
            }),
        })
    }

    /// Brings the schema up to date without opening the store; the names of what was applied.
    ///
    /// # Errors
    /// The database cannot be reached, is in use by another process (SQLite), or a migration failed.
    pub async fn migrate(settings: &StoreSettings) -> Result<Vec<String>, StoreError> {
        let connector = Connector::new(settings)?;
        task::blocking(move || {
            let _lock = lock(&connector)?;
            migrate::apply(&connector)
        })
        .await
    }

    /// Asks the database whether it is there; bounded by the time-outs of the settings.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.inner.readers.run(|conn| conn.run("SELECT 1")).await
    }

    /// Whether the database answered when it was asked last.
    #[must_use]
    pub fn health(&self) -> bool {
        self.inner.health.is_up()
    }

    /// A clean stop: the writers finish their queues, settlements are written, and the lease ends, so that others take
    /// over at once what is left in the outbox. What is sent from now on is refused.
    ///
    /// # Errors
    /// The database did not take all of it; what is left is taken over when the lease has run out.
    pub async fn retire(&self) -> Result<(), StoreError> {
        let finished = self.inner.writers.stop().await;
        let id = self.inner.instance;
        let ended = self.inner.readers.run(move |conn| lease::end(conn, id)).await;
        // nothing is written any more: the next one may take hold of the file, whoever still holds this handle
        drop(self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
        finished.and(ended)
    }
}

fn lock(connector: &Connector) -> Result<Option<Arc<Lock>>, StoreError> {
    match &connector.place {
        Place::Sqlite(path) => Ok(Some(Arc::new(Lock::take(path)?))),
        Place::Pg(_) => Ok(None),
    }
}

fn last_ticket(conn: &mut AnyConnection) -> Result<i64, Failure> {
    let last: Option<i64> = on_each!(conn, |c| outbox::table.select(max(outbox::ticket)).first(c))?;
    Ok(last.unwrap_or(0))
}
